"""Which pictures are explained together."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import torch

from rgaviz.analysis.loading import BATCH, PIXELS, Loaded, batches
from rgaviz.data.find import PicturePath


def loaded(number, *sizes):
    picture = PicturePath(Path("x"), PurePosixPath("x"), None)
    inputs = {str(place): torch.empty(3, *size, device="meta") for place, size in enumerate(sizes)}
    return Loaded(number, picture, (1, 1), np.empty((1, 1, 3), np.uint8), inputs)


def numbers(pictures):
    return [[each.number for each in batch] for batch in batches(pictures)]


def test_together_are_those_in_a_row_of_one_size():
    sizes = [(8, 8), (8, 8), (8, 9), (8, 8)]
    assert numbers(loaded(n, (4, 4), size) for n, size in enumerate(sizes)) == [[0, 1], [2], [3]]
    assert numbers([]) == []


def test_no_more_than_memory_bears():
    assert [len(each) for each in numbers(loaded(n, (64, 64)) for n in range(2 * BATCH + 1))] == [16, 16, 1]
    side = int((PIXELS / 3) ** 0.5)
    assert numbers(loaded(n, (1, 1), (side, side)) for n in range(4)) == [[0, 1, 2], [3]]
    assert numbers(loaded(n, (4 * side, 4 * side)) for n in range(2)) == [[0], [1]]


def test_pictures_are_read_when_they_are_due():
    taken = []

    def read():
        for number in range(40):
            taken.append(number)
            yield loaded(number, (8, 8))

    next(batches(read()))
    assert len(taken) == BATCH + 1

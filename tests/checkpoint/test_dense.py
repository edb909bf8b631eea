"""Checkpoints of networks that see pictures at their own size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pictures import save_picture
from streets_networks import CLASSES, MEAN, STD, save_network

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.pictures import network_input, read_picture
from rgaviz.errors import RgavizError
from rgaviz.tasks import segmentation


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(save_network(tmp_path_factory.mktemp("dense") / "a.pt"))


def test_pictures_are_taken_at_their_own_size(checkpoint, tmp_path):
    paths = [save_picture(tmp_path / f"{seed}.png", (24, 40), seed) for seed in range(2)]
    found = checkpoint.inputs(paths)
    wanted = torch.stack([network_input(read_picture(path), (24, 40), MEAN, STD) for path in paths])
    assert torch.equal(found, wanted)
    assert checkpoint.inputs(found) is found
    with torch.no_grad():
        labels = checkpoint.model(wanted).argmax(1).numpy()
    for told, own in zip(checkpoint.told(paths), labels, strict=True):
        assert told.labels is not None
        assert told.labels.dtype == np.uint8
        np.testing.assert_array_equal(told.labels, own)
        assert told.says == CLASSES[np.bincount(own.ravel()).argmax()]


def test_pictures_of_several_sizes_are_no_batch(checkpoint):
    pictures = [np.zeros(size, np.uint8) for size in ((8, 9, 3), (9, 8, 3), (7, 7, 3))]
    with pytest.raises(
        RgavizError, match=r"here 8x9 and 9x8, which are no one batch; pass those of one size"
    ):
        checkpoint.inputs(pictures)


def test_the_longest_side_is_bounded(checkpoint, monkeypatch):
    monkeypatch.setattr(segmentation, "LONGEST", 32)
    assert checkpoint.inputs(np.zeros((20, 64, 3), np.uint8)).shape == (1, 3, 10, 32)
    assert checkpoint.inputs(np.zeros((1, 640, 3), np.uint8)).shape == (1, 3, 1, 32)
    assert checkpoint.inputs(np.zeros((32, 31, 3), np.uint8)).shape == (1, 3, 32, 31)
    with pytest.raises(RgavizError, match="takes images of 3x10x32, not 3x20x64"):
        checkpoint.inputs(torch.zeros(1, 3, 20, 64))
    for shape in ((1, 4, 8, 8), (3, 8, 8), (1, 3, 0, 8)):
        with pytest.raises(RgavizError, match="takes images of"):
            checkpoint.inputs(torch.zeros(shape))

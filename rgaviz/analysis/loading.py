"""The pictures of a question, read one after the other and gathered into batches that the networks see at one size."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch

from rgaviz.ahead import ahead
from rgaviz.analysis.subject import Subject
from rgaviz.data.channels import USUAL, read_channels, shown_channels
from rgaviz.data.deep import is_deep, read_deep
from rgaviz.data.find import PicturePath
from rgaviz.data.intensities import Window, windowed
from rgaviz.data.pictures import read_picture, shown_picture
from rgaviz.errors import PictureError
from rgaviz.pngs import WORKERS

BATCH = 16  # pictures explained at once
PIXELS = 2**21  # that these have together, as a network sees them; a picture with more is explained alone


class Seen(Protocol):
    """A picture that networks are going to see."""

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """(H, W) at which each network sees it."""
        ...


Item = TypeVar("Item", bound=Seen)


class Loaded(NamedTuple):
    """What is kept of a picture while its batch is explained; the decoded original may be very large."""

    number: int
    picture: PicturePath
    size: tuple[int, int]  # (h, w) of the original
    shown: np.ndarray
    inputs: dict[str, torch.Tensor]  # checkpoint id -> (3, H, W), normalised

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """(H, W) at which each network sees it."""
        return [tuple(each.shape[1:]) for each in self.inputs.values()]


def read_all(
    pictures: Iterable[tuple[int, PicturePath]],
    subjects: Sequence[Subject],
    failures: list[str],
    full: Container[int] = (),
    window: Window | None = None,
) -> Iterator[Loaded]:
    """The numbered pictures that can be read; a line in ``failures`` for each other one.

    Args:
        pictures: with their numbers.
        subjects: the networks.
        failures: is added to.
        full: numbers of those that are read at their full size, however large.
        window: of grey pictures of more than 8 bits; without one they are shown whole, from 0 to what 16 bits hold.
    """

    def load(numbered: tuple[int, PicturePath]) -> Loaded | PictureError:
        number, picture = numbered
        try:
            array, layers = _read(picture.path, subjects, full=number in full, window=window)
        except PictureError as error:
            return error
        inputs = {
            each.id: each.checkpoint.inputs([layers if each.checkpoint.channels not in USUAL else array])[0]
            for each in subjects
        }
        return Loaded(number, picture, (array.shape[0], array.shape[1]), shown_picture(array), inputs)

    with closing(ahead(load, pictures, WORKERS, BATCH)) as found:  # a batch ahead: networks take batches
        for each in found:
            if isinstance(each, PictureError):
                failures.append(str(each))
            else:
                yield each


def _read(
    path: Path, subjects: Sequence[Subject], *, full: bool, window: Window | None
) -> tuple[np.ndarray, np.ndarray]:
    """A picture as RGB (H, W, 3), and with all channels where a network has others than usual."""
    found = [each.checkpoint for each in subjects if each.checkpoint.channels not in USUAL]
    if not found:
        array = read_shown(path, window, full=full)
        return array, array
    layers = read_channels(path, found[0].channels)  # (H, W, C)
    return shown_channels(layers, found[0].shown), layers


def read_shown(path: Path, window: Window | None, *, full: bool) -> np.ndarray:
    """A picture as RGB (H, W, 3) uint8, one of more than 8 bits through a window, if there is one.

    Raises:
        PictureError: it cannot be read.
    """
    if window is not None and is_deep(path):
        return windowed(read_deep(path), window)
    return read_picture(path, full=full)


def batches(loaded: Iterable[Item]) -> Iterator[list[Item]]:
    """Pictures in their order: together are those in a row that are seen at one size, as many as memory bears."""
    batch: list[Item] = []
    for each in loaded:
        most = min(BATCH, PIXELS // max(height * width for height, width in each.sizes))
        if batch and (each.sizes != batch[0].sizes or len(batch) >= most):
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch

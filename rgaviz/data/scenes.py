"""Scenes where they are kept: pictures with a class for every pixel, each at its own size."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rgaviz.ahead import ahead
from rgaviz.data.augment import OF_SCENES, Augmentation, Draws
from rgaviz.devices import memory_for_images
from rgaviz.errors import PictureError, RgavizError
from rgaviz.progress import Track, silent


class Scene(NamedTuple):
    """A picture with its labels.

    Attributes:
        name: what it is called, such as ``val/images/0016E5_07959.jpg``.
        picture: (h, w, 3) uint8 RGB.
        labels: (h, w) uint8, classes by index and 255 for a pixel that does not count; None where they are not known.
    """

    name: str
    picture: np.ndarray
    labels: np.ndarray | None


class _Place(NamedTuple):
    """A window to be cut: which scene, its place in its batch, and what was drawn for it."""

    index: int
    drawn: Sequence[Any]


@dataclass(frozen=True)
class SceneSplit:
    """Scenes of any sizes, read and cut by threads when they are due.

    Attributes:
        sources: n, whatever ``read`` takes; the scenes themselves where they are kept in memory.
        read: gives a scene, in any thread.
        image_size: (H, W) of the windows to train on.
        names: n, what each is called.
        labelled: whether the labels are known.
        workers: threads that read and cut; with 0 the training itself does.
        fill: RGB that pads what is smaller than a window.
        device: where windows end.
        damaged: place in what was given -> why that scene was left out.
    """

    sources: Sequence[Any]
    read: Callable[[Any], Scene]
    image_size: tuple[int, int]
    names: Sequence[str]
    labelled: bool = True
    workers: int = 2
    fill: tuple[int, int, int] = (0, 0, 0)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    damaged: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def kept(self) -> bool:
        """Whether the scenes are in memory."""
        return self.read is _itself

    def to(self, device: torch.device) -> SceneSplit:
        """The same split for a device: windows travel there batch by batch."""
        return replace(self, device=device)

    def windows(
        self, batches: Sequence[Tensor], draws: Sequence[Draws], augment: Augmentation
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """A window of each scene of each batch, cut ahead by the threads.

        Args:
            batches: indices (b,) of each batch.
            draws: for each batch what its augmentation drew, (b, ...) each.
            augment: an augmentation for scenes.

        Yields:
            Pictures (b, H, W, 3) uint8 and labels (b, H, W) uint8, 255 where a pixel does not count.

        Raises:
            RgavizError: the labels are not known, or the augmentation is none for scenes.
            PictureError: a file is damaged.
        """
        cut = augment.window
        if cut is None:
            raise RgavizError(f"This augmentation is for whole images; choose one of {', '.join(OF_SCENES)}.")
        if not self.labelled:
            raise RgavizError(
                f"{self.names[0]} and others have no labels to learn from; choose another part."
            )

        def window(place: _Place) -> tuple[np.ndarray, np.ndarray]:
            scene = self.read(self.sources[place.index])
            return cut(scene.picture, scene.labels, self.image_size, self.fill, *place.drawn)

        places = (
            place for batch, drawn in zip(batches, draws, strict=True) for place in _places(batch, drawn)
        )
        waiting = 2 * max(map(len, batches), default=0)  # windows: while one batch is computed, the next two
        with closing(ahead(window, places, self.workers, waiting)) as found:
            for batch in batches:
                pictures = np.empty((len(batch), *self.image_size, 3), np.uint8)
                labels = np.empty((len(batch), *self.image_size), np.uint8)
                for number in range(len(batch)):
                    pictures[number], labels[number] = next(found)
                yield torch.from_numpy(pictures).to(self.device), torch.from_numpy(labels).to(self.device)

    def whole(self, indices: Iterable[int]) -> Generator[Scene]:
        """Scenes as they are, in the order of the indices, a few of them read ahead.

        Raises:
            PictureError: a file is damaged.
        """
        yield from ahead(lambda index: self.read(self.sources[index]), indices, self.workers)


def _places(batch: Tensor, drawn: Draws) -> Iterator[_Place]:
    """One for each index of a batch (b,), with its own of what was drawn (b, ...) each."""
    values = [each.tolist() for each in drawn]
    for number, index in enumerate(batch.tolist()):
        yield _Place(index, [each[number] for each in values])


def read_scenes(
    sources: Sequence[Any],
    read: Callable[[Any], Scene],
    image_size: tuple[int, int],
    names: Sequence[str],
    *,
    labelled: bool = True,
    fill: tuple[int, int, int] = (0, 0, 0),
    workers: int = 2,
    memory: float | None = None,
    leave_damaged: bool = False,
    track: Track = silent,
) -> SceneSplit:
    """Scenes as a split: read now if they fit into memory, as far as the first ones tell, else when they are due.

    Args:
        sources: n, whatever ``read`` takes.
        read: gives a scene, in any thread.
        image_size: (H, W) of the windows to train on.
        names: n, what each is called.
        labelled: whether the labels are known.
        fill: RGB that pads what is smaller than a window.
        workers: threads that read and cut.
        memory: bytes that the scenes may take, by default :func:`rgaviz.devices.memory_for_images`.
        leave_damaged: whether scenes that cannot be read are left out, and told by the split: all are read now then.
        track: wraps the loop over the scenes, for a progress bar.

    Raises:
        PictureError: a scene that is read now is damaged.
    """
    split = SceneSplit(sources, read, image_size, names, labelled, workers, fill)
    room = memory_for_images() if memory is None else memory
    kept: list[Scene] | None = []
    damaged: dict[int, str] = {}
    taken = 0

    def tried(source: Any) -> Scene | PictureError:
        try:
            return read(source)
        except PictureError as error:
            return error

    with closing(ahead(tried, sources, workers)) as found:
        for index, scene in enumerate(track(found, total=len(sources), description="reading images")):
            if isinstance(scene, PictureError):
                if not leave_damaged:
                    raise scene
                damaged[index] = str(scene)
            elif kept is not None:
                kept.append(scene)
                taken += scene.picture.nbytes + (0 if scene.labels is None else scene.labels.nbytes)
                if taken * len(sources) > room * len(kept):
                    kept = None
            if kept is None and not leave_damaged:
                return split
    return _without(split, damaged, kept)


def _without(split: SceneSplit, damaged: dict[int, str], kept: list[Scene] | None) -> SceneSplit:
    """The split without what is damaged, its scenes in memory where they were kept."""
    whole = [index for index in range(len(split)) if index not in damaged]
    if damaged and not whole:
        raise PictureError(next(iter(damaged.values())))
    names = [split.names[index] for index in whole]
    if kept is not None:
        return replace(split, sources=kept, read=_itself, names=names, damaged=damaged)
    return replace(split, sources=[split.sources[index] for index in whole], names=names, damaged=damaged)


def _itself(scene: Scene) -> Scene:
    return scene

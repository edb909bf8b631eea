"""Labelled images where they are kept: in memory, or on disk behind worker processes; data sets of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rgaviz.data.augment import OF_IMAGES
from rgaviz.data.pictures import read_picture, resize_picture
from rgaviz.data.scenes import SceneSplit
from rgaviz.devices import available_memory, memory_for_images
from rgaviz.errors import PictureError, RgavizError, first_of, lookup
from rgaviz.progress import Track, silent


@dataclass(frozen=True)
class MemorySplit:
    """Images that fit in memory, decoded once.

    Attributes:
        images: (n, H, W, 3) uint8 RGB.
        labels: (n, ...), of a kind that the task's ``check`` takes.
        cameras: (n,) int64, which camera took each image; None where that means nothing.
        names: n, what each image is called, such as ``query/0002_c1s1_000451_03.jpg``; () where they have none.
        damaged: place in what was given -> why that picture was left out.
    """

    images: Tensor
    labels: Tensor
    cameras: Tensor | None = None
    names: Sequence[str] = ()
    damaged: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.images.shape[1], self.images.shape[2]

    def to(self, device: torch.device, memory: float | None = None) -> MemorySplit:
        """The same split for a device: its batches end there.

        The images travel as one tensor if they leave nearly all of its memory to the network, else batch by batch.

        Args:
            device: where the batches are needed.
            memory: bytes that are free there, by default what the device says.
        """
        there = self.images.device.type == device.type
        fits = there or self.images.nbytes <= (available_memory(device) if memory is None else memory) / 8
        images = self.images.to(device) if fits else self.images
        return replace(
            self, images=images, labels=self.labels.to(device), cameras=_moved(self.cameras, device)
        )

    def select(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """The images (b, H, W, 3) of each batch of indices."""
        for indices in batches:
            yield self.images[indices.to(self.images.device)]


@dataclass(frozen=True)
class DiskSplit(torch.utils.data.Dataset[Tensor]):
    """Images read and resized by worker processes when their batch is due.

    Attributes:
        paths: n pictures, files or whatever ``read`` takes.
        labels: (n, ...), of a kind that the task's ``check`` takes.
        image_size: (H, W) they are resized to.
        workers: processes that read ahead, though no more than there are processors.
        cameras: (n,) int64, which camera took each picture; None where that means nothing.
        names: n, what each picture is called; () where they have no names.
        read: gives a picture, (h, w, 3) uint8 RGB, in any process.
        damaged: place in what was given -> why that picture was left out.
    """

    paths: Sequence[Any]
    labels: Tensor
    image_size: tuple[int, int]
    workers: int = 2
    cameras: Tensor | None = None
    names: Sequence[str] = ()
    read: Callable[[Any], np.ndarray] = read_picture
    damaged: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Tensor | PictureError:
        return _decoded(self.read, self.image_size, self.paths[index])

    def to(self, device: torch.device) -> DiskSplit:
        """Itself: only labels, cameras and batches travel."""
        return replace(self, labels=self.labels.to(device), cameras=_moved(self.cameras, device))

    def select(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """The images (b, H, W, 3) of each batch of indices, read ahead by the workers."""
        lists = [indices.tolist() for indices in batches]
        workers = min(self.workers, _processors())
        for images in torch.utils.data.DataLoader(
            self, batch_sampler=lists, num_workers=workers, collate_fn=_stack
        ):
            if isinstance(images, PictureError):
                raise images
            yield images


def _moved(values: Tensor | None, device: torch.device) -> Tensor | None:
    return None if values is None else values.to(device)


def _processors() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _decoded(
    read: Callable[[Any], np.ndarray], image_size: tuple[int, int], path: Any
) -> Tensor | PictureError:
    """A picture (H, W, 3), or why there is none: raised in a worker that would arrive as a traceback."""
    try:
        return torch.from_numpy(resize_picture(read(path), image_size))
    except PictureError as error:
        return PictureError(str(error))


def _stack(pictures: Sequence[Tensor | PictureError]) -> Tensor | PictureError:
    """The batch (b, H, W, 3), or the first error in it."""
    tensors = []
    for picture in pictures:
        if isinstance(picture, PictureError):
            return picture
        tensors.append(picture)
    return torch.stack(tensors)


ImageSplit = MemorySplit | DiskSplit
Split = ImageSplit | SceneSplit


@dataclass(frozen=True)
class _Reordered(MemorySplit):
    """Some of the images in an order of their own; they stay where they are, and the rest speaks of the order."""

    places: Sequence[int] = ()

    def select(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        places = torch.tensor(self.places)
        return super().select([places[indices.cpu()] for indices in batches])


def reordered(split: Split, places: Sequence[int]) -> Split:
    """The images of a split at these places, in this order; those in memory are not copied."""
    names = [split.names[place] for place in places] if split.names else ()
    if isinstance(split, SceneSplit):
        return replace(split, sources=[split.sources[place] for place in places], names=names)
    index = torch.tensor(places, dtype=torch.int64)
    labels = split.labels[index.to(split.labels.device)]
    cameras = None if split.cameras is None else split.cameras[index.to(split.cameras.device)]
    if isinstance(split, MemorySplit):
        return _Reordered(split.images, labels, cameras, names, split.damaged, list(places))
    paths = [split.paths[place] for place in places]
    return replace(split, paths=paths, labels=labels, cameras=cameras, names=names)


def as_images(split: Split) -> ImageSplit:
    """The split, if its images have one size and a label each.

    Raises:
        RgavizError: it is of scenes.
    """
    if isinstance(split, SceneSplit):
        raise RgavizError(
            "These are scenes with a class for every pixel, for networks of the task segmentation; choose another "
            "data set."
        )
    return split


def read_split(
    paths: Sequence[Any],
    labels: Tensor,
    image_size: tuple[int, int],
    *,
    cameras: Tensor | None = None,
    names: Sequence[str] = (),
    read: Callable[[Any], np.ndarray] = read_picture,
    workers: int = 2,
    memory: float | None = None,
    leave_damaged: bool = False,
    track: Track = silent,
) -> ImageSplit:
    """Pictures as a split: decoded now if they fit into memory, else read by workers when they are due.

    Args:
        paths: n pictures, files or whatever ``read`` takes.
        labels: (n, ...), of a kind that the task's ``check`` takes.
        image_size: (H, W) they are resized to.
        cameras: (n,) int64, which camera took each picture, where that means something.
        names: n, what each picture is called, where they have names.
        read: gives a picture, (h, w, 3) uint8 RGB, in any process.
        workers: processes that read ahead what does not fit; with 0 nobody does.
        memory: bytes that decoded pictures may take, by default :func:`rgaviz.devices.memory_for_images`.
        leave_damaged: whether pictures that cannot be read are left out, and told by the split: all are decoded now
            then, those that do not fit only to find out.
        track: wraps the loop over the pictures, for a progress bar.

    Raises:
        PictureError: a picture that is decoded now is damaged, or all of them.
    """
    height, width = image_size
    limit = memory_for_images() if memory is None else memory
    fits = len(paths) * height * width * 3 <= limit
    images = torch.empty((len(paths) if fits else 0, height, width, 3), dtype=torch.uint8)
    damaged: dict[int, str] = {}
    if fits or leave_damaged:
        with ThreadPoolExecutor() as pool:
            decoded = pool.map(partial(_decoded, read, image_size), paths)
            for index, picture in enumerate(track(decoded, total=len(paths), description="reading images")):
                if isinstance(picture, Tensor):
                    images[index - len(damaged) : index - len(damaged) + 1] = picture  # (H, W, 3)
                elif leave_damaged:
                    damaged[index] = str(picture)
                else:
                    raise picture
    if damaged:
        kept = [index for index in range(len(paths)) if index not in damaged]
        if not kept:
            raise PictureError(first_of(list(damaged.values())))
        paths, names = [paths[index] for index in kept], [names[index] for index in kept] if names else ()
        labels, cameras = labels[kept], None if cameras is None else cameras[kept]
    if fits:
        return MemorySplit(images[: len(paths)], labels, cameras, names, damaged)
    return DiskSplit(paths, labels, image_size, workers, cameras, names, read, damaged)


@dataclass(frozen=True)
class Dataset:
    """Named, labelled images in parts, each loaded when it is first asked for.

    Attributes:
        name: a key of ``DATASETS``.
        task: a key of ``TASKS``: what its labels are for.
        classes: what the network's outputs are called: for classification the classes, in the order of the labels.
        parts: what loads each part; ``train`` to learn from, ``test`` to measure on, or for scenes ``val``.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        source: where the images came from, in words.
        augmentations: keys of ``AUGMENTATIONS`` under which the labels stay true: where they are places, a picture
            must not move.
        notes: what its user must know, a line each, such as counts that are not the published ones; whoever opens it
            tells them.
        colours: RGB of each class, where every pixel has one.
        ids: what each class is called in the files of labels, likewise.
    """

    name: str
    task: str
    classes: tuple[str, ...]
    parts: Mapping[str, Callable[[], Split]]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str
    augmentations: Collection[str] = OF_IMAGES
    notes: Sequence[str] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    ids: tuple[int, ...] = ()
    _loaded: dict[str, Split] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def of_labels(self) -> dict[str, list[Any]]:
        """What maps of labels need, as a checkpoint has it: the colour of every class, and its number in the files."""
        found = {"colours": [list(colour) for colour in self.colours], "ids": list(self.ids)}
        return {name: values for name, values in found.items() if values}

    def part(self, name: str) -> Split:
        """A part, loaded now if it was not before.

        Raises:
            UnknownNameError: there is no such part.
            RgavizError: it cannot be read.
        """
        load = lookup(self.parts, name, f"part of {self.name}")
        if name not in self._loaded:
            self._loaded[name] = load()
        return self._loaded[name]

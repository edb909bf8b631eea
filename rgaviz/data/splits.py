"""Labelled images as batches: shuffled, augmented, normalised, the same for any number of processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rgaviz.data.pictures import read_picture, resize_picture
from rgaviz.errors import PictureError

IN_MEMORY_BYTES = 1 << 30  # decoded uint8; a larger data set stays on disk and goes through workers


@dataclass(frozen=True)
class MemorySplit:
    """Images that fit in memory, decoded once.

    Attributes:
        images: (n, H, W, 3) uint8 RGB; moved to the device as one tensor.
        labels: (n,) int64.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.images.shape[1], self.images.shape[2]

    def to(self, device: torch.device) -> MemorySplit:
        """The same split on another device."""
        return MemorySplit(self.images.to(device), self.labels.to(device))

    def select(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """The images (b, H, W, 3) of each batch of indices."""
        for indices in batches:
            yield self.images[indices.to(self.images.device)]


@dataclass(frozen=True)
class DiskSplit(torch.utils.data.Dataset[Tensor]):
    """Images read and resized by worker processes when their batch is due.

    Attributes:
        paths: n pictures.
        labels: (n,) int64.
        image_size: (H, W) they are resized to.
        workers: processes that read ahead.
    """

    paths: Sequence[Path]
    labels: Tensor
    image_size: tuple[int, int]
    workers: int = 2

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Tensor | PictureError:
        try:
            return torch.from_numpy(resize_picture(read_picture(self.paths[index]), self.image_size))
        except PictureError as error:  # raised in a worker it would arrive as a traceback
            return PictureError(str(error))

    def to(self, device: torch.device) -> DiskSplit:
        """Itself: only labels and batches travel."""
        return DiskSplit(self.paths, self.labels.to(device), self.image_size, self.workers)

    def select(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """The images (b, H, W, 3) of each batch of indices, read ahead by the workers."""
        lists = [indices.tolist() for indices in batches]
        for images in torch.utils.data.DataLoader(
            self, batch_sampler=lists, num_workers=self.workers, collate_fn=_stack
        ):
            if isinstance(images, PictureError):
                raise images
            yield images


def _stack(pictures: Sequence[Tensor | PictureError]) -> Tensor | PictureError:
    """The batch (b, H, W, 3), or the first error in it."""
    tensors = []
    for picture in pictures:
        if isinstance(picture, PictureError):
            return picture
        tensors.append(picture)
    return torch.stack(tensors)


Split = MemorySplit | DiskSplit


@dataclass(frozen=True)
class Dataset:
    """Named, labelled images in two splits.

    Attributes:
        name: a key of ``DATASETS``.
        classes: names, in the order of the labels.
        train: images to learn from.
        test: images to measure on.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        source: where the images came from, in words.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str


def steps_per_epoch(split: Split, batch_size: int) -> int:
    """Whole batches in a split; a split smaller than one batch is one batch."""
    return max(1, len(split) // batch_size)


def train_batches(
    split: Split,
    *,
    batch_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    seed: int,
    epoch: int,
    start: int = 0,
    rank: int = 0,
    processes: int = 1,
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of shuffled, cropped and mirrored images.

    Everything random comes from one generator seeded by (seed, epoch), so an epoch can be repeated without
    the ones before it; each process takes its share of the same batches, with the draws it would have had
    alone.

    Args:
        split: the images.
        batch_size: over all processes; the last incomplete batch is left out.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        seed: of the run.
        epoch: counted from 0.
        start: the first batches to leave out, for an epoch that was interrupted.
        rank: of this process.
        processes: number of processes.

    Yields:
        Images (b, 3, H, W) float32, normalised, channels_last, and labels (b,).
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(split), generator=generator)
    count = steps_per_epoch(split, batch_size)
    whole = [order[step * batch_size : (step + 1) * batch_size] for step in range(count)]
    crops = [_draw_crops(len(indices), split.image_size, generator) for indices in whole][start:]
    shares = [indices[rank::processes] for indices in whole][start:]
    for crop, share, images in zip(crops, shares, split.select(shares), strict=True):
        images = _crop(images.to(split.labels.device), *(each[rank::processes] for each in crop))
        yield normalise(images, mean, std), split.labels[share.to(split.labels.device)]


def evaluation_batches(
    split: Split,
    *,
    batch_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    rank: int = 0,
    processes: int = 1,
) -> Iterator[tuple[Tensor, Tensor]]:
    """All images in order, unchanged; arguments and yields as :func:`train_batches`."""
    share = torch.arange(len(split))[rank::processes]
    shares = list(share.split(batch_size)) if len(share) else []  # more processes than images
    for share, images in zip(shares, split.select(shares), strict=True):
        device = split.labels.device
        yield normalise(images.to(device), mean, std), split.labels[share.to(device)]


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 (b, H, W, 3) -> float32 (b, 3, H, W), a channels_last view, zero mean and unit deviation."""
    shift = torch.tensor(mean, device=images.device) * 255
    scale = torch.tensor(std, device=images.device) * 255
    return ((images.float() - shift) / scale).permute(0, 3, 1, 2)


def _draw_crops(count: int, size: Sequence[int], generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Top and left corner (count,) inside the padded image, and whether to mirror it."""
    height, width = size
    top = torch.randint(0, 2 * _padding(height) + 1, (count,), generator=generator)
    left = torch.randint(0, 2 * _padding(width) + 1, (count,), generator=generator)
    return top, left, torch.rand(count, generator=generator) < 0.5


def _padding(side: int) -> int:
    """Pixels of padding: the customary 4 at 32, in proportion at other sizes."""
    return side // 8


def _crop(images: Tensor, top: Tensor, left: Tensor, mirror: Tensor) -> Tensor:
    """Cut (b, H, W, 3) out of the images padded with black, at (top, left), some mirrored; one gather."""
    _, height, width, _ = images.shape
    pad_y, pad_x = _padding(height), _padding(width)
    padded = torch.nn.functional.pad(images, (0, 0, pad_x, pad_x, pad_y, pad_y))  # (b, H + 2p, W + 2p, 3)
    rows = top[:, None] + torch.arange(height)  # (b, H)
    columns = torch.arange(width).expand(len(left), width)  # (b, W)
    columns = left[:, None] + torch.where(mirror[:, None], columns.flip(1), columns)
    which = torch.arange(len(images))
    device = images.device
    return padded[
        which[:, None, None].to(device), rows[:, :, None].to(device), columns[:, None, :].to(device)
    ]

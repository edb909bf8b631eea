"""Labelled images as batches: augmented, normalised, the same for any number of processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rgaviz.data.augment import AUGMENTATIONS, OF_IMAGES
from rgaviz.data.order import share
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.splits import Split, as_images
from rgaviz.errors import RgavizError, lookup


def train_batches(
    split: Split,
    batches: Sequence[Tensor],
    draw: torch.Generator,
    *,
    augmentation: str,
    mean: Sequence[float],
    std: Sequence[float],
    start: int = 0,
    rank: int = 0,
    processes: int = 1,
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of augmented images.

    Each process takes its share of the same batches, with the draws it would have had alone.

    Args:
        split: the images, or scenes, of which windows are cut.
        batches: indices (b,) of each batch over all processes, as :func:`rgaviz.data.order.shuffled` gives them.
        draw: the generator the batches were made with: the augmentation draws on from it.
        augmentation: a key of ``AUGMENTATIONS``.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        start: the first batches to leave out, for an epoch that was interrupted.
        rank: of this process.
        processes: number of processes.

    Yields:
        Images (b / processes, 3, H, W) float32, normalised, channels_last, and their labels; of scenes those are
        (b / processes, H, W) int64, 255 where a pixel does not count.

    Raises:
        RgavizError: no such augmentation, or not for what is in the split.
    """
    augment = lookup(AUGMENTATIONS, augmentation, "augmentation")
    draws = [augment.draw(len(batch), split.image_size, draw) for batch in batches][start:]
    shares = [share(batch, rank, processes) for batch in batches][start:]
    own = [tuple(share(each, rank, processes) for each in drawn) for drawn in draws]
    if isinstance(split, SceneSplit):
        for pictures, labels in split.windows(shares, own, augment):
            yield normalise(pictures, mean, std), labels.long()
        return
    if augment.apply is None:
        raise RgavizError(
            f"The augmentation {augmentation} is for scenes; choose one of {', '.join(OF_IMAGES)}."
        )
    device = split.labels.device
    for drawn, indices, images in zip(own, shares, split.select(shares), strict=True):
        inputs = normalise(augment.apply(images.to(device), *drawn), mean, std)
        if augment.erased is not None:
            erased = augment.erased(split.image_size, *drawn).to(device)  # (b, H, W)
            inputs = inputs.masked_fill(erased[:, None], 0.0)
        yield inputs, split.labels[indices.to(device)]


def evaluation_batches(
    split: Split,
    *,
    batch_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    rank: int = 0,
    processes: int = 1,
) -> Iterator[tuple[Tensor, Tensor]]:
    """All images in order, unchanged; of several processes the first takes the first part of the split, and so on.

    Arguments and yields as :func:`train_batches`, but ``batch_size`` is of one process.
    """
    split = as_images(split)
    own = share(torch.arange(len(split)), rank, processes)
    shares = list(own.split(batch_size)) if len(own) else []  # more processes than images
    device = split.labels.device
    for indices, images in zip(shares, split.select(shares), strict=True):
        yield normalise(images.to(device), mean, std), split.labels[indices.to(device)]


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 (b, H, W, 3) -> float32 (b, 3, H, W), a channels_last view, zero mean and unit deviation."""
    width = images.shape[2]  # rows (b, H, W * 3), for three values at a time are a third as fast
    shift = (torch.tensor(mean, device=images.device) * 255).repeat(width)
    scale = (torch.tensor(std, device=images.device) * 255).repeat(width)
    rows = images.float().flatten(2).sub_(shift).div_(scale)
    return rows.view(images.shape).permute(0, 3, 1, 2)

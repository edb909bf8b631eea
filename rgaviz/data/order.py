"""Which images make which batch: data, drawn once for all processes."""

from __future__ import annotations

from collections.abc import Sized

import torch
from torch import Tensor

from rgaviz.errors import RgavizError


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """What an epoch draws from, first its order, then its augmentation.

    It depends on the two alone, so an epoch can be repeated without the ones before it.

    Args:
        seed: of the run.
        epoch: counted from 0.
    """
    return torch.Generator().manual_seed(seed * 1_000_003 + epoch)


def shuffled(count: int, batch_size: int, draw: torch.Generator, *, keep_last: bool = False) -> list[Tensor]:
    """Batches (batch_size,) of indices below ``count``, each index at most once.

    Args:
        count: images there are.
        batch_size: over all processes.
        draw: from :func:`epoch_generator`.
        keep_last: whether what is left over makes a last, smaller batch. Fewer images than one batch always do.
    """
    order = torch.randperm(count, generator=draw)  # (count,)
    if keep_last:
        return list(order.split(batch_size))
    steps = range(steps_per_epoch(order, batch_size))
    return [order[step * batch_size : (step + 1) * batch_size] for step in steps]


def even_shares(batches: list[Tensor], shares: int) -> list[Tensor]:
    """The batches of an epoch, the last one cut so that each of some shares of it has as many images, at least two.

    Fewer have no statistics to normalise by. Of a last batch that is too small for that nothing is left; the only one
    of an epoch stays as it is.

    Args:
        batches: indices (b,) each.
        shares: parts of a batch, over all processes.
    """
    if len(batches) < 2 or len(batches[-1]) == len(batches[0]):
        return batches
    kept = len(batches[-1]) if shares == 1 else len(batches[-1]) // (2 * shares) * (2 * shares)
    return batches[:-1] + ([batches[-1][:kept]] if kept > 1 else [])


def identities(labels: Tensor, batch_size: int, each: int, draw: torch.Generator) -> list[Tensor]:
    """Whole batches of some identities with the same number of images each, which stand together.

    An epoch takes every identity once, in a new order, and of its images new ones: without repetition where it has
    enough, else each of them before one comes again. Identities that make no whole batch wait for another epoch. So in
    the code of RGA's authors, which repeats at random.

    Args:
        labels: (n,) of the images.
        batch_size: over all processes, a multiple of ``each``.
        each: images of an identity.
        draw: from :func:`epoch_generator`.

    Raises:
        RgavizError: no multiple, or not enough identities for one batch.
    """
    if batch_size % each:
        raise RgavizError(
            f"train.batch_size = {batch_size} is no multiple of train.images_per_identity = {each}; choose one."
        )
    _, counts = labels.cpu().unique(return_counts=True)  # (identities,)
    groups = labels.cpu().argsort(stable=True).split(counts.tolist())  # images of each identity
    together = batch_size // each
    if len(groups) < together:
        raise RgavizError(
            f"A batch of {together} identities cannot be made of {len(groups)}; try "
            f"--set train.batch_size={max(len(groups), 1) * each}."
        )
    order = torch.randperm(len(groups), generator=draw).tolist()[: len(groups) // together * together]
    images = torch.cat([_some(groups[identity], each, draw) for identity in order])
    return list(images.split(batch_size))


def _some(images: Tensor, count: int, draw: torch.Generator) -> Tensor:
    """So many of some images (n,), each as often as any other or once more."""
    rounds = -(-count // len(images))
    order = torch.cat([torch.randperm(len(images), generator=draw) for _ in range(rounds)])
    return images[order[:count]]


def steps_per_epoch(images: Sized, batch_size: int) -> int:
    """Whole batches in a split; a split smaller than one batch is one batch."""
    return max(1, len(images) // batch_size)


def share(batch: Tensor, rank: int, processes: int) -> Tensor:
    """The part of a batch (b, ...) that one process takes.

    The parts follow each other, so what stands together in a batch stays together, and differ in size by one
    at most.

    Args:
        batch: indices, or draws for them.
        rank: of the process.
        processes: number of processes.
    """
    return batch.tensor_split(processes)[rank]

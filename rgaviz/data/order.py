"""Which images make which batch: data, drawn once for all processes."""

from __future__ import annotations

from collections.abc import Sized

import torch
from torch import Tensor


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """What an epoch draws from, first its order, then its augmentation.

    It depends on the two alone, so an epoch can be repeated without the ones before it.

    Args:
        seed: of the run.
        epoch: counted from 0.
    """
    return torch.Generator().manual_seed(seed * 1_000_003 + epoch)


def shuffled(count: int, batch_size: int, draw: torch.Generator) -> list[Tensor]:
    """Whole batches (batch_size,) of indices below ``count``, each index at most once.

    What is left over makes no batch, but fewer images than one batch are one batch.

    Args:
        count: images there are.
        batch_size: over all processes.
        draw: from :func:`epoch_generator`.
    """
    order = torch.randperm(count, generator=draw)  # (count,)
    steps = range(steps_per_epoch(order, batch_size))
    return [order[step * batch_size : (step + 1) * batch_size] for step in steps]


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

"""Labelled images of noise, and an epoch of them."""

from __future__ import annotations

import torch

from rgaviz.data.batches import train_batches
from rgaviz.data.order import epoch_generator, shuffled
from rgaviz.data.splits import MemorySplit

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def make_split(count=23, size=(16, 24)):
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (count, *size, 3), generator=generator, dtype=torch.uint8)
    return MemorySplit(images, torch.arange(count) * 10)


def batches(split, *, batch_size=6, seed=5, epoch=2, augmentation="shift-mirror", **options):
    draw = epoch_generator(seed, epoch)
    order = shuffled(len(split), batch_size, draw)
    options = {"augmentation": augmentation, "mean": MEAN, "std": STD, **options}
    return list(train_batches(split, order, draw, **options))


def equal(ones, others):
    return len(ones) == len(others) and all(
        torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(ones, others, strict=True)
    )

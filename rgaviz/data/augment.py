"""Augmentation by name: what is random is drawn as data, and a pure function applies it.

A draw depends on its generator alone, and a function gives the same images for the same draws wherever it runs.
So an epoch can be repeated, and several processes see what one would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Draws = tuple[Tensor, ...]


class Augmentation(NamedTuple):
    """Two functions; the second one's arguments are what the first one gives.

    Attributes:
        draw: called with the number of images b, their size (H, W) and a generator; gives tensors (b, ...) on the CPU.
        apply: called with images (b, H, W, 3) uint8 on any device and the draws; gives new ones of that shape
            and kind, there.
    """

    draw: Callable[[int, Sequence[int], torch.Generator], Draws]
    apply: Callable[..., Tensor]


def _draw_nothing(count: int, size: Sequence[int], generator: torch.Generator) -> Draws:
    return ()


def _unchanged(images: Tensor) -> Tensor:
    return images


def _draw_shift(count: int, size: Sequence[int], generator: torch.Generator) -> Draws:
    """Top and left corner (count,) inside the padded image."""
    height, width = size
    top = torch.randint(0, 2 * _padding(height) + 1, (count,), generator=generator)
    left = torch.randint(0, 2 * _padding(width) + 1, (count,), generator=generator)
    return top, left


def _draw_shift_mirror(count: int, size: Sequence[int], generator: torch.Generator) -> Draws:
    """Top and left corner (count,), and whether to mirror."""
    return *_draw_shift(count, size, generator), torch.rand(count, generator=generator) < 0.5


def _padding(side: int) -> int:
    """Pixels of padding: the customary 4 at 32, in proportion at other sizes."""
    return side // 8


def _shift(images: Tensor, top: Tensor, left: Tensor) -> Tensor:
    return _shift_mirror(images, top, left, torch.zeros(len(top), dtype=torch.bool))


def _shift_mirror(images: Tensor, top: Tensor, left: Tensor, mirror: Tensor) -> Tensor:
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


AUGMENTATIONS: dict[str, Augmentation] = {
    "shift-mirror": Augmentation(_draw_shift_mirror, _shift_mirror),
    "shift": Augmentation(_draw_shift, _shift),  # for what must not be mirrored: digits, text
    "none": Augmentation(_draw_nothing, _unchanged),
}

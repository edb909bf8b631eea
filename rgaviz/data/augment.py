"""Augmentation by name: what is random is drawn as data, and a pure function applies it.

A draw depends on its generator alone, and a function gives the same images for the same draws wherever it runs.
So an epoch can be repeated, and several processes see what one would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rgaviz.data.windows import cut_window, draw_crop_mirror, draw_scale_crop_mirror

Draws = tuple[Tensor, ...]


class Augmentation(NamedTuple):
    """What is drawn, and the functions that apply it; their last arguments are what was drawn.

    Attributes:
        draw: called with the number of images b, their size (H, W) and a generator; gives tensors (b, ...) on the CPU.
        apply: called with images (b, H, W, 3) uint8 on any device and the draws; gives new ones of that shape
            and kind, there. None where it is for scenes alone.
        window: called with picture (h, w, 3) and labels (h, w) of one scene, the size of the window (H, W), the colour
            that pads it, and what was drawn for it, as numbers; gives picture (H, W, 3) and labels (H, W). None where
            it is not for scenes.
        erased: called with the images' size (H, W) and the same draws; gives where nothing is left (b, H, W)
            of the image but its mean, 0 once it is normalised; None is nowhere.
    """

    draw: Callable[[int, Sequence[int], torch.Generator], Draws]
    apply: Callable[..., Tensor] | None = None
    window: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None
    erased: Callable[..., Tensor] | None = None


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


# Re-identification, as the code of RGA's authors has it: half of the pictures are cut out of themselves made larger,
# half mirrored, and half lose a rectangle (random erasing, Zhong et al., arXiv 1708.04896, with its published ranges).
LARGER = 1.125
ERASED_SHARE = (0.02, 0.4)  # of the picture's area
ERASED_SHAPE = (0.3, 1 / 0.3)  # height by width
TRIES = 100  # to find a rectangle that fits


def _draw_person(count: int, size: Sequence[int], generator: torch.Generator) -> Draws:
    """Corner (count, 2), whether to cut and to mirror (count,), rectangle (count, 4): top, left, height, width."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    room = torch.tensor([_larger(side) - side + 1 for side in size])  # places of the corner
    corner = (uniform(count, 2) * room).long()
    cut, mirror, erase = (uniform(count) < 0.5 for _ in range(3))
    area = uniform(count, TRIES) * (ERASED_SHARE[1] - ERASED_SHARE[0]) + ERASED_SHARE[0]
    shape = uniform(count, TRIES) * (ERASED_SHAPE[1] - ERASED_SHAPE[0]) + ERASED_SHAPE[0]
    pixels = area * (size[0] * size[1])
    sides = torch.stack([(pixels * shape).sqrt(), (pixels / shape).sqrt()], dim=2).round().long()
    fits = (sides < torch.tensor(size)).all(2)  # (count, TRIES)
    first = fits.to(torch.uint8).argmax(1)  # (count,), the first that fits
    chosen = sides[torch.arange(count), first] * (fits.any(1) & erase)[:, None]  # (count, 2), 0 for none
    places = (uniform(count, 2) * (torch.tensor(size) - chosen + 1)).long()
    return corner, cut, mirror, torch.cat([places, chosen], dim=1)


def _larger(side: int) -> int:
    return round(side * LARGER)


def _person(images: Tensor, corner: Tensor, cut: Tensor, mirror: Tensor, rectangle: Tensor) -> Tensor:
    """Images (b, H, W, 3): some are cut (H, W) at their corner out of their own enlargement, some mirrored."""
    _, height, width, _ = images.shape
    images, device = images.clone(), images.device
    which = cut.nonzero()[:, 0]  # (m,)
    if len(which):
        planes = images[which.to(device)].permute(0, 3, 1, 2).float()  # (m, 3, H, W)
        size = (_larger(height), _larger(width))
        large = torch.nn.functional.interpolate(planes, size=size, mode="bilinear", align_corners=False)
        rows = corner[which, 0, None] + torch.arange(height)  # (m, H)
        columns = corner[which, 1, None] + torch.arange(width)  # (m, W)
        number = torch.arange(len(which))[:, None, None].to(device)
        large = large.permute(0, 2, 3, 1)  # (m, 3, h, w) -> (m, h, w, 3)
        found = large[number, rows[:, :, None].to(device), columns[:, None, :].to(device)]  # (m, H, W, 3)
        images[which.to(device)] = found.round().to(torch.uint8)
    mirrored = mirror.nonzero()[:, 0].to(device)
    images[mirrored] = images[mirrored].flip(2)
    return images


def _erased(size: Sequence[int], corner: Tensor, cut: Tensor, mirror: Tensor, rectangle: Tensor) -> Tensor:
    """Where the rectangles (b, 4) are, in images of (H, W): (b, H, W)."""
    inside = []
    for side, (start, length) in zip(size, ((0, 2), (1, 3)), strict=True):
        place = torch.arange(side)
        first = rectangle[:, start, None]  # (b, 1)
        inside.append((place >= first) & (place < first + rectangle[:, length, None]))  # (b, side)
    return inside[0][:, :, None] & inside[1][:, None, :]


# Few pictures, as Inception's training has it (Szegedy et al., arXiv 1409.4842), with larger parts: a network that sees
# few pictures shall not see parts without what is on them.
CUT_AREA = (0.5, 1.0)  # of the picture's area
CUT_SHAPE = (3 / 4, 4 / 3)  # height by width, relative to the picture's


def _draw_resized_crop(count: int, size: Sequence[int], generator: torch.Generator) -> Draws:
    """What is cut out (count, 4): top, left, height, width as fractions of the picture; whether to mirror (count,)."""
    area = torch.empty(count).uniform_(*CUT_AREA, generator=generator)
    shape = torch.empty(count).uniform_(*map(math.log, CUT_SHAPE), generator=generator).exp()
    sides = torch.stack([(area * shape).sqrt(), (area / shape).sqrt()], dim=1).clamp(max=1.0)  # (count, 2)
    corner = torch.rand(count, 2, generator=generator) * (1 - sides)
    return torch.cat([corner, sides], dim=1), torch.rand(count, generator=generator) < 0.5


def _resized_crop(images: Tensor, cut: Tensor, mirror: Tensor) -> Tensor:
    """Parts (b, 4) of images (b, H, W, 3), enlarged to their size, bilinear, some mirrored."""
    _, height, width, _ = images.shape
    places = []  # of the pixels in the picture, from -1 to 1: (b, H), then (b, W)
    for side, (start, length) in zip((height, width), ((0, 2), (1, 3)), strict=True):
        middles = (torch.arange(side) + 0.5) / side  # (side,)
        places.append(2 * (cut[:, start, None] + cut[:, length, None] * middles) - 1)
    down, across = places
    across = torch.where(mirror[:, None], across.flip(1), across)
    size = (len(cut), height, width)
    grid = torch.stack(
        [across[:, None, :].expand(size), down[:, :, None].expand(size)], dim=3
    )  # (b, H, W, 2)
    grid = grid.to(images.device)
    planes = images.permute(0, 3, 1, 2).float()  # (b, 3, H, W)
    found = torch.nn.functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return found.permute(0, 2, 3, 1).round().to(torch.uint8)  # (b, H, W, 3)


AUGMENTATIONS: dict[str, Augmentation] = {
    "shift-mirror": Augmentation(_draw_shift_mirror, _shift_mirror),
    "shift": Augmentation(_draw_shift, _shift),  # for what must not be mirrored: digits, text
    "resized-crop-mirror": Augmentation(_draw_resized_crop, _resized_crop),  # for few pictures
    "crop-mirror-erase": Augmentation(_draw_person, _person, erased=_erased),  # for people
    "scale-crop-mirror": Augmentation(
        draw_scale_crop_mirror, window=cut_window
    ),  # for scenes, as is the next
    "crop-mirror": Augmentation(draw_crop_mirror, window=cut_window),
    "none": Augmentation(_draw_nothing, _unchanged, cut_window),  # of a scene the window in its middle
}
FITTED = "fit"  # in a recipe: one of the next two, by the number of images
FOR_FEW, USUAL = "resized-crop-mirror", "shift-mirror"
OF_IMAGES = tuple(name for name, each in AUGMENTATIONS.items() if each.apply)
OF_SCENES = tuple(name for name, each in AUGMENTATIONS.items() if each.window)

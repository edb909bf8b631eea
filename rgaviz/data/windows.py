"""Windows of scenes to train on: cut, scaled and mirrored in one step, picture and labels alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

IGNORED = 255  # the label of a pixel that does not count
SMALLEST_SCALE, TENTHS = 0.5, 16  # 0.5, 0.6, ... 2.1: those of OCNet's code


def draw_scale_crop_mirror(count: int, size: Sequence[int], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Scale (count,) float64, corner (count, 2) as fractions of its room, and whether to mirror (count,)."""
    tenths = torch.randint(0, TENTHS + 1, (count,), generator=generator)
    return SMALLEST_SCALE + tenths.double() / 10, *_draw_place(count, generator)


def draw_crop_mirror(count: int, size: Sequence[int], generator: torch.Generator) -> tuple[Tensor, ...]:
    """The same with the scale 1."""
    return torch.ones(count, dtype=torch.float64), *_draw_place(count, generator)


def _draw_place(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    corner = torch.rand(count, 2, generator=generator, dtype=torch.float64)
    return corner, torch.rand(count, generator=generator) < 0.5


def cut_window(
    picture: np.ndarray,
    labels: np.ndarray,
    size: Sequence[int],
    fill: Sequence[int],
    scale: float = 1.0,
    corner: Sequence[float] = (0.5, 0.5),
    mirror: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """A window of a scene made larger or smaller; no pixel outside of the window is computed.

    The picture is interpolated linearly, labels are those of the nearest pixel. Where the scene ends before the window
    does, to the right and below, both are padded; what is mirrored is the padded window.

    Args:
        picture: (h, w, 3) uint8 RGB.
        labels: (h, w) uint8.
        size: (H, W) of the window.
        fill: RGB that pads the picture; labels are padded with ``IGNORED``.
        scale: of the scene.
        corner: of the window, from 0 to 1 of the room that there is, down and to the right; by default in the middle.
        mirror: left for right.

    Returns:
        Picture (H, W, 3) and labels (H, W), which may be views of the scene.
    """
    sides = picture.shape[:2]
    scaled = [max(1, round(side * scale)) for side in sides]
    room = [max(0, have - want) for have, want in zip(scaled, size, strict=True)]
    start = [min(most, math.floor(part * (most + 1))) for part, most in zip(corner, room, strict=True)]
    inside = [min(have, want) for have, want in zip(scaled, size, strict=True)]
    part, affine = _source(sides, scaled, start, inside)
    pairs = ((picture, cv2.INTER_LINEAR, tuple(fill)), (labels, cv2.INTER_NEAREST, IGNORED))
    window, marked = (
        _padded(_warped(source[part], affine, inside, method), size, border)
        for source, method, border in pairs
    )
    return (cv2.flip(window, 1), cv2.flip(marked, 1)) if mirror else (window, marked)


def _warped(source: np.ndarray, affine: np.ndarray | None, inside: Sequence[int], method: int) -> np.ndarray:
    """A part of a scene (h, w, ...) as it is, or warped to what is inside the window."""
    if affine is None:
        return source
    flags, (rows, columns) = method | cv2.WARP_INVERSE_MAP, inside
    return cv2.warpAffine(source, affine, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _padded(inside: np.ndarray, size: Sequence[int], border: Any) -> np.ndarray:
    """To the window's size (H, W), to the right and below."""
    below, right = (want - have for have, want in zip(inside.shape[:2], size, strict=True))
    if not (below or right):
        return inside
    return cv2.copyMakeBorder(inside, 0, below, 0, right, cv2.BORDER_CONSTANT, value=border)


def _source(
    sides: Sequence[int], scaled: Sequence[int], start: Sequence[int], inside: Sequence[int]
) -> tuple[tuple[slice, slice], np.ndarray | None]:
    """Which part of a scene a window shows, and where in it each pixel of the window lies: (2, 3), x before y.

    None of the latter where the part is the window. Pixels are squares with their centres at a half. A part, for
    OpenCV takes no picture of more than 32,767 pixels a side.
    """
    if list(sides) == list(scaled):
        rows, columns = (slice(first, first + length) for first, length in zip(start, inside, strict=True))
        return (rows, columns), None
    parts, affine = [], np.zeros((2, 3))
    for axis, (side, large, first, length) in enumerate(zip(sides, scaled, start, inside, strict=True)):
        step = side / large  # pixels of the scene for each of the window
        offset = (first + 0.5) * step - 0.5  # of the window's first pixel
        begin = max(0, math.floor(offset) - 1)
        end = min(side, math.ceil(offset + (length - 1) * step) + 2)
        parts.append(slice(begin, end))
        affine[1 - axis, 1 - axis], affine[1 - axis, 2] = step, offset - begin
    return (parts[0], parts[1]), affine

"""A layer's output as a map (B, C, h, w): channels last and tokens are brought into that form."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from rgaviz.errors import RgavizError

EXTRA_TOKENS = 5  # before those of the patches: a class token and four registers, or a distillation token


def as_map(output: Tensor, image_size: Sequence[int]) -> Tensor:
    """A layer's output as a map (B, C, h, w): itself, a map with the channels last, or patch tokens (B, N, C).

    Tokens are those of a grid (h, w) in exactly the image's proportions, row after row, behind up to five others
    (class, distillation, registers), which the map leaves out. A shape that could be either is (B, C, h, w).

    Args:
        output: what the layer gave for a batch of images, or the gradient of that.
        image_size: (H, W) of those images.

    Raises:
        RgavizError: the output is none of these.
    """
    cells = map_size(output.shape, image_size)
    if cells is None:
        raise not_a_map(tuple(output.shape))
    if output.ndim == 3:
        patches = output[:, -math.prod(cells) :]  # (B, N, C) -> (B, h * w, C)
        return patches.transpose(1, 2).unflatten(2, cells)  # (B, h * w, C) -> (B, C, h, w)
    return output.permute(0, 3, 1, 2) if _channels_last(output.shape, image_size) else output


def map_size(shape: Sequence[int], image_size: Sequence[int]) -> tuple[int, int] | None:
    """Rows and columns of the map that an output of this shape is, for an image of (H, W); None if it is none."""
    if len(shape) == 4:
        first = 1 if _channels_last(shape, image_size) else 2
        return (shape[first], shape[first + 1]) if math.prod(shape[1:]) > 0 else None
    if len(shape) != 3:
        return None
    rows, columns = (
        each // math.gcd(*image_size) for each in image_size
    )  # the smallest grid of these proportions
    scale = math.isqrt(shape[1] // (rows * columns))
    cells = (scale * rows, scale * columns)
    return cells if math.prod(cells) > 1 and shape[1] - math.prod(cells) <= EXTRA_TOKENS else None


def _channels_last(shape: Sequence[int], image_size: Sequence[int]) -> bool:
    """Whether (B, h, w, C) explains a shape, and (B, C, h, w) does not: maps keep the image's proportions."""

    def fits(height: int, width: int) -> bool:
        off = abs(height * image_size[1] - width * image_size[0])
        return off <= max(image_size)  # one row or column more or less

    return fits(*shape[1:3]) and not fits(*shape[2:4])


def not_a_map(given: object) -> RgavizError:
    """The error for an output that is no map."""
    return RgavizError(
        f"The layer to explain must give one map (B, C, H, W), or patch tokens (B, N, C) in a grid of the image's "
        f"proportions, not {given}; choose a convolutional one, or a transformer's norm before an attention."
    )

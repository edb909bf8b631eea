"""The first layers of a network: one 3x3 convolution for a small picture, for a larger one those of ImageNet."""

from __future__ import annotations

from torch import nn

from rgaviz.errors import lookup

SMALL = 64 * 64  # pixels of a picture in all, up to which the resolution is kept
CONVOLUTIONS = {"small": (3, 1, 1), "imagenet": (7, 2, 3)}  # kernel, stride, padding
STEMS = ("auto", *CONVOLUTIONS)


def chosen_stem(stem: str, image_size: tuple[int, int]) -> str:
    """``small`` or ``imagenet``; for ``auto`` by the number of pixels, for that is what the whole network costs.

    The shorter side alone says little: at full resolution a picture of 128x64 costs sixteen times what it costs behind
    ImageNet's stem.

    Args:
        stem: one of ``STEMS``.
        image_size: (H, W) in pixels.

    Raises:
        UnknownNameError: no such stem.
    """
    lookup(dict.fromkeys(STEMS), stem, "stem")
    if stem != "auto":
        return stem
    return "small" if image_size[0] * image_size[1] <= SMALL else "imagenet"


def stem_convolution(stem: str, width: int) -> nn.Conv2d:
    """The first convolution: (B, 3, H, W) -> (B, width, H, W), or half the resolution for ``imagenet``."""
    kernel, stride, padding = CONVOLUTIONS[stem]
    return nn.Conv2d(3, width, kernel, stride, padding, bias=False)


def behind_stem(stem: str, image_size: tuple[int, int]) -> tuple[int, int]:
    """(H, W) of the map behind the stem; that of ImageNet ends in a pooling."""
    return image_size if stem == "small" else (-(-image_size[0] // 4), -(-image_size[1] // 4))

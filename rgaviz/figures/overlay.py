"""A map over a picture, as arrays: enlarge, colour, blend."""

from __future__ import annotations

import warnings
from typing import Any

import cv2
import matplotlib
import numpy as np

# Both with half-pixel centres.
INTERPOLATIONS = {"bilinear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST_EXACT}
GREY = 128  # what is no number has no colour
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def resize_map(values: np.ndarray, size: tuple[int, int], interpolation: str = "bilinear") -> np.ndarray:
    """A map at another size, with half-pixel centres, float32.

    Args:
        values: the map (h, w).
        size: the new (H, W).
        interpolation: a key of :data:`INTERPOLATIONS`.
    """
    height, width = size
    return cv2.resize(values.astype(np.float32), (width, height), interpolation=INTERPOLATIONS[interpolation])


def colour(values: np.ndarray, cmap: str, low: float, high: float) -> np.ndarray:
    """The colours of a map on a scale that ends at ``low`` and ``high``.

    Values beyond the ends take the colours of the ends. NaN is grey, and warned about.

    Args:
        values: the map (H, W).
        cmap: the name of a matplotlib colour map.
        low: the value of the first colour.
        high: the value of the last colour, above ``low``.

    Returns:
        RGB uint8 (H, W, 3).
    """
    missing = np.isnan(values)
    fraction = (np.where(missing, low, values) - low) / (high - low)  # (H, W)
    colours = matplotlib.colormaps[cmap](np.clip(fraction, 0.0, 1.0), bytes=True)[..., :3]  # (H, W, 3)
    if missing.any():
        warnings.warn("A map has values that are no numbers (NaN): shown grey.", RuntimeWarning, stacklevel=2)
        colours = np.where(missing[..., None], np.uint8(GREY), colours)
    return np.ascontiguousarray(colours)


def overlay(
    picture: np.ndarray,
    values: np.ndarray,
    cmap: str,
    low: float,
    high: float,
    alpha: float,
    interpolation: str = "bilinear",
) -> np.ndarray:
    """A map over a picture: ``(1 - alpha) * picture + alpha * colour``, rounded.

    Args:
        picture: RGB uint8 (H, W, 3).
        values: the map (h, w), enlarged to the picture.
        cmap: the name of a matplotlib colour map.
        low: the value of the first colour.
        high: the value of the last colour.
        alpha: opacity of the map, 0 to 1.
        interpolation: how the map is enlarged, a key of :data:`INTERPOLATIONS`.

    Returns:
        RGB uint8 (H, W, 3).
    """
    enlarged = resize_map(values, (picture.shape[0], picture.shape[1]), interpolation)
    colours = colour(enlarged, cmap, low, high)
    blend = (1.0 - alpha) * picture.astype(np.float32) + alpha * colours.astype(np.float32)  # (H, W, 3)
    return np.rint(blend).astype(np.uint8)


def painted(picture: np.ndarray, numbers: np.ndarray, colours: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Areas over a picture, each in its colour; their edges stay sharp.

    Args:
        picture: RGB uint8 (H, W, 3).
        numbers: which area a pixel is of, uint8 (h, w), enlarged to the picture.
        colours: RGB (256, 3) of the areas.
        opacity: (256,) of the areas, 0 to 1.

    Returns:
        RGB uint8 (H, W, 3).
    """
    size = (picture.shape[1], picture.shape[0])
    enlarged: Any = cv2.resize(numbers, size, interpolation=cv2.INTER_NEAREST_EXACT)  # (H, W)
    over = (opacity[:, None] * colours).astype(np.float32)[enlarged]  # (H, W, 3)
    through = (1.0 - opacity).astype(np.float32)[enlarged][..., None]  # (H, W, 1)
    return np.rint(through * picture.astype(np.float32) + over).astype(np.uint8)


def grey(picture: np.ndarray) -> np.ndarray:
    """The picture without its colours, still RGB uint8 (H, W, 3)."""
    luma = np.rint(picture.astype(np.float32) @ LUMA).astype(np.uint8)  # (H, W)
    return np.repeat(luma[..., None], 3, axis=2)

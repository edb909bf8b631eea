"""The grounds and figures of the data set ``shapes``: random colours and textures."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from rgaviz.data.sets.generated import Generator

# Textures: a pattern (H, W) in [-1, 1] over coordinates u, v in units of the shorter side. ``sharpness`` is
# the gain that lets a wave of period 1 rise from -1 to 1 within one pixel: sharp edges that are not jagged.


def _edge(wave: np.ndarray, sharpness: float) -> np.ndarray:
    return np.clip(wave * sharpness, -1, 1)


def _stripes(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    period = rng.uniform(0.1, 0.22)
    return _edge(np.sin(u * (2 * np.pi / period)), sharpness * period)


def _checks(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    period = rng.uniform(0.16, 0.3)
    rows, columns = (_edge(np.sin(w * (2 * np.pi / period)), sharpness * period) for w in (u, v))
    return rows * columns


def _dots(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    period = rng.uniform(0.14, 0.22)
    wave = np.cos(u * (2 * np.pi / period)) + np.cos(v * (2 * np.pi / period))
    return _edge(wave - 0.6, sharpness * period)


def _noise(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    grid = rng.standard_normal((14, 14), dtype=np.float32)
    height, width = u.shape
    return np.clip(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), -1, 1)


def _gradient(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    return np.sin(u * (np.pi / rng.uniform(0.5, 1.0)))


TEXTURES: tuple[Callable[[Generator, np.ndarray, np.ndarray, float], np.ndarray], ...] = (
    _stripes, _checks, _dots, _noise, _gradient,
)  # fmt: skip


@lru_cache(maxsize=4)
def _coordinates(height: int, width: int) -> np.ndarray:
    """The centres of the pixels in units of the shorter side: (2, H, W), x before y."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return (np.stack([x, y]) + 0.5) / np.float32(min(height, width))


def _tint(rng: Generator, strength: float) -> np.ndarray:
    """A colour offset (3,) of random hue that leaves the mean of R, G and B alone."""
    return strength * np.cos(rng.uniform(0, 2 * np.pi) + np.array([0, 2, 4]) * np.pi / 3)


def paint(rng: Generator, brightness: float, image_size: tuple[int, int]) -> np.ndarray:
    """A whole picture (H, W, 3) in one random texture and two related random colours."""
    x, y = _coordinates(*image_size)
    angle, shift = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1)
    cosine, sine = np.cos(angle, dtype=np.float32), np.sin(angle, dtype=np.float32)
    texture = TEXTURES[rng.integers(len(TEXTURES))]
    pattern = texture(
        rng, x * cosine + y * sine + shift, y * cosine - x * sine + shift, min(image_size) / np.pi
    )
    base = brightness + _tint(rng, rng.uniform(0.06, 0.24))
    swing = rng.uniform(0.04, 0.11) + _tint(rng, rng.uniform(0, 0.06))
    return base.astype(np.float32) + pattern[..., None].astype(np.float32) * swing.astype(np.float32)


def brightness(rng: Generator) -> tuple[float, float, float]:
    """Of two grounds and of the figure: apart enough to be seen, either one the lighter."""
    ground = rng.uniform(0.2, 0.55)
    other, figure = ground + rng.uniform(-0.12, 0.04), ground + rng.uniform(0.34, 0.46)
    return (ground, other, figure) if rng.random() < 0.5 else (1 - ground, 1 - other, 1 - figure)

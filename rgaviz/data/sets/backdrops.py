"""What the cameras of the data set ``people`` look at: walls and grounds, and what stands there in people's colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from rgaviz.data.sets.cameras import CAMERAS, SIZE
from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.identities import BAG, LOWER, UPPER, Colour

FINER = 2  # how much finer than the picture a scene is drawn
PANORAMA = (320, 1024)  # (H, W) of all that a camera sees, in finer pixels


@lru_cache(maxsize=4 * len(CAMERAS))
def _panorama(number: int, seed: int) -> np.ndarray:
    """All that a camera sees of its place, (320, 1024, 3) uint8 RGB."""
    camera, rng = CAMERAS[number], stream("people", seed, "camera", number)
    height, width = PANORAMA
    top = round(height * camera.horizon)
    scene = np.empty((height, width, 3), np.uint8)
    scene[:top], scene[top:] = camera.wall, camera.ground
    PAVINGS[camera.paving](scene[top:], camera.ground, rng)
    left = 0
    while left < width:
        right = left + int(rng.integers(26, 80))
        colours = (*UPPER, *LOWER, *BAG)
        FRONTS[camera.front](scene, (left, right, top), colours[rng.integers(len(colours))], rng)
        left = right + int(rng.integers(4, 40))
    light = 1 + 0.08 * _cloud(rng, (9, 24)) + 0.05 * _cloud(rng, (60, 180))
    return np.clip(cv2.GaussianBlur(scene, (0, 0), 1.5) * light[..., None], 0, 255).astype(np.uint8)


def backdrop(number: int, seed: int, rng: Generator) -> np.ndarray:
    """Some place before a camera, (256, 128, 3) uint8 RGB.

    Args:
        number: of the camera.
        seed: of the whole data set.
        rng: where to look.
    """
    height, width = SIZE[0] * FINER, SIZE[1] * FINER
    top, left = rng.integers((PANORAMA[0] - height, PANORAMA[1] - width))
    return _panorama(number, seed)[top : top + height, left : left + width]


def _cloud(rng: Generator, cells: tuple[int, int]) -> np.ndarray:
    """Smooth noise over the panorama, (H, W) float32."""
    grid = rng.standard_normal(cells, dtype=np.float32)
    return cv2.resize(grid, PANORAMA[::-1], interpolation=cv2.INTER_CUBIC)


def _shaded(colour: Colour, factor: float) -> tuple[float, float, float]:
    red, green, blue = colour
    return min(red * factor, 255.0), min(green * factor, 255.0), min(blue * factor, 255.0)


# Grounds: each paints on the ground (h, W, 3) of a panorama.


def _tiles(ground: np.ndarray, colour: Colour, rng: Generator) -> None:
    height, width = ground.shape[:2]
    dark = _shaded(colour, 0.75)
    for row in np.cumsum(np.linspace(8, 40, 12)):
        cv2.line(ground, (0, int(row)), (width, int(row)), dark, 2)
    for column in range(-width, 2 * width, 46):
        cv2.line(ground, (column + (width // 2 - column) // 3, 0), (column, height), dark, 2)


def _lines(ground: np.ndarray, colour: Colour, rng: Generator) -> None:
    for _ in range(7):
        y, x = (int(each) for each in rng.integers(ground.shape[:2]))
        cv2.line(ground, (x, y), (x + 260, y + 30), (206, 204, 196), 7)


def _grass(ground: np.ndarray, colour: Colour, rng: Generator) -> None:
    for _ in range(500):
        y, x = (int(each) for each in rng.integers(ground.shape[:2]))
        tip = (x + int(rng.integers(-5, 6)), y - 9)
        cv2.line(ground, (x, y), tip, _shaded(colour, rng.uniform(0.6, 1.3)), 2)


def _plain(ground: np.ndarray, colour: Colour, rng: Generator) -> None:
    """Asphalt: nothing to paint."""


PAVINGS: dict[str, Callable[[np.ndarray, Colour, Generator], None]] = {
    "tiles": _tiles, "lines": _lines, "grass": _grass, "plain": _plain,
}  # fmt: skip


# Fronts: each paints a piece of the wall, from column left to right, that ends at row top.

Where = tuple[int, int, int]


def _windows(scene: np.ndarray, where: Where, colour: Colour, rng: Generator) -> None:
    left, right, top = where
    cv2.rectangle(scene, (left, top - 110), (right, top - 30), _shaded(colour, 0.8), -1)
    cv2.rectangle(scene, (left, top - 110), (right, top - 30), (206, 202, 192), 3)


def _hedge(scene: np.ndarray, where: Where, colour: Colour, rng: Generator) -> None:
    left, right, top = where
    for _ in range(14):
        leaves = (72, 96, 64) if rng.random() < 0.8 else colour
        centre = (int(rng.integers(left, right)), top - int(rng.integers(-12, 80)))
        cv2.circle(scene, centre, int(rng.integers(6, 18)), _shaded(leaves, rng.uniform(0.6, 1.3)), -1)


def _bricks(scene: np.ndarray, where: Where, colour: Colour, rng: Generator) -> None:
    left, right, top = where
    for course, row in enumerate(range(0, top, 12)):
        for column in range(left + 14 * (course % 2), right + 40, 28):
            shade = _shaded((136, 96, 82), rng.uniform(0.8, 1.2))
            cv2.rectangle(scene, (column, row), (column + 26, min(row + 10, top)), shade, -1)
    if rng.random() < 0.5:  # a door
        cv2.rectangle(scene, (left, top - 120), ((left + right) // 2, top), colour, -1)


def _cars(scene: np.ndarray, where: Where, colour: Colour, rng: Generator) -> None:
    left, _, top = where
    cv2.ellipse(scene, (left + 50, top), (70, 34), 0, 180, 360, _shaded(colour, 1.1), -1)
    cv2.rectangle(scene, (left - 30, top - 14), (left + 130, top + 22), colour, -1)
    for wheel in (left, left + 100):
        cv2.circle(scene, (wheel, top + 22), 14, (24, 24, 26), -1)


def _signs(scene: np.ndarray, where: Where, colour: Colour, rng: Generator) -> None:
    left, right, top = where
    high = int(rng.integers(20, 90))
    cv2.rectangle(scene, (left, top - 20 - high), (right, top - 20), colour, -1)
    middle = top - 20 - high // 2
    cv2.line(scene, (left + 6, middle), (right - 6, middle), (220, 216, 206), 5)


def _bars(scene: np.ndarray, where: Where, colour: Colour, rng: Generator) -> None:
    left, right, top = where
    for column in range(left, right, 18):
        cv2.line(scene, (column, 0), (column, top + 40), _shaded(colour, 0.9), 5)


FRONTS: dict[str, Callable[[np.ndarray, Where, Colour, Generator], None]] = {
    "windows": _windows, "hedge": _hedge, "bricks": _bricks, "cars": _cars, "signs": _signs, "bars": _bars,
}  # fmt: skip

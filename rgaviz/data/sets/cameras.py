"""The six cameras of the data set ``people``: what each looks at, from where, in which light and how sharply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import pi

import cv2
import numpy as np

from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.identities import Colour

SIZE = (128, 64)  # (H, W) of a picture, as of Market-1501's


@dataclass(frozen=True)
class Camera:
    """A place, and how pictures of it look.

    Attributes:
        turn: how people usually walk by, radians as in a pose.
        spread: by how much they differ from it, radians.
        above: how far the camera looks down on them: heads grow and feet shrink by about half this share.
        horizon: where wall and ground meet, a share of the picture's height.
        wall: colour.
        ground: colour.
        front: what stands along the wall, a key of ``FRONTS`` in ``backdrops``.
        paving: what the ground is of, a key of ``PAVINGS`` there.
        cast: gain of R, G and B.
        gamma: of the light, above 1 is darker.
        haze: what black looks like, of 255.
        blur: largest standard deviation, in pixels.
        grain: standard deviation of the noise, of 255.
        quality: lowest and highest of the JPEG files.
        cover: what people pass behind, a key of ``COVERS`` in ``shots``.
        covered: in which share of the pictures.
    """

    turn: float
    spread: float
    above: float
    horizon: float
    wall: Colour
    ground: Colour
    front: str
    paving: str
    cast: tuple[float, float, float]
    gamma: float
    haze: float
    blur: float
    grain: float
    quality: tuple[int, int]
    cover: str
    covered: float


CAMERAS: dict[int, Camera] = {
    1: Camera(0.0, 0.9, 0.05, 0.42, (166, 156, 142), (144, 140, 132), "windows", "tiles",
              (1.08, 1.0, 0.88), 0.9, 8, 0.6, 4, (70, 92), "pole", 0.15),
    2: Camera(pi, 0.8, 0.12, 0.30, (84, 102, 78), (112, 126, 94), "hedge", "grass",
              (0.90, 1.03, 0.90), 1.1, 4, 0.9, 6, (55, 85), "bush", 0.3),
    3: Camera(pi / 2, 0.6, 0.08, 0.50, (140, 98, 84), (112, 108, 106), "bricks", "plain",
              (1.0, 0.95, 1.0), 1.25, 0, 0.7, 8, (60, 90), "rail", 0.3),
    4: Camera(-pi / 2, 0.7, 0.16, 0.25, (94, 98, 108), (98, 102, 112), "cars", "lines",
              (0.88, 0.96, 1.13), 1.1, 18, 1.0, 7, (50, 80), "post", 0.3),
    5: Camera(0.5, 1.0, 0.03, 0.62, (184, 178, 168), (134, 124, 112), "signs", "tiles",
              (1.10, 1.04, 0.80), 1.0, 12, 0.8, 5, (60, 90), "pole", 0.2),
    6: Camera(pi - 0.6, 1.0, 0.20, 0.18, (150, 156, 160), (160, 162, 160), "bars", "lines",
              (1.0, 1.03, 1.06), 0.8, 24, 1.2, 5, (45, 80), "rail", 0.2),
}  # fmt: skip


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Noise to cut pieces from, (256, 192, 3) float32."""
    return stream("people", "grain").standard_normal((2 * SIZE[0], 3 * SIZE[1], 3), dtype=np.float32)


@lru_cache(maxsize=len(CAMERAS))
def _response(camera: Camera) -> np.ndarray:
    """What light from 0 to 255 becomes, (256,) uint8."""
    light = np.linspace(0, 1, 256) ** camera.gamma
    return np.rint(camera.haze + (255 - camera.haze) * light).astype(np.uint8)


def developed(scene: np.ndarray, camera: Camera, rng: Generator) -> tuple[np.ndarray, int]:
    """The picture that a camera makes of a scene, (128, 64, 3) uint8 RGB, and the quality of its file.

    Args:
        scene: (128, 64, 3) uint8 RGB.
        camera: whose light, lens and file.
        rng: what differs from shot to shot.
    """
    chance = rng.random(8)
    height, width = SIZE
    across = np.linspace(-1, 1, width, dtype=np.float32) * np.float32(0.25 * chance[0] - 0.125)
    down = np.linspace(-1, 1, height, dtype=np.float32) * np.float32(0.2 * chance[1] - 0.1)
    exposure = np.float32(0.78 + 0.44 * chance[2])
    cast = np.array(camera.cast * (0.94 + 0.12 * chance[3:6]), np.float32)
    light = (exposure * (1 + across + down[:, None]))[..., None] * cast  # (H, W, 3)
    lit = cv2.LUT(np.minimum(scene * light, 255).astype(np.uint8), _response(camera))
    sigma = 0.3 + (camera.blur - 0.3) * chance[6]
    blurred = cv2.GaussianBlur(lit, (0, 0), sigma).astype(np.float32)
    y, x = rng.integers((height, 2 * width))
    noisy = blurred + np.float32(camera.grain) * _grain()[y : y + height, x : x + width]
    low, high = camera.quality
    return np.clip(noisy + 0.5, 0, 255).astype(np.uint8), round(low + (high - low) * chance[7])

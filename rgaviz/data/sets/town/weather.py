"""Light and air of the data set ``streets``: the sky, what distance does to colours, and which faces are lit."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from rgaviz.data.sets.generated import Generator, stream

KINDS = ("sun", "overcast", "dusk", "fog")
TILE = 256  # pixels of a side of the noise that clouds and grounds are cut from


class Weather(NamedTuple):
    """What the light of a picture is.

    Attributes:
        zenith: colour of the sky above, (3,).
        horizon: and below, where it is the colour of the air, too.
        cloud: colour of the clouds.
        clouds: how much of the sky they cover, 0 to 1.
        sight: metres after which two thirds of a colour are lost in the air.
        side: where the sun is, 1 right of us, -1 left.
        sun: how much darker its shade is, 0 to 1.
        gain: of R, G and B, (3,).
        lamps: share of windows that are lit.
        blur: of the lens, in thousandths of the picture's height.
        grain: standard deviation of the noise, of 255.
    """

    zenith: np.ndarray
    horizon: np.ndarray
    cloud: np.ndarray
    clouds: float
    sight: float
    side: int
    sun: float
    gain: np.ndarray
    lamps: float
    blur: float
    grain: float

    def lit(self, facing: int) -> float:
        """How bright a wall is that faces right (1), left (-1) or us (0)."""
        return 1 - 0.12 * self.sun if facing == 0 else 1 + self.sun * (0.12 if facing == self.side else -0.5)

    def through_air(self, colours: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Colours (n, 3) as they are seen from distances (n,) in metres."""
        left = np.exp(-np.maximum(distance, 0) / self.sight)[:, None]
        return self.horizon + (colours - self.horizon) * left


def weather(rng: Generator) -> Weather:
    """Sun, clouds, dusk or fog."""
    kind = KINDS[int(np.searchsorted((0.42, 0.74, 0.88), rng.random()))]
    chance, tint = rng.random(10), rng.uniform(-5, 5, 3)
    grey = 135 + 95 * chance[0]
    skies = {
        "sun": ((60 + 70 * chance[1], 120 + 45 * chance[1], 190 + 35 * chance[1]), (196, 206, 218)),
        "overcast": ((grey - 12, grey - 6, grey), (grey + 12, grey + 13, grey + 14)),
        "dusk": ((66, 74, 112), (208, 158 - 30 * chance[1], 128 - 20 * chance[1])),
        "fog": ((grey, grey, grey + 2), (grey, grey + 1, grey + 2)),
    }
    gains = {
        "sun": (1.06, 1.0, 0.92),
        "overcast": (0.94, 0.97, 1.0),
        "dusk": (0.76, 0.62, 0.62),
        "fog": (0.95, 0.97, 1.0),
    }
    sights = {"sun": 260, "overcast": 180, "dusk": 220, "fog": 32 + 50 * chance[2]}
    clouds = {"sun": 0.65 * chance[3], "overcast": 0.35, "dusk": 0.6 * chance[3], "fog": 0.0}
    zenith, horizon = (np.array(colour) + tint for colour in skies[kind])
    cloud = (
        np.array((118, 100, 112))
        if kind == "dusk"
        else np.full(3, 196 + 50 * chance[4])
        if kind == "sun"
        else zenith * 0.88
    )
    return Weather(
        zenith, horizon, cloud, clouds[kind], sights[kind],
        side=1 if chance[5] < 0.5 else -1,
        sun={"sun": 0.55 + 0.45 * chance[6], "dusk": 0.4}.get(kind, 0.0),
        gain=np.array(gains[kind]) * (0.82 + 0.3 * chance[7]) + tint / 200,
        lamps=0.35 if kind == "dusk" else 0.03,
        blur=1.2 + 3.5 * chance[8],
        grain=2 + 6 * chance[9],
    )  # fmt: skip


@lru_cache(maxsize=1)
def mottle() -> np.ndarray:
    """Smooth noise of many sizes that goes on at the other side, (256, 256) float32 of deviation 1."""
    rng = stream("streets", "mottle")
    total = np.zeros((TILE, TILE), np.float32)
    for cells in (8, 16, 32, 64, 128):
        grid = np.tile(rng.standard_normal((cells, cells), dtype=np.float32), (2, 2))
        total += (
            cv2.resize(grid, (2 * TILE, 2 * TILE), interpolation=cv2.INTER_CUBIC)[64:-192, 64:-192]
            / cells**0.4
        )
    return (total - total.mean()) / total.std()


def sky(view_size: tuple[int, int], horizon: float, air: Weather, rng: Generator) -> np.ndarray:
    """The sky over the whole picture, (h, w, 3) uint8 RGB.

    Args:
        view_size: (h, w) in pixels.
        horizon: where it ends, in heights of the picture.
        air: light and air.
        rng: where the clouds are.
    """
    height, width = view_size
    down = (
        np.clip((np.arange(64, dtype=np.float32) + 0.5) / 64 / max(horizon, 0.1), 0, 1)[:, None, None] ** 0.8
    )
    clear = (air.zenith + (air.horizon - air.zenith) * down).astype(np.float32)  # (64, 1, 3)
    top, left = rng.integers(0, TILE, 2)
    rows, columns = (top + np.arange(64)) % TILE, (left + np.arange(128)) % TILE
    noise = mottle()[rows[:, None], columns] + np.float32(2.4 * air.clouds - 1.2)  # (64, 128)
    cover = np.clip(noise * np.float32(0.9), 0, 1)[..., None] * np.float32(0.85 * (air.clouds > 0))
    painted = clear + (air.cloud.astype(np.float32) - clear) * cover
    return cv2.resize(
        np.clip(painted, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR
    )

"""How a street of the data set ``streets`` becomes a picture: surfaces, light, lens and noise; and its labels."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.town.ids import BUILDING, CAR, FENCE, PERSON, ROAD, TERRAIN, VEGETATION, WALK
from rgaviz.data.sets.town.view import View
from rgaviz.data.sets.town.weather import TILE, mottle

SHIFT = 64  # pixels by which the noise of two pictures may be apart
FINE = 14.0  # pixels of the noise in a metre of ground
ROUGH = {ROAD: 0.05, WALK: 0.05, TERRAIN: 0.12}  # how much a metre of ground differs from the next
COARSE = {VEGETATION: 0.13, TERRAIN: 0.05, BUILDING: 0.035, FENCE: 0.03, PERSON: 0.04, CAR: 0.02}


def _table(values: dict[int, float]) -> np.ndarray:
    table = np.zeros(256, np.float32)
    table[list(values)] = list(values.values())
    return table


ROUGHNESS, COARSENESS = _table(ROUGH), _table(COARSE)


def developed(view: View, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """The picture (h, w, 3) uint8 RGB of a view, and its labels (h, w) uint8."""
    height, width = view.size
    labels = most_of_four(view.canvas[..., 3])
    seen = cv2.resize(view.canvas, (width, height), interpolation=cv2.INTER_AREA)[..., :3].astype(np.float32)
    chance = rng.random(6)
    surface = 1 + _surface(view, labels, rng)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    fall_off = np.float32(0.16 * chance[0]) * (across**2 + down**2)
    surface *= (
        1
        + np.float32(0.16 * chance[1] - 0.08) * across
        + np.float32(0.12 * chance[2] - 0.06) * down
        - fall_off
    )
    gain = (view.air.gain * (0.96 + 0.08 * chance[3:6])).astype(np.float32)
    seen *= cv2.merge([surface] * 3)
    seen *= gain
    sigma = view.air.blur * 0.128 * (height / 128) ** 0.5
    seen = cv2.GaussianBlur(seen, (0, 0), sigma)
    top, left = rng.integers(0, SHIFT, 2)
    seen += np.float32(view.air.grain) * _grain(height, width)[top : top + height, left : left + width]
    return np.clip(seen + 0.5, 0, 255).astype(np.uint8), labels


def most_of_four(labels: np.ndarray) -> np.ndarray:
    """The label that most of each two by two pixels have, (2h, 2w) to (h, w); of two and two the upper left one's."""
    a, b, c, d = (np.ascontiguousarray(labels[row::2, column::2]) for row in (0, 1) for column in (0, 1))
    alone = (a != b) & (a != c) & (a != d)
    return np.where(alone, np.where((b == c) | (b == d), b, np.where(c == d, c, a)), a)


def _surface(view: View, labels: np.ndarray, rng: Generator) -> np.ndarray:
    """How much brighter each pixel is than the colour of what is there, (h, w) float32: grounds, leaves, plaster."""
    height, width = view.size
    top, left = rng.integers(0, TILE, 2)
    rows, columns = (
        (start + np.arange(side) * 128 // max(height, 128)) % TILE
        for start, side in ((top, height), (left, width))
    )
    total = mottle()[rows[:, None], columns] * COARSENESS[labels]
    lens = view.lens
    first = max(0, int(np.ceil((lens.horizon + 0.012) * height)))
    if first < height:
        v = (np.arange(first, height) + 0.5) / height - lens.horizon
        v0 = float(v[0])
        scale = FINE / height
        matrix = np.array([  # from pixels of the lower part to those of the noise: metres right and ahead by FINE
            [lens.height * scale, FINE * lens.x / height, FINE * (lens.x * v0 - lens.ahead * lens.height)],
            [0, 0, FINE * lens.focal * lens.height],
            [0, 1 / height, v0],
        ])  # fmt: skip
        ground = cv2.warpPerspective(
            mottle(), matrix, (width, height - first),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_WRAP,
        )  # fmt: skip
        sharp = np.minimum(v * 6, 1).astype(np.float32)[:, None]
        total[first:] += ground * sharp * ROUGHNESS[labels[first:]]
    return total


@lru_cache(maxsize=2)
def _grain(height: int, width: int) -> np.ndarray:
    """Noise to cut pieces from, (h + 64, w + 64, 3) float32."""
    return stream("streets", "grain").standard_normal((height + SHIFT, width + SHIFT, 3), dtype=np.float32)

"""What grows in the data set ``streets``: trees, bushes and hedges."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.town.ids import VEGETATION
from rgaviz.data.sets.town.view import View, wall

LEAVES = np.array([
    (58, 88, 46), (84, 104, 52), (104, 110, 74), (138, 108, 54), (116, 70, 46), (74, 86, 76), (92, 82, 64),
    (70, 98, 66),
])  # fmt: skip
CROWN, TWIGS = 9, 20  # how many tufts a tree has of either
BARK = np.array((82, 72, 62))


@lru_cache(maxsize=1)
def blobs() -> np.ndarray:
    """Irregular outlines (64, 14, 2) about the unit circle."""
    rng = stream("streets", "blobs")
    angle = np.linspace(0, 2 * np.pi, 15)[:-1]
    radius = 1 + 0.22 * rng.standard_normal((64, 14))
    return radius[..., None] * np.stack([np.cos(angle), np.sin(angle)], 1)


def tufts(rng: Generator, spread: tuple[float, float], sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outlines (n, 14, 2) of so many sizes (n,) about a point, and their middles (n, 2)."""
    chance = rng.random((2, len(sizes)))
    angle, out = 2 * np.pi * chance[0], np.sqrt(chance[1])
    middles = np.stack([np.cos(angle) * (out * spread[0]), np.sin(angle) * (out * spread[1])], 1)
    return blobs()[rng.integers(0, 64, len(sizes))] * sizes[:, None, None] + middles[:, None], middles


def tree(view: View, rng: Generator, x: float, z: float, colour: np.ndarray, size: float) -> None:
    """Draw a tree of about so many metres in radius."""
    trunk, high = size * rng.uniform(0.9, 1.4), size * rng.uniform(0.9, 1.3)
    width = 0.07 * size * rng.uniform(0.7, 1.3)
    lean = rng.uniform(-0.2, 0.2)
    bole = np.array(
        [
            (-width, 0),
            (width, 0),
            (lean + 0.7 * width, trunk + 0.5 * high),
            (lean - 0.7 * width, trunk + 0.5 * high),
        ]
    )
    view.upright((x, 0, z), bole[None], BARK[None] * rng.uniform(0.7, 1.4) * view.air.lit(0), VEGETATION)
    outlines, middles = tufts(rng, (size, high), rng.uniform(0.08, 0.2, CROWN + TWIGS) * size)
    shape = blobs()[rng.integers(0, 64, CROWN)]
    outlines[:CROWN] = shape * rng.uniform(0.34, 0.6, (CROWN, 1, 1)) * size + 0.62 * middles[:CROWN, None]
    outlines += (lean, trunk + high)
    light = 0.82 + 0.25 * middles[:, 1] / high + view.air.sun * view.air.side * 0.22 * middles[:, 0] / size
    colours = colour * (light + rng.normal(0, 0.12, len(light)))[:, None]
    view.upright((x, 0, z), outlines, colours, VEGETATION)


def bush(view: View, rng: Generator, x: float, z: float, colour: np.ndarray, size: float) -> None:
    """Draw a bush of about so many metres in radius."""
    outlines, middles = tufts(rng, (0.8 * size, 0.5 * size), rng.uniform(0.2, 0.45, 14) * size)
    light = 0.8 + 0.3 * middles[:, 1] / size + rng.normal(0, 0.12, len(middles))
    view.upright((x, 0.5 * size, z), outlines, colour * light[:, None], VEGETATION)


def hedge(
    view: View, rng: Generator, x: float, span: tuple[float, float], colour: np.ndarray, high: float
) -> None:
    """Draw a hedge along the street, at so far from its middle."""
    start, end = span
    foot, along = (x, 0.0, start), (0.0, 0.0, end - start)
    lit = view.air.lit(-1 if x > 0 else 1)
    view.faces(wall(foot, along, np.array([(0, 0, 1, high)])), colour[None] * lit, VEGETATION)
    left, bottom = rng.uniform(0, 0.95, 20), rng.uniform(0, 0.95, 20) * high
    spans = np.stack([left, bottom, left + rng.uniform(0.03, 0.1, 20), bottom + rng.uniform(0.1, 0.3, 20)], 1)
    view.faces(wall(foot, along, spans), colour * lit * rng.uniform(0.65, 1.3, (20, 1)), VEGETATION)


def woods(view: View, rng: Generator, colours: np.ndarray, distance: float) -> None:
    """Trees far behind the end of the street."""
    count = int(rng.integers(8, 22))
    sizes = np.repeat(rng.uniform(0.02, 0.06, count) * distance, 4)
    outlines, _ = tufts(rng, (1.0, 1.0), sizes * rng.uniform(0.5, 0.9, len(sizes)))
    middle = np.repeat(rng.uniform(-1, 1, count) * distance, 4) + rng.uniform(-0.6, 0.6, len(sizes)) * sizes
    outlines += np.stack([middle, sizes * rng.uniform(0.0, 0.9, len(sizes))], 1)[:, None]
    shade = np.repeat(colours[rng.integers(0, len(colours), count)], 4, axis=0)
    view.upright((0, 0, distance), outlines, shade * rng.uniform(0.7, 1.1, (len(sizes), 1)), VEGETATION)

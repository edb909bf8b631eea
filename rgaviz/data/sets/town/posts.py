"""What stands along the streets of ``streets``: lamps, traffic signs, bollards, fences, and things of no class."""

from __future__ import annotations

import numpy as np

from rgaviz.data.sets.generated import Generator
from rgaviz.data.sets.town.green import blobs
from rgaviz.data.sets.town.ids import DYNAMIC, FENCE, POLE, SIGN, STATIC
from rgaviz.data.sets.town.view import View, box, wall

METALS = np.array([(96, 98, 102), (142, 144, 146), (62, 66, 64), (116, 104, 92), (70, 84, 78)])
RED, BLUE, WHITE, YELLOW, GREEN = (
    (186, 36, 40),
    (36, 82, 168),
    (224, 224, 220),
    (222, 178, 44),
    (36, 112, 78),
)


def _round(corners: int, radius: float, turned: float = 0.0) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, corners + 1)[:-1] + turned
    return radius * np.stack([np.cos(angle), np.sin(angle)], 1)


def _like(outline: np.ndarray) -> np.ndarray:
    """The outline with 12 corners, as fill takes them together."""
    return outline[np.arange(12) * len(outline) // 12]


TRIANGLE, SQUARE, OCTAGON, DISC = (
    _round(3, 0.42, np.pi / 2),
    _round(4, 0.42, np.pi / 4),
    _round(8, 0.36, np.pi / 8),
    _round(12, 0.34),
)
BAR = box(-0.24, -0.06, 0.24, 0.06)
PLATES: tuple[tuple[tuple[np.ndarray, tuple[int, int, int]], ...], ...] = (
    ((DISC, RED), (DISC * 0.72, WHITE), (BAR * 0.6, (40, 40, 44))),
    ((DISC, RED), (BAR, WHITE)),
    ((DISC, BLUE), (BAR[:, ::-1], WHITE)),
    ((TRIANGLE, RED), (TRIANGLE * 0.62, WHITE)),
    ((-TRIANGLE, RED), (-TRIANGLE * 0.66, WHITE)),
    ((OCTAGON, RED), (BAR * 0.9, WHITE)),
    ((_round(4, 0.4), WHITE), (_round(4, 0.28), YELLOW)),
    ((SQUARE, BLUE), (BAR[:, ::-1] * 0.9, WHITE), (BAR * 0.5 + (0.05, 0.08), WHITE)),
    ((SQUARE * (1.5, 0.8), YELLOW), (BAR * 1.3, (40, 40, 44))),
    ((SQUARE * (2.2, 1.2), BLUE), (BAR * 1.6 + (0, 0.12), WHITE), (BAR * 1.2 - (0.1, 0.12), WHITE)),
    ((SQUARE * (2.0, 1.1), GREEN), (BAR * 1.5, WHITE)),
    ((SQUARE * (0.9, 1.3), WHITE), (BAR * 0.8, (90, 90, 94))),
)


def _rod(left: float, bottom: float, top: float, width: float) -> np.ndarray:
    return box(left - width / 2, bottom, left + width / 2, top)


def lamp(view: View, rng: Generator, x: float, z: float, inwards: int) -> None:
    """Draw a lamp post whose arm reaches over the street, towards 1 or -1."""
    high, arm, width = rng.uniform(4.5, 9), rng.uniform(0, 2.2) * inwards, rng.uniform(0.14, 0.22)
    left, right = sorted((0.0, arm))
    pieces = np.array([
        _rod(0, 0, 1.1, width * 1.6), _rod(0, 0, high, width), box(left, high - 0.1, right, high + 0.02),
        box(arm - 0.35, high - 0.16, arm + 0.35, high + 0.06),
    ])  # fmt: skip
    colours = METALS[rng.integers(len(METALS))] * np.array([[0.9], [1.0], [0.9], [1.2]]) * view.air.lit(0)
    view.upright((x, 0, z), pieces, colours, POLE)


def sign(view: View, rng: Generator, x: float, z: float) -> None:
    """Draw a traffic sign, or two, on its pole."""
    high = rng.uniform(2.1, 2.8)
    metal = METALS[rng.integers(len(METALS))]
    view.upright((x, 0, z), _rod(0, 0, high + 0.3, 0.1)[None], metal[None] * view.air.lit(0), POLE)
    larger = rng.uniform(0.9, 1.45)
    for row in range(1 + (rng.random() < 0.3)):
        plate = PLATES[rng.integers(len(PLATES))]
        outlines = np.stack([_like(outline) for outline, _ in plate]) * larger * (0.75 if row else 1)
        colours = np.array([colour for _, colour in plate]) * rng.uniform(0.7, 1.05)
        view.upright((x, high - 0.85 * larger * row, z - 0.05), outlines, colours, SIGN)


def gantry(view: View, rng: Generator, x: float, z: float, inwards: int) -> None:
    """Draw a tall pole with a large board that hangs over the lane."""
    high, reach = rng.uniform(5, 6), rng.uniform(2.5, 4.5) * inwards
    left, right = sorted((0.0, reach))
    metal = METALS[rng.integers(len(METALS))] * view.air.lit(0)
    view.upright(
        (x, 0, z),
        np.stack([_rod(0, 0, high, 0.24), box(left, high - 0.2, right, high)]),
        np.stack([metal, metal]),
        POLE,
    )
    wide, tall = rng.uniform(1.6, 2.6), rng.uniform(0.9, 1.5)
    board = box(reach - wide / 2, high - tall, reach + wide / 2, high + 0.2)
    colour = np.array((BLUE, GREEN, WHITE, YELLOW)[rng.integers(4)]) * rng.uniform(0.7, 1.0)
    words = [
        box(
            reach - wide * 0.36,
            high - tall * share - 0.1,
            reach + wide * rng.uniform(0.0, 0.36),
            high - tall * share,
        )
        for share in (0.15, 0.5)
    ]
    dark = colour.sum() > 380
    text = np.array((44, 44, 50) if dark else WHITE)
    view.upright((x, 0, z - 0.05), np.stack([board, *words]), np.stack([colour, text, text]), SIGN)


def bollard(view: View, rng: Generator, x: float, z: float) -> None:
    """Draw a bollard."""
    pieces = np.array([_rod(0, 0, 0.95, 0.15), _rod(0, 0.7, 0.82, 0.16)])
    colours = np.stack([METALS[rng.integers(len(METALS))] * view.air.lit(0), np.array((214, 210, 204))])
    view.upright((x, 0, z), pieces, colours, POLE)


def fence(
    view: View, rng: Generator, x: float, span: tuple[float, float], style: tuple[int, float, np.ndarray]
) -> None:
    """Draw a fence along the street, at so far from its middle; style is its kind, its height and its colour.

    What is seen through it is the fence, as in Cityscapes.
    """
    kind, high, colour = style
    start, end = span
    foot, along = (x, 0.0, start), (0.0, 0.0, end - start)
    shade = colour * view.air.lit(-1 if x > 0 else 1)
    if kind == 0:  # boards
        view.faces(wall(foot, along, np.array([(0, 0, 1, high)])), shade[None], FENCE)
        gaps = np.linspace(0.05, 0.95, 8)
        view.alike(
            wall(foot, along, np.stack([gaps, gaps * 0, gaps + 0.02, gaps * 0 + high], 1)), shade * 0.6, FENCE
        )
        return
    view.seen_through(wall(foot, along, np.array([(0, 0, 1, high)])), FENCE)
    bars = np.linspace(0.02, 0.96, 13 if kind == 1 else 5)
    width = 0.018 if kind == 1 else 0.04
    view.alike(wall(foot, along, np.stack([bars, bars * 0, bars + width, bars * 0 + high], 1)), shade, FENCE)
    rails = np.array((0.15, 0.95)) if kind == 1 else np.array((0.3, 0.62, 0.95))
    view.alike(
        wall(foot, along, np.stack([rails * 0, rails * high - 0.06, rails * 0 + 1, rails * high], 1)),
        shade * 0.9,
        FENCE,
    )


def clutter(view: View, rng: Generator, x: float, z: float) -> None:
    """Draw a thing of no class: a bin, a box, a heap."""
    colour = np.array(
        (RED, BLUE, WHITE, YELLOW, GREEN, (110, 110, 112), (70, 60, 52))[rng.integers(7)]
    ) * rng.uniform(0.5, 0.9)
    wide, high = rng.uniform(0.3, 0.8), rng.uniform(0.6, 1.3)
    if rng.random() < 0.6:
        pieces = np.array([box(-wide / 2, 0, wide / 2, high), box(-wide / 2, high * 0.85, wide / 2, high)])
        view.upright((x, 0, z), pieces, np.stack([colour, colour * 0.7]), STATIC)
    else:
        heap = (
            blobs()[rng.integers(0, 64, 3)] * (wide / 2)
            + np.array([[[-0.2, 0.3]], [[0.2, 0.3]], [[0, 0.5]]]) * wide
        )
        view.upright((x, 0, z), heap, colour * rng.uniform(0.6, 1.2, (3, 1)), DYNAMIC)


def far_thing(view: View, rng: Generator, x: float, z: float) -> None:
    """Draw something so far away that nobody can tell what it is."""
    count = 7
    outlines = (
        blobs()[rng.integers(0, 64, count)] * rng.uniform(0.4, 1.4, (count, 1, 1))
        + rng.uniform(-1.5, 1.5, (count, 1, 2)) * (1, 0.4)
        + (0, 1)
    )
    view.upright(
        (x, 0, z), outlines, rng.uniform(50, 190, (count, 1)) + rng.uniform(-25, 25, (count, 3)), STATIC
    )

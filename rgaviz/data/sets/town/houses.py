"""The houses of the data set ``streets``: walls with windows, shops and doors, and roofs."""

from __future__ import annotations

import numpy as np

from rgaviz.data.sets.generated import Generator
from rgaviz.data.sets.town.ids import BUILDING
from rgaviz.data.sets.town.view import NEAR, View, wall

WALLS = np.array([
    (148, 146, 142), (178, 188, 198), (206, 202, 192), (204, 184, 146), (138, 88, 70), (118, 74, 62), (128, 142, 112),
    (104, 112, 86), (92, 98, 108), (184, 150, 98), (186, 144, 130), (126, 124, 118), (98, 98, 102), (150, 164, 180),
])  # fmt: skip
ROOFS = np.array([(124, 66, 52), (88, 62, 56), (84, 86, 92), (60, 62, 68), (112, 120, 108)])
SHOPS = np.array([(170, 40, 44), (40, 84, 150), (204, 168, 50), (52, 110, 70), (214, 210, 200), (44, 44, 50)])
PANE, LAMP = np.array((58, 66, 78)), np.array((238, 204, 130))
DEPTH = 12.0  # metres that a house reaches back from the street
STOREY = 3.1


def house(
    view: View,
    rng: Generator,
    front: tuple[int, float, float, float],
    storeys: int,
    colour: np.ndarray,
    *,
    shop: bool,
    alone: bool,
) -> None:
    """Draw a house along the street.

    Args:
        view: to draw on.
        rng: of its looks.
        front: its side of the street, 1 or -1, its wall's distance from the middle, and from where to where it goes.
        storeys: how many.
        colour: of its walls, (3,).
        shop: whether there is one on the ground floor.
        alone: whether no house touches it on our side.
    """
    side, x, start, end = front
    if end < 3 or view.outside(x, end, side):
        return
    begin, high = max(start, NEAR), storeys * STOREY + rng.uniform(0.3, 1.0)
    foot, along = (x, 0.0, begin), (0.0, 0.0, end - begin)
    pitched = rng.random() < 0.55
    ridge = rng.uniform(1.8, 4.0)
    roof = ROOFS[rng.integers(len(ROOFS))]
    if start > NEAR:
        across = (side * DEPTH, 0.0, 0.0)
        view.faces(
            wall((x, 0, start), across, np.array([(0, 0, 1, high)])), colour[None] * view.air.lit(0), BUILDING
        )
        if pitched:
            high_middle = (x + side * DEPTH / 2, high + ridge, start)
            gable = np.array([(x, high, start), (x + side * DEPTH, high, start), high_middle])
            view.faces(gable[None], colour[None] * 0.95 * view.air.lit(0), BUILDING)
        if alone and rng.random() < 0.75:
            _windows(view, rng, (x, 0.0, start), across, storeys, view.air.lit(0))
    lit = view.air.lit(-side)
    if pitched:
        eaves, top = (x - side * 0.4, high - 0.1), (x + side * DEPTH / 2, high + ridge)
        slope = np.array([(*eaves, begin), (*eaves, end), (*top, end), (*top, begin)])
        view.faces(slope[None], roof[None] * (0.5 + 0.5 * lit), BUILDING)
    view.faces(wall(foot, along, np.array([(0, 0, 1, high)])), colour[None] * lit, BUILDING)
    trim = colour * lit * rng.uniform(0.78, 1.2)
    bands = np.arange(1, storeys + 1) * STOREY
    spans = np.stack([np.zeros(storeys), bands - 0.12, np.ones(storeys), bands + 0.1], 1)
    view.alike(wall(foot, along, spans[rng.integers(0, storeys) :]), trim, BUILDING)
    _windows(view, rng, foot, along, storeys, lit, ground=not shop)
    if shop:
        _shop(view, rng, foot, along, lit)


def _windows(
    view: View,
    rng: Generator,
    foot: tuple[float, float, float],
    along: tuple[float, float, float],
    storeys: int,
    lit: float,
    *,
    ground: bool = True,
) -> None:
    """Rows of windows on a wall; on the ground floor a door, too."""
    columns = max(1, round((abs(along[0]) + abs(along[2])) / rng.uniform(2.2, 3.4)))
    half, low, tall = rng.uniform(0.2, 0.36), rng.uniform(0.7, 1.1), rng.uniform(1.2, 1.8)
    lines = np.arange(0 if ground else 1, storeys) * STOREY
    if not len(lines):
        return
    bottom, middle = (
        np.repeat(lines + low, columns),
        np.tile((np.arange(columns) + 0.5) / columns, len(lines)),
    )
    spans = np.stack([middle - half / columns, bottom, middle + half / columns, bottom + tall], 1)
    if ground and rng.random() < 0.7:
        spans[rng.integers(columns), 1] = 0.05  # a door
    chance = rng.random(len(spans))
    wider = spans + np.array((-0.1 / columns, -0.12, 0.1 / columns, 0.1))
    frames, panes = wall(foot, along, np.concatenate([wider, spans])).reshape(2, -1, 4, 3)
    ahead = frames[:, 0, 2] > NEAR + 0.2
    if rng.random() < 0.6:
        view.alike(frames[ahead], np.array((206, 204, 198)) * lit * rng.uniform(0.5, 1.05), BUILDING)
    glow = chance < view.air.lamps
    mirrored = PANE + (view.air.zenith - PANE) * rng.uniform(0.05, 0.45)
    view.alike(panes[ahead & ~glow & (chance < 0.75)], mirrored * (0.4 + 0.6 * lit), BUILDING)
    view.alike(panes[ahead & ~glow & (chance >= 0.75)], np.array((168, 164, 156)) * lit, BUILDING)  # curtains
    view.alike(panes[ahead & glow], LAMP / view.air.gain, BUILDING)


def _shop(
    view: View,
    rng: Generator,
    foot: tuple[float, float, float],
    along: tuple[float, float, float],
    lit: float,
) -> None:
    """Wide panes below a coloured board."""
    count = max(1, round(along[2] / rng.uniform(3, 5)))
    left = (np.arange(count) + 0.08) / count
    spans = np.stack([left, np.full(count, 0.4), left + 0.84 / count, np.full(count, 2.5)], 1)
    panes = wall(foot, along, spans)
    colour = LAMP / view.air.gain if view.air.lamps > 0.2 else PANE * (0.5 + 0.6 * lit)
    view.alike(panes[panes[:, 0, 2] > NEAR + 0.2], colour, BUILDING)
    board = SHOPS[rng.integers(len(SHOPS))] * (0.4 + 0.6 * lit)
    view.faces(wall(foot, along, np.array([(0.03, 2.6, 0.97, 3.2)])), board[None], BUILDING)
    letters = np.sort(rng.uniform(0.2, 0.8, 6)).reshape(3, 2)
    marks = np.stack([letters[:, 0], np.full(3, 2.8), letters[:, 1], np.full(3, 3.0)], 1)
    view.alike(wall(foot, along, marks), np.array((226, 222, 210)) * (0.4 + 0.6 * lit), BUILDING)


def skyline(view: View, rng: Generator, colours: np.ndarray, distance: float) -> None:
    """Houses far behind the end of the street."""
    count = int(rng.integers(6, 14))
    middle = rng.uniform(-1.1, 1.1, count) * distance
    half, tall = rng.uniform(5, 14, count), rng.uniform(0.03, 0.2, count) * distance
    spans = np.stack([middle - half, np.full(count, -6.0), middle + half, tall], 1)
    shades = colours[rng.integers(0, len(colours), count)] * rng.uniform(0.6, 1.0, (count, 1))
    view.faces(wall((0, 0, distance), (1, 0, 0), spans), shades, BUILDING)

"""The ground of the data set ``streets``: road with its marks, kerbs, sidewalks, verges and gardens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rgaviz.data.sets.generated import Generator
from rgaviz.data.sets.town.ids import ROAD, TERRAIN, WALK
from rgaviz.data.sets.town.plan import LANE, City, Street
from rgaviz.data.sets.town.view import NEAR, View

FAR = 170.0  # metres, where the ground ends
CUTS = np.concatenate([[NEAR], np.geomspace(2.5, FAR, 13)])
MARK = np.array((206, 206, 200))


class Strip(NamedTuple):
    """Ground along the street, from x to x, of a class and a colour."""

    left: float
    right: float
    label: int
    colour: np.ndarray


def _between(one: float, other: float, label: int, colour: np.ndarray) -> Strip:
    """A strip that is given by its edges in any order."""
    return Strip(min(one, other), max(one, other), label, colour)


def lay_street(view: View, rng: Generator, plan: Street, style: City) -> None:
    """Draw the ground of a street."""
    left, right = plan.sides
    yard = (TERRAIN, plan.earth) if rng.random() < 0.6 else (WALK, plan.pavement * 0.95)
    strips = [Strip(-FAR, FAR, *yard)]
    for side in plan.sides:
        strips.append(_between(side.kerb, side.house, TERRAIN, plan.earth))
        strips.append(_between(side.walk, side.garden, WALK, plan.pavement))
        strips.append(_between(side.kerb, side.kerb + 0.18 * side.sign, WALK, plan.pavement * 1.16))
    strips.append(Strip(left.kerb, right.kerb, ROAD, plan.road))
    _lay(view, rng, strips)
    for side in plan.sides:
        if rng.random() < style.slabs:
            _joints(view, _between(side.walk, side.garden, WALK, plan.pavement))
        if side.walk != side.kerb:
            _lawn(view, rng, _between(side.kerb, side.walk, TERRAIN, plan.earth))
    _patches(view, rng, left.kerb, right.kerb, plan.road)
    worn = rng.uniform(0.35, 1.0)
    mark = plan.road + (MARK - plan.road) * worn
    _lines(view, rng, plan, mark)
    if plan.crossing:
        _crossroad(view, plan.crossing[0], plan.crossing[1] - plan.crossing[0], plan.road)
    if rng.random() < 0.4:
        z = plan.crossing[0] - 4 if plan.crossing else rng.uniform(6, 30)
        _zebra(view, left.kerb, right.kerb, z, mark)


def _lines(view: View, rng: Generator, plan: Street, mark: np.ndarray) -> None:
    middle = rng.random()
    if middle < 0.85:
        _line(view, 0.0, dash=3.0, gap=0.0 if middle < 0.25 else 4.5, shift=rng.uniform(0, 6), colour=mark)
    for lane in range(1, plan.lanes):
        for sign in (-1, 1):
            _line(view, sign * lane * LANE, dash=2.0, gap=4.0, shift=rng.uniform(0, 5), colour=mark)
    for side in plan.sides:
        if side.parking != side.kerb and rng.random() < 0.5:
            _line(
                view, side.parking, dash=1.0, gap=0.0 if rng.random() < 0.5 else 1.0, shift=0.0, colour=mark
            )


def _lay(view: View, rng: Generator, strips: list[Strip]) -> None:
    """Draw strips of ground, piece by piece, for colours differ a little."""
    for strip in strips:
        quads = _quads(strip.left, strip.right, CUTS[:-1], CUTS[1:])
        view.faces(quads, strip.colour * rng.uniform(0.96, 1.04, (len(quads), 1)), strip.label)


def _quads(
    left: float | np.ndarray, right: float | np.ndarray, start: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Rectangles (n, 4, 3) on the ground."""
    quads = np.zeros((len(start), 4, 3))
    quads[:, 0, 0] = quads[:, 3, 0] = left
    quads[:, 1, 0] = quads[:, 2, 0] = right
    quads[:, :2, 2], quads[:, 2:, 2] = start[:, None], end[:, None]
    return quads


def _marks(view: View, quads: np.ndarray, colour: np.ndarray) -> None:
    view.faces(quads, np.tile(colour, (len(quads), 1)), ROAD)


def _line(view: View, x: float, *, dash: float, gap: float, shift: float, colour: np.ndarray) -> None:
    """A line along the street, broken into dashes where there is a gap."""
    if gap == 0:
        _marks(view, _quads(x - 0.07, x + 0.07, CUTS[:9], CUTS[1:10]), colour)
        return
    start = np.arange(shift + NEAR, 70, dash + gap)
    _marks(view, _quads(x - 0.08, x + 0.08, start, start + dash), colour)


def _zebra(view: View, left: float, right: float, z: float, colour: np.ndarray) -> None:
    """A crossing for those on foot."""
    stripes = np.arange(left + 0.3, right - 0.3, 1.0)
    _marks(
        view, _quads(stripes, stripes + 0.5, np.full(len(stripes), z), np.full(len(stripes), z + 3.0)), colour
    )


def _crossroad(view: View, z: float, wide: float, colour: np.ndarray) -> None:
    """A street that crosses ours."""
    left = np.linspace(-60, 54, 20)
    quads = _quads(left, left + 6, np.full(20, z), np.full(20, z + wide))
    view.faces(quads, np.tile(colour, (20, 1)), ROAD)


def _patches(view: View, rng: Generator, left: float, right: float, colour: np.ndarray) -> None:
    """Where the road was mended, and lids of drains."""
    count = int(rng.integers(2, 9))
    start, x = rng.uniform(3, 40, count), rng.uniform(left, right - 1.5, count)
    quads = _quads(x, x + rng.uniform(0.5, 1.5, count), start, start + rng.uniform(0.5, 8, count))
    view.faces(quads, colour * rng.uniform(0.72, 1.18, (count, 1)), ROAD)


def _joints(view: View, strip: Strip) -> None:
    """The slabs of a sidewalk."""
    across = np.concatenate([np.arange(1.5, 12, 0.75), np.arange(12, 30, 1.5)])
    colour = np.tile(strip.colour * 0.86, (len(across), 1))
    view.faces(_quads(strip.left, strip.right, across, across + 0.05), colour, WALK)


def _lawn(view: View, rng: Generator, strip: Strip) -> None:
    """Bare and lush places of a verge."""
    start = rng.uniform(2, 50, 10)
    left, right = sorted((strip.left, strip.right))
    x = rng.uniform(left, right, 10)
    quads = _quads(
        x, np.minimum(x + rng.uniform(0.3, 1.5, 10), right), start, start + rng.uniform(0.5, 4, 10)
    )
    view.faces(quads, strip.colour * rng.uniform(0.8, 1.2, (10, 1)), TERRAIN)

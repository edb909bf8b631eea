"""What stands and moves in the streets of ``streets``, and where."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from rgaviz.data.sets.generated import Generator
from rgaviz.data.sets.town.cars import Car, any_car, draw_car
from rgaviz.data.sets.town.green import bush, hedge, tree
from rgaviz.data.sets.town.plan import LANE, City, Side, Street
from rgaviz.data.sets.town.posts import bollard, clutter, fence, gantry, lamp, sign
from rgaviz.data.sets.town.view import View
from rgaviz.data.sets.town.walkers import walker

NEAREST, FARTHEST = 2.6, 70.0  # metres; between them things stand
PANEL = 4.0  # metres of a piece of fence or hedge


class Thing(NamedTuple):
    """Something that is drawn at its turn.

    Attributes:
        z: how far ahead it is, metres.
        draw: draws it.
        x: right of the middle of the street.
        high: of its shadow; 0 is none.
        wide: likewise, half of it.
        car: what it is, if it is one; its shadow has that form.
    """

    z: float
    draw: Callable[[], None]
    x: float = 0.0
    high: float = 0.0
    wide: float = 0.0
    car: Car | None = None


class Site(NamedTuple):
    """A street to be filled."""

    view: View
    rng: Generator
    plan: Street
    style: City

    def free(self, z: float) -> bool:
        """Whether no other street is there."""
        crossing = self.plan.crossing
        return crossing is None or not crossing[0] - 1.5 < z < crossing[1] + 1.5

    def thing(
        self,
        x: float,
        z: float,
        draw: Callable[..., None],
        *rest: object,
        high: float = 0.0,
        wide: float = 0.0,
    ) -> list[Thing]:
        """One that stands somewhere; none where another street is."""
        drawing = partial(draw, self.view, self.rng, x, z, *rest)
        return [Thing(z, drawing, x, high, wide)] if self.free(z) else []

    def panels(
        self, x: float, start: float, end: float, draw: Callable[..., None], *rest: object
    ) -> list[Thing]:
        """Pieces along the street, each of which is drawn at its own turn; now and then one is missing."""
        pieces = []
        for z in np.arange(start, end, PANEL).tolist():
            if self.free(z) and self.free(z + PANEL) and self.rng.random() > 0.1:
                drawing = partial(draw, self.view, self.rng, x, (z, z + PANEL), *rest)
                pieces.append(Thing(z + PANEL / 2, drawing))
        return pieces


def all_things(site: Site) -> list[Thing]:
    """All that is drawn over the houses, in any order."""
    things = _traffic(site) + _people(site)
    for side in site.plan.sides:
        things += _edge(site, side) + _green(site, side) + _posts(site, side)
    return things


def _edge(site: Site, side: Side) -> list[Thing]:
    """A fence or a hedge before a garden, or a rail along the sidewalk."""
    rng, style = site.rng, site.style
    kind, high, shade = rng.random(), rng.uniform(0.9, 1.9), style.metal * rng.uniform(0.7, 1.3)
    if side.house != side.garden:
        if kind < 0.62:
            return site.panels(side.garden, NEAREST, 60, fence, (int(rng.integers(3)), high, shade))
        if kind < 0.88:
            return site.panels(side.garden, NEAREST, 60, hedge, _leaves(site), high)
    elif kind < 0.25:
        start = rng.uniform(4, 20)
        rail = (1 + int(rng.integers(2)), 1.0, shade)
        return site.panels(side.walk + 0.3 * side.sign, start, start + rng.uniform(8, 24), fence, rail)
    return []


def _leaves(site: Site) -> np.ndarray:
    """The colour (3,) of what grows there."""
    leaves = site.style.leaves
    return leaves[site.rng.integers(len(leaves))] * site.rng.uniform(0.85, 1.15)


def _green(site: Site, side: Side) -> list[Thing]:
    """Trees in a row, and bushes in the gardens."""
    rng, things = site.rng, []
    if rng.random() < site.style.trees:
        x, leaves = (side.kerb + side.walk) / 2 + 0.5 * side.sign, _leaves(site)
        size, step = rng.uniform(1.4, 2.8), rng.uniform(7, 14)
        for z in np.arange(rng.uniform(3, 12), FARTHEST, step).tolist():
            here = size * rng.uniform(0.75, 1.25)
            things += site.thing(x, z, tree, leaves * rng.uniform(0.9, 1.1), here, high=2.2 * here, wide=here)
    if side.house != side.garden:
        x = (side.garden + side.house) / 2
        for z in np.arange(NEAREST + 2, 70, 5.0).tolist():
            if rng.random() < 0.3 * site.style.trees:
                things += site.thing(x, z + rng.uniform(-2, 2), bush, _leaves(site), rng.uniform(0.6, 1.4))
    return things


def _posts(site: Site, side: Side) -> list[Thing]:
    """Lamps, signs, bollards, and things of no class."""
    rng, kerb, sign_of = site.rng, side.kerb, side.sign
    things = []
    for z in np.arange(rng.uniform(3, 26), FARTHEST, rng.uniform(16, 30)).tolist():
        things += site.thing(kerb + 0.5 * sign_of, z, lamp, -sign_of, high=7.0, wide=0.2)
    for z in rng.uniform(4, 45, rng.integers(0, 5)).tolist():
        things += site.thing(kerb + 0.6 * sign_of, z, sign, high=2.4, wide=0.4)
    if rng.random() < 0.12:
        things += site.thing(kerb + 0.7 * sign_of, rng.uniform(9, 32), gantry, -sign_of, high=5.0, wide=0.4)
    if rng.random() < 0.25:
        for z in np.arange(rng.uniform(3, 8), 30, 2.2).tolist():
            things += site.thing(kerb + 0.35 * sign_of, z, bollard, high=0.9, wide=0.1)
    for z in rng.uniform(4, 40, rng.integers(0, 3)).tolist():
        things += site.thing(side.garden - 0.5 * sign_of, z, clutter, high=0.8, wide=0.3)
    return things


def _traffic(site: Site) -> list[Thing]:
    """Cars that are parked, drive our way, come towards us, or cross."""
    rng, plan = site.rng, site.plan
    cars = [car for side in plan.sides for car in _parked(site, side)]
    for lane in range(plan.lanes):
        for way, turn in ((1, 0.0), (-1, np.pi)):
            z = rng.uniform(6, 40)
            while z < FARTHEST:
                if rng.random() < 0.6:
                    x = way * (lane + 0.5) * LANE + rng.uniform(-0.3, 0.3)
                    cars.append(any_car(rng, x, z, turn + rng.uniform(-0.08, 0.08)))
                z += rng.uniform(9, 30)
    if plan.crossing and rng.random() < 0.6:
        x, turn = rng.uniform(-14, 14), np.pi / 2 if rng.random() < 0.5 else -np.pi / 2
        cars.append(any_car(rng, x, sum(plan.crossing) / 2, turn + rng.uniform(-0.4, 0.4)))
    lens = site.view.lens
    clear = [car for car in cars if abs(car.x - lens.x) > 1.6 or car.z > 6]
    return [Thing(car.z, partial(draw_car, site.view, car), car.x, car=car) for car in clear]


def _parked(site: Site, side: Side) -> list[Car]:
    rng, cars = site.rng, []
    if side.parking == side.kerb:
        return cars
    middle, turn = (side.parking + side.kerb) / 2, 0.0 if side.sign > 0 or rng.random() < 0.3 else np.pi
    z = rng.uniform(3, 9)
    while z < FARTHEST:
        if site.free(z - 2.5) and site.free(z + 2.5) and rng.random() < site.style.parked:
            cars.append(any_car(rng, middle + rng.uniform(-0.2, 0.2), z, turn + rng.uniform(-0.05, 0.05)))
        z += rng.uniform(5.4, 6.6)
    return cars


def _people(site: Site) -> list[Thing]:
    """Those on the sidewalks, alone or in pairs, and those who cross."""
    rng, places = site.rng, []
    for side in site.plan.sides:
        edges = sorted((side.walk + 0.3 * side.sign, side.garden - 0.2 * side.sign))
        for z in (NEAREST + 1.5 + 45 * rng.random(rng.integers(0, 6)) ** 1.5).tolist():
            x = rng.uniform(edges[0], edges[1])
            places.append((x, z))
            if rng.random() < 0.3:
                places.append((x + 0.55, z + rng.uniform(-0.3, 0.3)))
    left, right = site.plan.sides
    places += [
        (rng.uniform(left.kerb, right.kerb), z) for z in rng.uniform(6, 40, rng.integers(0, 4)).tolist()
    ]
    return [Thing(z, partial(walker, site.view, rng, x, z), x, high=1.6, wide=0.2) for x, z in places]

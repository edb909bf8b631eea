"""One picture of the data set ``streets``: all that is planned, drawn from far to near."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.town.cars import Car, any_car, draw_car, footprint
from rgaviz.data.sets.town.develop import developed
from rgaviz.data.sets.town.green import bush, hedge, tree, woods
from rgaviz.data.sets.town.ground import (
    FAR,
    MARK,
    Strip,
    crossroad,
    joints,
    lawn,
    lay,
    line,
    patches,
    zebra,
)
from rgaviz.data.sets.town.houses import STOREY, house, skyline
from rgaviz.data.sets.town.ids import EGO, ROAD, TERRAIN, WALK
from rgaviz.data.sets.town.plan import City, Side, Street, city_of, houses_along, lens, street
from rgaviz.data.sets.town.posts import bollards, clutter, fence, gantry, haze_of_things, lamp, sign
from rgaviz.data.sets.town.view import View
from rgaviz.data.sets.town.walkers import walker
from rgaviz.data.sets.town.weather import weather

NEAREST, FARTHEST = 2.6, 70.0  # metres; between them things stand
AROUND = np.linspace(0, 2 * np.pi, 11)[:-1]


class Thing(NamedTuple):
    """What is drawn at its turn: how far it is, what draws it, and its shadow: how high and how wide it is."""

    z: float
    draw: Callable[[], None]
    x: float = 0.0
    high: float = 0.0
    wide: float = 0.0
    car: Car | None = None


def drawn(city: str, name: str, size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The picture (h, w, 3) uint8 RGB of a name, and its labels (h, w) uint8, ids of Cityscapes.

    Args:
        city: where it was taken.
        name: tells the pictures of a data set apart.
        size: (h, w) in pixels.
        seed: of the whole data set.
    """
    rng, style = stream("streets", seed, "scene", name), city_of(city, seed)
    plan, air = street(rng, style), weather(rng)
    view = View(size, lens(rng, plan, size[1] / size[0]), air, rng)
    things = [thing for side in plan.sides for thing in _beside(view, rng, plan, style, side)]
    things += _traffic(view, rng, plan, style) + _people(view, rng, plan)
    _ground(view, rng, plan, style)
    view.draw()
    rows = {side.sign: houses_along(rng, plan, style) for side in plan.sides}
    high = {sign: [max(1, style.storeys + int(rng.integers(-1, 2))) for _ in row] for sign, row in rows.items()}
    _shadows(view, rng, plan, things, rows, high)
    _far(view, rng, plan, style)
    for side in plan.sides:
        built = [*zip(rows[side.sign], high[side.sign], strict=True)]
        for index in reversed(range(len(built))):
            span, storeys = built[index]
            colour = style.walls[rng.integers(len(style.walls))] * rng.uniform(0.88, 1.1)
            alone = index == 0 or built[index - 1][0][1] < span[0]
            front = (side.sign, side.house, *span)
            house(view, rng, front, storeys, colour, shop=rng.random() < 0.35, alone=alone)
    for thing in sorted(things, key=lambda each: -each.z):
        thing.draw()
    view.draw()
    if rng.random() < 0.55:
        _bonnet(view, rng)
    return developed(view, rng)


def _ground(view: View, rng: Generator, plan: Street, style: City) -> None:
    left, right = plan.sides
    yard = (TERRAIN, plan.earth) if rng.random() < 0.6 else (WALK, plan.pavement * 0.95)
    strips = [Strip(-FAR, FAR, *yard)]
    for side in plan.sides:
        inner, outer = sorted((side.walk, side.garden))
        strips.append(Strip(*sorted((side.kerb, side.house)), TERRAIN, plan.earth))
        strips.append(Strip(inner, outer, WALK, plan.pavement))
        strips.append(Strip(*sorted((side.kerb, side.kerb + 0.18 * side.sign)), WALK, plan.pavement * 1.16))
    strips.append(Strip(left.kerb, right.kerb, ROAD, plan.road))
    lay(view, rng, strips)
    for side in plan.sides:
        walk = Strip(*sorted((side.walk, side.garden)), WALK, plan.pavement)
        if rng.random() < style.slabs:
            joints(view, walk)
        if side.walk != side.kerb:
            lawn(view, rng, Strip(side.kerb, side.walk, TERRAIN, plan.earth))
    patches(view, rng, left.kerb, right.kerb, plan.road)
    worn = rng.uniform(0.35, 1.0)
    mark = plan.road + (MARK - plan.road) * worn
    _lines(view, rng, plan, mark)
    if plan.crossing:
        crossroad(view, plan.crossing[0], plan.crossing[1] - plan.crossing[0], plan.road)
    if rng.random() < 0.4:
        zebra(view, left.kerb, right.kerb, plan.crossing[0] - 4 if plan.crossing else rng.uniform(6, 30), mark)


def _lines(view: View, rng: Generator, plan: Street, mark: np.ndarray) -> None:
    middle = rng.random()
    if middle < 0.85:
        line(view, 0.0, dash=3.0, gap=0.0 if middle < 0.25 else 4.5, shift=rng.uniform(0, 6), colour=mark)
    for lane in range(1, plan.lanes):
        for sign_ in (-1, 1):
            line(view, sign_ * lane * 3.2, dash=2.0, gap=4.0, shift=rng.uniform(0, 5), colour=mark)
    for side in plan.sides:
        if side.parking != side.kerb and rng.random() < 0.5:
            line(view, side.parking, dash=1.0, gap=0.0 if rng.random() < 0.5 else 1.0, shift=0.0, colour=mark)


def _shadows(
    view: View,
    rng: Generator,
    plan: Street,
    things: list[Thing],
    rows: dict[int, list[tuple[float, float]]],
    high: dict[int, list[int]],
) -> None:
    """What keeps light from the ground: all below things, and in the sun beside them."""
    air, long, slant = view.air, rng.uniform(0.3, 1.3), rng.uniform(-0.6, 0.6)
    cars = [thing.car for thing in things if thing.car is not None]
    if cars:
        view.shade(np.array([footprint(car, 0.12) for car in cars]))
    if air.sun:
        away = np.array((-air.side * long, 0, slant))  # of the shadow of one metre
        front = plan.sides[0 if air.side < 0 else 1].house
        ends = np.array(rows[air.side]).repeat(2, axis=1)  # (n, 4): start, start, end, end
        reach = np.array([(0, storeys, storeys, 0) for storeys in high[air.side]]) * STOREY
        view.shade(_flat(front + away[0] * reach, ends + away[2] * reach))
        if cars:
            view.shade(np.array([footprint(car) for car in cars]) + 0.9 * away)
        others = np.array([(thing.x, thing.z, thing.high, thing.wide) for thing in things if thing.high])
        if len(others):
            x, z, tall, wide = others.T[..., None]  # (n, 1) each
            top, far = x + away[0] * tall, z + away[2] * tall
            view.shade(_flat(np.hstack([x - 0.1, x + 0.1, top + 0.1, top - 0.1]), np.hstack([z, z, far, far])))
            view.shade(_flat(top + wide * np.cos(AROUND), far + wide * np.sin(AROUND)))
    view.fall(0.55 - 0.12 * air.sun)


def _flat(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Outlines on the ground (n, k, 3) from their x and z (n, k)."""
    outlines = np.zeros((*x.shape, 3))
    outlines[..., 0], outlines[..., 2] = x, z
    return outlines


def _far(view: View, rng: Generator, plan: Street, style: City) -> None:
    """What the street ends at."""
    for distance in (150.0, 125.0):
        woods(view, rng, style.leaves, distance)
        skyline(view, rng, style.walls, distance)
    if rng.random() < 0.5:
        woods(view, rng, style.leaves, 115.0)
    if rng.random() < 0.5:
        haze_of_things(view, rng, rng.uniform(-8, 8), rng.uniform(70, 110))


def _beside(view: View, rng: Generator, plan: Street, style: City, side: Side) -> list[Thing]:
    """What stands on one side: trees, hedges and fences, lamps, signs, bollards, bins."""
    sign_, things = side.sign, []
    free = partial(_free, plan)
    leaves = style.leaves[rng.integers(len(style.leaves))]

    def at(x: float, z: float, draw: Callable[..., None], *rest: object, high: float = 0.0, wide: float = 0.0) -> None:
        if free(z):
            things.append(Thing(z, partial(draw, view, rng, x, z, *rest), x, high, wide))

    if side.house != side.garden:
        kind, style_ = rng.random(), (int(rng.integers(3)), rng.uniform(0.9, 1.9), style.metal * rng.uniform(0.7, 1.3))
        for start in np.arange(NEAREST, 60, 4.0):
            if not free(start) or not free(start + 4) or rng.random() < 0.1:
                continue
            span = (float(start), float(start + 4))
            if kind < 0.62:
                things.append(Thing(start + 2, partial(fence, view, rng, side.garden, span, style_)))
            elif kind < 0.88:
                things.append(Thing(start + 2, partial(hedge, view, rng, side.garden, span, leaves, style_[1])))
        for z in np.arange(NEAREST + 2, 70, 5.0) + rng.uniform(-2, 2):
            if rng.random() < 0.3 * style.trees:
                at((side.garden + side.house) / 2, z + rng.uniform(-1, 1), bush, leaves, rng.uniform(0.6, 1.4))
    elif rng.random() < 0.25:  # a rail between road and sidewalk
        style_ = (1 + int(rng.integers(2)), 1.0, style.metal)
        start = rng.uniform(4, 20)
        for each in np.arange(start, start + rng.uniform(8, 24), 4.0):
            things.append(Thing(each + 2, partial(fence, view, rng, side.walk + 0.3 * sign_, (each, each + 4), style_)))
    row = (side.kerb + side.walk) / 2 + 0.5 * sign_
    if rng.random() < style.trees:
        size, step = rng.uniform(1.4, 2.8), rng.uniform(7, 14)
        for z in np.arange(rng.uniform(3, 12), FARTHEST, step):
            here = size * rng.uniform(0.75, 1.25)
            at(row, z, tree, leaves * rng.uniform(0.85, 1.15), here, high=2.2 * here, wide=here)
    for z in np.arange(rng.uniform(3, 26), FARTHEST, rng.uniform(16, 30)):
        at(side.kerb + 0.5 * sign_, z, lamp, -sign_, high=7.0, wide=0.2)
    for z in rng.uniform(4, 45, rng.integers(0, 5)):
        at(side.kerb + 0.6 * sign_, z, sign, high=2.4, wide=0.4)
    if rng.random() < 0.12:
        at(side.kerb + 0.7 * sign_, rng.uniform(9, 32), gantry, -sign_, high=5.0, wide=0.4)
    if rng.random() < 0.25:
        for z in np.arange(rng.uniform(3, 8), 30, 2.2):
            at(side.kerb + 0.35 * sign_, z, bollards, high=0.9, wide=0.1)
    for z in rng.uniform(4, 40, rng.integers(0, 3)):
        at(side.garden - 0.5 * sign_, z, clutter, high=0.8, wide=0.3)
    return things


def _free(plan: Street, z: float) -> bool:
    """Whether no other street is there."""
    return plan.crossing is None or not plan.crossing[0] - 1.5 < z < plan.crossing[1] + 1.5


def _traffic(view: View, rng: Generator, plan: Street, style: City) -> list[Thing]:
    """Cars that are parked, drive our way, come towards us, or cross."""
    cars = []
    for side in plan.sides:
        if side.parking == side.kerb:
            continue
        middle, turn = (side.parking + side.kerb) / 2, 0.0 if side.sign > 0 or rng.random() < 0.3 else np.pi
        z = rng.uniform(3, 9)
        while z < FARTHEST:
            if _free(plan, z - 2.5) and _free(plan, z + 2.5) and rng.random() < style.parked:
                cars.append(any_car(rng, middle + rng.uniform(-0.2, 0.2), z, turn + rng.uniform(-0.05, 0.05)))
            z += rng.uniform(5.4, 6.6)
    for lane in range(plan.lanes):
        for sign_, turn in ((1, 0.0), (-1, np.pi)):
            z = rng.uniform(6, 40)
            while z < FARTHEST:
                if rng.random() < 0.6:
                    x = sign_ * (lane + 0.5) * 3.2 + rng.uniform(-0.3, 0.3)
                    cars.append(any_car(rng, x, z, turn + rng.uniform(-0.08, 0.08)))
                z += rng.uniform(9, 30)
    if plan.crossing and rng.random() < 0.6:
        x, z = rng.uniform(-14, 14), sum(plan.crossing) / 2
        cars.append(any_car(rng, x, z, np.pi / 2 * (1 if rng.random() < 0.5 else -1) + rng.uniform(-0.4, 0.4)))
    near = [car for car in cars if abs(car.x - view.lens.x) > 1.6 or car.z > 6]
    return [Thing(car.z, partial(draw_car, view, car), car.x, car=car) for car in near]


def _people(view: View, rng: Generator, plan: Street) -> list[Thing]:
    places = []
    for side in plan.sides:
        for z in NEAREST + 1.5 + 45 * rng.random(rng.integers(0, 6)) ** 1.5:
            x = rng.uniform(*sorted((side.walk + 0.3 * side.sign, side.garden - 0.2 * side.sign)))
            places.append((x, z))
            if rng.random() < 0.3:
                places.append((x + 0.55, z + rng.uniform(-0.3, 0.3)))
    left, right = plan.sides
    for z in rng.uniform(6, 40, rng.integers(0, 4)):
        places.append((rng.uniform(left.kerb, right.kerb), z))
    return [Thing(z, partial(walker, view, rng, x, z), x, high=1.6, wide=0.2) for x, z in places]


def _bonnet(view: View, rng: Generator) -> None:
    """The own car at the lower edge: ignored."""
    aspect = view.size[1] / view.size[0]
    across = np.linspace(-0.1, 1.1, 24)
    top = 1 - rng.uniform(0.03, 0.12) * (1 - np.abs(2 * across - 1) ** 3)
    outline = np.concatenate([np.stack([across * aspect, top], 1), [(1.1 * aspect, 1.2), (-0.1 * aspect, 1.2)]])
    colour = rng.uniform(20, 120) + rng.uniform(-8, 8, 3)
    edge = outline + (0, 0.012)
    view.painted(np.stack([outline, edge]), np.stack([colour * 1.25, colour]), EGO)

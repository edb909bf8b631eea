"""One picture of the data set ``streets``: all that is planned, drawn from far to near."""

from __future__ import annotations

import numpy as np

from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.town.cars import footprint
from rgaviz.data.sets.town.develop import developed
from rgaviz.data.sets.town.green import woods
from rgaviz.data.sets.town.ground import lay_street
from rgaviz.data.sets.town.houses import STOREY, house, skyline
from rgaviz.data.sets.town.ids import EGO
from rgaviz.data.sets.town.plan import City, Street, city_of, houses_along, lens, street
from rgaviz.data.sets.town.posts import far_thing
from rgaviz.data.sets.town.things import Site, Thing, all_things
from rgaviz.data.sets.town.view import View
from rgaviz.data.sets.town.weather import weather

AROUND = np.linspace(0, 2 * np.pi, 11)[:-1]
Row = list[
    tuple[float, float, int]
]  # houses of a side: from where to where, metres ahead, and how many storeys


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
    things = all_things(Site(view, rng, plan, style))
    lay_street(view, rng, plan, style)
    view.draw()
    rows = {
        side.sign: [
            (start, end, max(1, style.storeys + int(rng.integers(-1, 2))))
            for start, end in houses_along(rng, plan, style)
        ]
        for side in plan.sides
    }
    _shadows(view, rng, plan, things, rows)
    _far(view, rng, style)
    _houses(view, rng, plan, style, rows)
    for thing in sorted(things, key=lambda each: -each.z):
        thing.draw()
    view.draw()
    if rng.random() < 0.55:
        _bonnet(view, rng)
    return developed(view, rng)


def _shadows(
    view: View,
    rng: Generator,
    plan: Street,
    things: list[Thing],
    rows: dict[int, Row],
) -> None:
    """What keeps light from the ground: all below things, and in the sun beside them."""
    air, long, slant = view.air, rng.uniform(0.3, 1.3), rng.uniform(-0.6, 0.6)
    cars = [thing.car for thing in things if thing.car is not None]
    if cars:
        view.shade(np.array([footprint(car, 0.12) for car in cars]))
    if air.sun:
        away = np.array((-air.side * long, 0, slant))  # of the shadow of one metre
        front = plan.sides[0 if air.side < 0 else 1].house
        start, end, storeys = np.array(rows[air.side]).reshape(-1, 3).T[..., None]  # (n, 1) each
        reach = storeys * STOREY * (0, 1, 1, 0)
        view.shade(_flat(front + away[0] * reach, np.hstack([start, start, end, end]) + away[2] * reach))
        if cars:
            view.shade(np.array([footprint(car) for car in cars]) + 0.9 * away)
        others = np.array([(thing.x, thing.z, thing.high, thing.wide) for thing in things if thing.high])
        if len(others):
            x, z, tall, wide = others.T[..., None]  # (n, 1) each
            top, far = x + away[0] * tall, z + away[2] * tall
            stem = np.hstack([x - 0.1, x + 0.1, top + 0.1, top - 0.1])
            view.shade(_flat(stem, np.hstack([z, z, far, far])))
            view.shade(_flat(top + wide * np.cos(AROUND), far + wide * np.sin(AROUND)))
    view.fall(0.55 - 0.12 * air.sun)


def _flat(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Outlines on the ground (n, k, 3) from their x and z (n, k)."""
    outlines = np.zeros((*x.shape, 3))
    outlines[..., 0], outlines[..., 2] = x, z
    return outlines


def _far(view: View, rng: Generator, style: City) -> None:
    """What the street ends at."""
    for distance in (150.0, 125.0):
        woods(view, rng, style.leaves, distance)
        skyline(view, rng, style.walls, distance)
    if rng.random() < 0.5:
        woods(view, rng, style.leaves, 115.0)
    if rng.random() < 0.5:
        far_thing(view, rng, rng.uniform(-8, 8), rng.uniform(70, 110))


def _houses(view: View, rng: Generator, plan: Street, style: City, rows: dict[int, Row]) -> None:
    for side in plan.sides:
        row = rows[side.sign]
        for index in reversed(range(len(row))):
            start, end, storeys = row[index]
            colour = style.walls[rng.integers(len(style.walls))] * rng.uniform(0.88, 1.1)
            alone = index == 0 or row[index - 1][1] < start
            front = (side.sign, side.house, start, end)
            house(view, rng, front, storeys, colour, shop=rng.random() < 0.35, alone=alone)


def _bonnet(view: View, rng: Generator) -> None:
    """The own car at the lower edge: ignored."""
    aspect = view.size[1] / view.size[0]
    across = np.linspace(-0.1, 1.1, 24)
    top = 1 - rng.uniform(0.03, 0.12) * (1 - np.abs(2 * across - 1) ** 3)
    outline = np.concatenate(
        [np.stack([across * aspect, top], 1), [(1.1 * aspect, 1.2), (-0.1 * aspect, 1.2)]]
    )
    colour = rng.uniform(20, 120) + rng.uniform(-8, 8, 3)
    view.painted(np.stack([outline, outline + np.array((0, 0.012))]), np.stack([colour * 1.25, colour]), EGO)

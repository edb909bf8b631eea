"""What the cities and streets of the data set ``streets`` are like: what is where, before anything is drawn."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.town.green import LEAVES
from rgaviz.data.sets.town.houses import WALLS
from rgaviz.data.sets.town.posts import METALS
from rgaviz.data.sets.town.view import Lens

ROADS = np.array(
    [(86, 86, 90), (106, 104, 102), (128, 126, 122), (72, 74, 78), (114, 104, 96), (142, 140, 136)]
)
WALKS = np.array(
    [(128, 126, 122), (150, 146, 138), (104, 102, 100), (142, 116, 104), (112, 110, 112), (88, 88, 92)]
)
EARTHS = np.array(
    [(92, 112, 62), (142, 132, 92), (114, 96, 76), (122, 132, 98), (78, 96, 58), (128, 122, 110)]
)
LANE, PARKING = 3.2, 2.2  # metres


class City(NamedTuple):
    """What the streets of a city have in common.

    Attributes:
        walls: colours of its houses, (5, 3).
        leaves: of its trees, (3, 3).
        storeys: of most houses.
        closed: share of houses that touch the next one.
        trees: how many trees its streets have, 0 to 1.
        gardens: share of sides with gardens before the houses.
        slabs: share of sidewalks of slabs.
        metal: colour of its fences, (3,).
        parked: share of the places where a car is parked.
    """

    walls: np.ndarray
    leaves: np.ndarray
    storeys: int
    closed: float
    trees: float
    gardens: float
    slabs: float
    metal: np.ndarray
    parked: float


@lru_cache(maxsize=256)
def city_of(name: str, seed: int) -> City:
    """A city by its name.

    Args:
        name: any.
        seed: of the whole data set.
    """
    rng = stream("streets", seed, "city", name)
    chance = rng.random(6)
    return City(
        WALLS[rng.permutation(len(WALLS))[:5]],
        LEAVES[rng.permutation(len(LEAVES))[:3]],
        int(rng.integers(2, 5)),
        0.35 + 0.6 * chance[0],
        0.25 + 0.75 * chance[1],
        0.25 + 0.6 * chance[2],
        chance[3],
        METALS[rng.integers(len(METALS))],
        0.35 + 0.45 * chance[4],
    )


class Side(NamedTuple):
    """One side of a street; places across it, from its middle outwards, are of that sign.

    Attributes:
        sign: 1 is right, -1 left.
        parking: where a lane to park on begins; the kerb where there is none.
        kerb: where the road ends.
        walk: where the sidewalk begins; between is a verge.
        garden: where it ends; before the houses is a garden.
        house: where their walls are.
    """

    sign: int
    parking: float
    kerb: float
    walk: float
    garden: float
    house: float


class Street(NamedTuple):
    """What is where.

    Attributes:
        sides: left and right.
        lanes: of each direction.
        crossing: from where to where a street crosses it, metres ahead; None if none does.
        road: colour, (3,).
        pavement: of its sidewalks, (3,).
        earth: of verges and gardens, (3,).
        end: how far ahead it ends before houses or trees.
    """

    sides: tuple[Side, Side]
    lanes: int
    crossing: tuple[float, float] | None
    road: np.ndarray
    pavement: np.ndarray
    earth: np.ndarray
    end: float


def street(rng: Generator, city: City) -> Street:
    """Any street of a city."""
    lanes = 1 if rng.random() < 0.7 else 2
    sides = tuple(_side(rng, sign, lanes, city) for sign in (-1, 1))
    start = rng.uniform(9, 45)
    crossing = (start, start + rng.uniform(7, 11)) if rng.random() < 0.4 else None
    worn = rng.uniform(0.85, 1.12, (3, 1))
    road, pavement, earth = (
        each[rng.integers(len(each))] * wear for each, wear in zip((ROADS, WALKS, EARTHS), worn, strict=True)
    )
    return Street((sides[0], sides[1]), lanes, crossing, road, pavement, earth, rng.uniform(60, 130))


def _side(rng: Generator, sign: int, lanes: int, city: City) -> Side:
    chance, width = rng.random(3), rng.random(3)
    parking = lanes * LANE
    kerb = parking + (PARKING if chance[0] < 0.6 else 0)
    walk = kerb + (0.8 + 2.2 * width[0] if chance[1] < 0.4 else 0)
    garden = walk + 1.6 + 2.6 * width[1]
    house = garden + (1.5 + 5 * width[2] if chance[2] < city.gardens else 0)
    return Side(sign, *(sign * each for each in (parking, kerb, walk, garden, house)))


def lens(rng: Generator, plan: Street, aspect: float) -> Lens:
    """A camera in a car on one of the right lanes; seldom elsewhere.

    Args:
        rng: of the picture.
        plan: the street.
        aspect: width of the picture by its height.
    """
    chance = rng.random(7)
    lane = rng.integers(plan.lanes)
    x = (lane + 0.5) * LANE + rng.uniform(-0.5, 0.5)
    if chance[0] < 0.12:
        x = rng.uniform(plan.sides[0].kerb, plan.sides[1].garden)
    return Lens(
        x=x,
        height=1.2 + 0.9 * chance[1],
        focal=0.85 + 0.65 * chance[2],
        ahead=aspect / 2 + min(aspect, 2.5) * 0.3 * (chance[3] - 0.5),
        horizon=0.36 + 0.2 * chance[4],
        roll=0.05 * (chance[5] - 0.5),
        bend=0.0016 * (chance[6] - 0.5) if rng.random() < 0.7 else 0.0,
        climb=rng.uniform(-0.0003, 0.0004),
    )


def houses_along(rng: Generator, plan: Street, city: City) -> list[tuple[float, float]]:
    """Where the houses of a side begin and end, metres ahead, the nearest first."""
    rows, start = [], rng.uniform(-14, 2)
    while start < plan.end:
        end = start + rng.uniform(7, 19)
        if plan.crossing and end > plan.crossing[0] - 3 and start < plan.crossing[1] + 3:
            end = min(end, plan.crossing[0] - 3)
            if end - start > 4:
                rows.append((start, end))
            start = plan.crossing[1] + rng.uniform(3, 5)
            continue
        rows.append((start, end))
        start = end + (0 if rng.random() < city.closed else rng.uniform(3, 12))
    return rows

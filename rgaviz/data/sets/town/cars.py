"""The cars of the data set ``streets``: profiles of several kinds, as wide as a car, at any place and turned anyhow."""

from __future__ import annotations

from functools import lru_cache
from math import cos, sin
from typing import NamedTuple

import numpy as np

from rgaviz.data.sets.generated import Generator
from rgaviz.data.sets.town.ids import CAR
from rgaviz.data.sets.town.view import NEAR, View

PAINTS = np.array([
    (36, 36, 40), (198, 200, 202), (128, 130, 134), (90, 94, 100), (222, 222, 216), (134, 38, 40), (46, 66, 116),
    (58, 86, 66), (160, 142, 106), (106, 114, 126), (186, 150, 62), (74, 76, 80),
])  # fmt: skip
GLASS, TYRE, RIM, UNDER = (62, 72, 82), (26, 26, 28), (116, 118, 122), (20, 20, 22)
WHEEL = np.stack([np.cos(np.linspace(0, 2 * np.pi, 13)[:-1]), np.sin(np.linspace(0, 2 * np.pi, 13)[:-1])], 1)


class Kind(NamedTuple):
    """A car's form.

    Attributes:
        size: length, width and height, metres.
        profile: (k, 2) from below the rear over the roof to below the front, shares of length and height.
        glass: which of the edges between its points are windows.
        windows: of a side, each (m, 2).
    """

    size: tuple[float, float, float]
    profile: list[tuple[float, float]]
    glass: tuple[int, ...]
    windows: list[list[tuple[float, float]]]


KINDS = (
    Kind((4.0, 1.75, 1.5),
         [(0, .14), (0, .56), (.04, .66), (.15, .97), (.22, 1), (.56, .99), (.75, .65), (.97, .52), (1, .4), (1, .14)],
         (2, 5), [[(.14, .66), (.21, .92), (.4, .93), (.4, .66)], [(.43, .66), (.43, .93), (.55, .92), (.7, .66)]]),
    Kind((4.7, 1.8, 1.42),
         [(0, .14), (0, .6), (.03, .68), (.17, .71), (.32, .97), (.38, 1), (.58, .99), (.75, .67), (.97, .54), (1, .4),
          (1, .14)],
         (3, 6), [[(.24, .7), (.35, .93), (.46, .94), (.46, .7)], [(.49, .7), (.49, .94), (.57, .93), (.7, .69)]]),
    Kind((4.6, 1.8, 1.5),
         [(0, .14), (0, .58), (.03, .68), (.1, .96), (.16, 1), (.6, .99), (.76, .66), (.97, .53), (1, .4), (1, .14)],
         (2, 5), [[(.09, .67), (.14, .92), (.32, .93), (.32, .67)], [(.35, .67), (.35, .93), (.59, .92), (.72, .67)]]),
    Kind((4.5, 1.9, 1.75),
         [(0, .2), (0, .58), (.02, .64), (.08, .95), (.14, 1), (.58, .99), (.73, .68), (.95, .6), (1, .5), (1, .2)],
         (2, 5), [[(.1, .66), (.14, .92), (.34, .93), (.34, .66)], [(.37, .66), (.37, .93), (.57, .92), (.68, .66)]]),
    Kind((5.4, 2.0, 2.35),
         [(0, .12), (0, .52), (.01, .9), (.03, 1), (.76, 1), (.9, .62), (.98, .5), (1, .36), (1, .12)],
         (1, 4), [[(.7, .6), (.7, .9), (.77, .9), (.86, .6)]]),
)  # fmt: skip
KIND_SHARES = (0.3, 0.54, 0.72, 0.88)


class Car(NamedTuple):
    """A car and where it stands.

    Attributes:
        kind: of ``KINDS``.
        paint: (3,).
        x: of its middle.
        z: likewise.
        turn: radians; 0 shows us its rear, pi its front.
    """

    kind: Kind
    paint: np.ndarray
    x: float
    z: float
    turn: float


def any_car(rng: Generator, x: float, z: float, turn: float) -> Car:
    """A car of any kind and colour."""
    kind = KINDS[int(np.searchsorted(KIND_SHARES, rng.random()))]
    return Car(kind, PAINTS[rng.integers(len(PAINTS))] * rng.uniform(0.85, 1.1), x, z, turn)


def footprint(car: Car, more: float = 0.0) -> np.ndarray:
    """What it covers of the ground, (4, 3), so many metres wider."""
    length, width, _ = car.kind.size
    half, side = length / 2 + more, width / 2 + more
    corners = np.array([(-side, 0, -half), (side, 0, -half), (side, 0, half), (-side, 0, half)])
    return corners @ _turned(car.turn) + (car.x, 0, car.z)


def _turned(turn: float) -> np.ndarray:
    """What takes rows of a car's own x, y and z to the street's."""
    cosine, sine = cos(turn), sin(turn)
    return np.array([(cosine, 0, -sine), (0, 1, 0), (sine, 0, cosine)])


class _Form(NamedTuple):
    """The polygons of a kind of car, seen from its middle; those that face away are left out.

    Attributes:
        outlines: (n, 12, 3), the last corner repeated.
        middles: (n, 3), a point of each polygon's plane.
        normals: (n, 3), to where it faces.
        paint: (n, 1), how much of the car's paint its colour has.
        colours: (n, 3), what is added.
        strips: which of the polygons go round the car from its rear to its front.
    """

    outlines: np.ndarray
    middles: np.ndarray
    normals: np.ndarray
    paint: np.ndarray
    colours: np.ndarray
    strips: slice


@lru_cache(maxsize=len(KINDS))
def _form(number: int) -> _Form:
    kind = KINDS[number]
    length, width, height = kind.size
    half, radius = width / 2, 0.33 if height < 1.7 else 0.37
    rows: list[tuple[np.ndarray, float, tuple[float, float, float] | np.ndarray]] = []

    def flat(points: np.ndarray | list[tuple[float, float]], side: int) -> np.ndarray:
        """Points (k, 2) of the profile on a side, (k, 3), against the clock; the roof is narrower than the doors."""
        shares = np.asarray(points, float)
        x = side * half * (1 - 0.14 * np.clip((shares[:, 1] - 0.62) / 0.38, 0, 1))
        placed = np.stack([x, shares[:, 1] * height, (shares[:, 0] - 0.5) * length], 1)
        return placed[::-1] if side > 0 else placed

    def end(
        which: int, boxes: list[tuple[float, float, float, float]], colour: tuple[float, float, float]
    ) -> None:
        """Rectangles behind (-1) or before (1) the car."""
        z = which * length / 2
        for left, bottom, right, top in boxes:
            corners = np.array([(left, bottom, z), (right, bottom, z), (right, top, z), (left, top, z)])
            rows.append((corners if which < 0 else corners[::-1], 0, colour))

    low, wide = 0.5 * height, 0.96 * half
    tread = [(-half, 0.0, 0.22 - half, 0.3), (half - 0.22, 0.0, half, 0.3)]
    for which in (-1, 1):
        end(which, [(-0.9 * half, 0.14, 0.9 * half, 0.35)], UNDER)
        end(which, tread, TYRE)
    left, right = flat(kind.profile, -1), flat(kind.profile, 1)[::-1]
    first = len(rows)
    for index in range(len(left) - 1):
        corners = np.stack([left[index], right[index], right[index + 1], left[index + 1]])
        step = left[index + 1] - left[index]
        level = abs(step[2]) / np.hypot(step[1], step[2])
        rows.append((corners, 0, GLASS) if index in kind.glass else (corners, 0.8 + 0.3 * level, (0, 0, 0)))
    last = len(rows)
    for side in (-1, 1):
        rows.append((flat(kind.profile, side), 0.95, (0, 0, 0)))
        rows += [(flat(window, side), 0, GLASS) for window in kind.windows]
        for share in (0.2, 0.81):
            for size, colour in ((radius, TYRE), (0.6 * radius, RIM)):
                around = WHEEL * size + ((share - 0.5) * length, radius)
                rows.append(
                    (
                        np.stack([np.full(12, side * (half + 0.01)), around[:, 1], side * around[:, 0]], 1),
                        0,
                        colour,
                    )
                )
    lights = [(-wide, low, -0.6 * half, 0.6 * height), (0.6 * half, low, wide, 0.6 * height)]
    for which, colour, plate in ((-1, (168, 30, 30), (206, 206, 196)), (1, (226, 224, 206), (44, 44, 46))):
        end(which, lights, colour)
        end(which, [(-0.3, 0.3 * height, 0.3, 0.38 * height)], plate)
    return _form_of(rows, slice(first, last))


def _form_of(rows: list, strips: slice) -> _Form:
    outlines = np.stack([outline[np.minimum(np.arange(12), len(outline) - 1)] for outline, _, _ in rows])
    sides = [(outline[1] - outline[0], outline[2] - outline[0]) for outline, _, _ in rows]
    normals = np.array([np.cross(up, along) for along, up in sides])
    paint = np.array([share for _, share, _ in rows])[:, None]
    return _Form(
        outlines, outlines[:, 0], normals, paint, np.array([colour for _, _, colour in rows], float), strips
    )


def draw_car(view: View, car: Car) -> None:
    """Draw a car that is not nearer than the camera sees."""
    lens, air, form = view.lens, view.air, _form(KINDS.index(car.kind))
    reach = (abs(cos(car.turn)) * car.kind.size[0] + abs(sin(car.turn)) * car.kind.size[1]) / 2
    if car.z - reach < NEAR + 0.3:
        return
    turned, square = _turned(car.turn), car.z**2
    from_car = (lens.x - lens.bend * square - car.x, lens.height - lens.climb * square, -car.z)
    eye = turned @ from_car  # where the camera is, in the car's own x, y and z
    facing = ((eye - form.middles) * form.normals).sum(1) > 0
    order = np.arange(len(facing))
    if cos(car.turn) > 0:  # the rear is nearer
        order[form.strips] = order[form.strips][::-1]
    order = order[facing[order]]
    normals = form.normals[order] @ turned  # (n, 3), in the street
    across = normals[:, 0] / np.linalg.norm(normals, axis=1)
    light = np.select([across > 0.7, across < -0.7], [air.lit(1), air.lit(-1)], air.lit(0))[:, None]
    outlines = form.outlines[order] @ turned + (car.x, 0, car.z)
    view.faces(outlines, (form.paint[order] * car.paint + form.colours[order]) * light, CAR)

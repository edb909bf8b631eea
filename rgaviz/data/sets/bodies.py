"""What a person of the data set ``people`` is drawn of: rods and columns in space, seen as coloured polygons.

A body is one unit high: x to the person's left, y down from the crown, z forward. Seen from a side, it is turned
about the vertical and its depth is dropped, so a stride is wide from the side and narrow from the front.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from rgaviz.data.sets.identities import Colour

HEAD, TORSO, LEGS = PARTS = 1, 2, 3  # the parts of a body, as they are in a mask
CORNERS = 12  # of every polygon
BEHIND, BELOW, MIDDLE, ABOVE, FRONT = range(5)  # what covers what, before depth decides

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Figure:
    """The polygons of a person, in the order in which they are drawn over each other.

    Attributes:
        outlines: (n, 12, 2) float64, x right of the middle and y below the crown, in heights of the body.
        colours: (n, 3) uint8 RGB.
        seconds: (n, 3) uint8 RGB, where the pattern of the clothes is.
        parts: (n,) uint8, of ``PARTS``.
    """

    outlines: np.ndarray
    colours: np.ndarray
    seconds: np.ndarray
    parts: np.ndarray


@dataclass(frozen=True)
class Stuff:
    """What a piece of a body is made of.

    Attributes:
        colour: RGB.
        part: of ``PARTS``.
        second: its colour where the pattern of the clothes is, if it has that.
    """

    colour: Colour
    part: int
    second: Colour | None = None


class Body:
    """Pieces of a body that has turned by ``turn`` radians: 0 faces us, pi/2 looks to our right, pi shows its back."""

    def __init__(self, turn: float) -> None:
        self.cosine, self.sine = cos(turn), sin(turn)
        self._rods: list[tuple[float, ...]] = []
        self._columns: list[np.ndarray] = []
        self._rows: list[
            tuple[float, float, bool, Stuff, float]
        ] = []  # layer, nearness, is a rod, stuff, shade

    def seen(self, point: Point) -> Point:
        """Where a point of the body is seen: x, y, and how near it is."""
        x, y, z = point
        return x * self.cosine + z * self.sine, y, z * self.cosine - x * self.sine

    def near(self, point: Point) -> float:
        """How near a point of the body is; 0 is its axis."""
        return self.seen(point)[2]

    def rod(
        self,
        one: Point,
        other: Point,
        radii: tuple[float, float],
        stuff: Stuff,
        layer: float,
        shade: float = 1.0,
    ) -> None:
        """Add a limb, the hull of two balls; a shade below 1 is darker."""
        (x, y, near), (u, v, far) = self.seen(one), self.seen(other)
        self._rods.append((x, y, radii[0], u, v, radii[1]))
        self._rows.append((layer, (near + far) / 2, True, stuff, shade))

    def column(self, levels: np.ndarray, stuff: Stuff, layer: float, at: Point = (0, 0, 0)) -> None:
        """Add six ellipses one below the other.

        Args:
            levels: (6, 3), rows of y, half the width and half the depth.
            stuff: what it is of.
            layer: what it covers.
            at: where its axis is, and y is counted from.
        """
        x, top, near = self.seen(at)
        half = np.hypot(levels[:, 1] * self.cosine, levels[:, 2] * self.sine)
        outline = np.empty((CORNERS, 2))
        outline[:6, 0], outline[6:, 0] = x + half, (x - half)[::-1]
        outline[:6, 1] = top + levels[:, 0]
        outline[6:, 1] = outline[5::-1, 1]
        self._columns.append(outline)
        self._rows.append((layer, near, False, stuff, 1.0))

    def figure(self) -> Figure:
        """All that was added."""
        rods = np.array([row[2] for row in self._rows])
        outlines = np.empty((len(rods), CORNERS, 2))
        outlines[rods] = _hulls(np.array(self._rods).reshape(-1, 6))
        outlines[~rods] = np.array(self._columns).reshape(-1, CORNERS, 2)
        order = sorted(range(len(rods)), key=lambda index: self._rows[index][:2])
        stuffs = [self._rows[index][3] for index in order]
        shades = np.array([self._rows[index][4] for index in order])[:, None]  # (n, 1)
        colours = np.array([stuff.colour for stuff in stuffs]) * shades
        seconds = np.array([stuff.second or stuff.colour for stuff in stuffs]) * shades
        parts = np.array([stuff.part for stuff in stuffs], np.uint8)
        return Figure(outlines[order], colours.astype(np.uint8), seconds.astype(np.uint8), parts)


AROUND = np.linspace(0.5 * pi, 1.5 * pi, CORNERS // 2)


def _hulls(rods: np.ndarray) -> np.ndarray:
    """The outlines (n, 12, 2) of the hulls of two discs each, rows (x, y, radius, x, y, radius)."""
    x, y, r, u, v, q = rods.T[..., None]  # (n, 1) each
    angle = np.arctan2(v - y, u - x) + AROUND  # (n, 6)
    across, down = np.cos(angle), np.sin(angle)
    outlines = np.empty((len(rods), CORNERS, 2))
    outlines[:, :6, 0], outlines[:, 6:, 0] = x + r * across, u - q * across
    outlines[:, :6, 1], outlines[:, 6:, 1] = y + r * down, v - q * down
    return outlines

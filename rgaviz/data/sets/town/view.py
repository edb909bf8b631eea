"""What a camera on a street sees: things in space, drawn over each other with their colours and their labels.

Places are in metres: x to our right, y up from the street, z ahead of us.
"""

from __future__ import annotations

from itertools import compress
from typing import NamedTuple

import cv2
import numpy as np

from rgaviz.data.sets.generated import Generator
from rgaviz.data.sets.town.ids import SKY
from rgaviz.data.sets.town.weather import Weather, sky

FINER = 2  # how much finer than the picture a scene is drawn
SUBPIXEL_BITS = 4  # cv2 takes polygon corners in fixed point
NEAR = 0.8  # metres; nothing nearer is drawn
BEYOND = 30.0  # heights of the picture; what lies farther outside is drawn there


class Lens(NamedTuple):
    """Where the camera is and looks.

    Attributes:
        x: right of the middle of the street, metres.
        height: above it, metres.
        focal: length, in heights of the picture.
        ahead: where what is infinitely far is seen: right of the picture's left, in its heights.
        horizon: and below its top.
        roll: radians.
        bend: of the street to the right, metres at one metre ahead; grows with the square.
        climb: of the street, likewise.
    """

    x: float
    height: float
    focal: float
    ahead: float
    horizon: float
    roll: float
    bend: float
    climb: float


APART, TOGETHER, SEEN_THROUGH = range(3)


class _Piece(NamedTuple):
    """Polygons that wait to be drawn.

    Attributes:
        outlines: (n, k, 3).
        colours: (n, 3), or of all (3,).
        label: an id.
        way: how they are drawn: one over the other, all at once, or their label alone.
    """

    outlines: np.ndarray
    colours: np.ndarray
    label: int
    way: int


class View:
    """A canvas that is finer than its picture, each pixel with its colour and its label.

    What is added waits for :meth:`draw`, since many polygons are seen at once in the time of one.

    Attributes:
        size: (h, w) of the picture.
        lens: of the camera.
        air: between it and what it sees.
        canvas: (2h, 2w, 4) uint8, RGB and id.
    """

    def __init__(self, size: tuple[int, int], lens: Lens, air: Weather, rng: Generator) -> None:
        self.size, self.lens, self.air = size, lens, air
        height, width = (FINER * side for side in size)
        self.canvas = np.empty((height, width, 4), np.uint8)
        self.canvas[..., :3] = sky((height, width), lens.horizon, air, rng)
        self.canvas[..., 3] = SKY
        self._pieces: list[_Piece] = []
        self._shadows: list[np.ndarray] = []

    def outside(self, x: float, z: float, side: int) -> bool:
        """Whether a place on the ground lies outside the picture on that side, 1 right or -1 left."""
        lens, (height, width) = self.lens, self.size
        across = lens.ahead + (x - lens.x + lens.bend * z * z) * lens.focal / z
        return across > width / height + 0.1 if side > 0 else across < -0.1

    def faces(self, outlines: np.ndarray, colours: np.ndarray, label: int) -> None:
        """Add polygons (n, k, 3), each of its own colour (n, 3) and over the one before it."""
        self._pieces.append(_Piece(outlines, colours, label, APART))

    def alike(self, outlines: np.ndarray, colour: np.ndarray, label: int) -> None:
        """Add polygons (n, k, 3) of one colour (3,), none of which covers another."""
        if len(outlines):
            self._pieces.append(_Piece(outlines, colour, label, TOGETHER))

    def upright(
        self, at: tuple[float, float, float], outlines: np.ndarray, colours: np.ndarray, label: int
    ) -> None:
        """Add polygons (n, k, 2) that face us, in metres right of a point and above it, as :meth:`faces` does."""
        placed = np.empty((*outlines.shape[:2], 3))
        placed[..., :2] = outlines
        placed[..., 2] = at[2]
        placed[..., :2] += at[:2]
        self._pieces.append(_Piece(placed, colours, label, APART))

    def seen_through(self, outlines: np.ndarray, label: int) -> None:
        """Add polygons (n, k, 3) that give their label to what is behind them and leave its colours."""
        self._pieces.append(_Piece(outlines, np.zeros(3), label, SEEN_THROUGH))

    def shade(self, outlines: np.ndarray) -> None:
        """Add polygons (n, k, 3) on the ground from which light is kept."""
        self._shadows.append(outlines)

    def draw(self) -> None:
        """Draw what was added since the last time, in that order."""
        pieces, self._pieces = self._pieces, []
        places = self._fixed(self._seen(np.concatenate([piece.outlines.reshape(-1, 3) for piece in pieces])))
        colours, shown = self._aired(pieces), self._inside(places, pieces)
        corner = row = polygon = 0
        for outlines, _, label, way in pieces:
            count, corners = outlines.shape[:2]
            there = [*places[corner : corner + count * corners].reshape(count, corners, 2)]
            if way == APART:
                painted, inside = colours[row : row + count], shown[polygon : polygon + count]
                for place, colour in compress(zip(there, painted, strict=True), inside):
                    cv2.fillPoly(self.canvas, [place], (*colour, label), shift=SUBPIXEL_BITS)
            elif way == TOGETHER:
                cv2.fillPoly(self.canvas, there, (*colours[row], label), shift=SUBPIXEL_BITS)
            else:
                self._label(there, label)
            corner, polygon = corner + count * corners, polygon + count
            row += count if way == APART else 1

    def _inside(self, places: np.ndarray, pieces: list[_Piece]) -> list[bool]:
        """Which polygons may reach into the picture."""
        corners = np.repeat(
            [piece.outlines.shape[1] for piece in pieces], [len(piece.outlines) for piece in pieces]
        )
        starts = np.cumsum(corners) - corners
        limits = np.array(self.canvas.shape[1::-1]) << SUBPIXEL_BITS
        low, high = np.minimum.reduceat(places, starts), np.maximum.reduceat(places, starts)
        return np.asarray(((high >= 0) & (low < limits)).all(1)).tolist()

    def fall(self, light: float) -> None:
        """Let the shadows fall on what was drawn so far, and leave it so much of its light."""
        dark = np.full(self.canvas.shape[:2], 255, np.uint8)
        for outlines in self._shadows:
            places = self._fixed(self._seen(outlines.reshape(-1, 3))).reshape(*outlines.shape[:2], 2)
            for place in places:
                cv2.fillPoly(dark, [place], round(255 * light), shift=SUBPIXEL_BITS)
        self._shadows = []
        dark = cv2.blur(dark, (FINER + 1, FINER + 1))
        cv2.multiply(
            self.canvas, cv2.merge([dark, dark, dark, np.full_like(dark, 255)]), self.canvas, 1 / 255
        )

    def painted(self, outlines: np.ndarray, colours: np.ndarray, label: int) -> None:
        """Draw polygons (n, k, 2) on the picture itself, in its heights."""
        for outline, colour in zip(self._fixed(outlines), np.clip(colours, 0, 255).tolist(), strict=True):
            cv2.fillPoly(self.canvas, [outline], (*colour, label), shift=SUBPIXEL_BITS)

    def _seen(self, points: np.ndarray) -> np.ndarray:
        """Where points (n, 3) are seen, (n, 2) in heights of the picture."""
        lens = self.lens
        x, y, z = points[:, 0], points[:, 1], np.maximum(points[:, 2], NEAR)
        scale, square = lens.focal / z, z * z
        across = (x - lens.x + lens.bend * square) * scale
        down = (lens.height - y - lens.climb * square) * scale
        return np.stack([lens.ahead + across - lens.roll * down, lens.horizon + down + lens.roll * across], 1)

    def _fixed(self, places: np.ndarray) -> np.ndarray:
        pixels = np.clip(places, -BEYOND, BEYOND) * self.canvas.shape[0] - 0.5
        return np.rint(pixels * 2**SUBPIXEL_BITS).astype(np.int32)

    def _aired(self, pieces: list[_Piece]) -> list[list[float]]:
        """The colours of all pieces, a row for each colour, as they are seen from afar."""
        rows = [(piece, len(piece.outlines) if piece.way == APART else 1) for piece in pieces]
        colours = np.concatenate([piece.colours.reshape(count, 3) for piece, count in rows])
        far = np.concatenate(
            [piece.outlines[:count, 0, 2] + piece.outlines[:count, 2, 2] for piece, count in rows]
        )
        return np.clip(self.air.through_air(colours, far / 2), 0, 255).tolist()

    def _label(self, places: list[np.ndarray], label: int) -> None:
        left, top, width, height = cv2.boundingRect(np.concatenate(places) >> SUBPIXEL_BITS)
        rows = slice(max(top, 0), max(top + height + 2, 0))
        columns = slice(max(left, 0), max(left + width + 2, 0))
        kept = self.canvas[rows, columns, :3].copy()
        cv2.fillPoly(self.canvas, places, (0, 0, 0, label), shift=SUBPIXEL_BITS)
        self.canvas[rows, columns, :3] = kept


def box(left: float, bottom: float, right: float, top: float) -> np.ndarray:
    """A rectangle (4, 2), y up."""
    return np.array([(left, bottom), (right, bottom), (right, top), (left, top)])


def wall(one: tuple[float, float, float], along: tuple[float, float, float], spans: np.ndarray) -> np.ndarray:
    """Rectangles (n, 4, 3) on an upright wall.

    Args:
        one: a corner of the wall; on the ground.
        along: from there to the other one; level.
        spans: rows of left, bottom, right and top; across in lengths of the wall, up in metres.
    """
    spans = np.asarray(spans, float)
    corners = np.empty((len(spans), 4, 3))
    share = spans[:, [0, 2, 2, 0]]  # (n, 4)
    corners[..., 0] = one[0] + share * along[0]
    corners[..., 1] = spans[:, [1, 1, 3, 3]]
    corners[..., 2] = one[2] + share * along[2]
    return corners

"""One picture of the data set ``people``: a person before a camera, with who and what else is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import NamedTuple

import cv2
import numpy as np

from rgaviz.data.pictures import resize_picture
from rgaviz.data.sets.backdrops import FINER, backdrop
from rgaviz.data.sets.bodies import PARTS
from rgaviz.data.sets.cameras import CAMERAS, SIZE, Camera, developed
from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.identities import GREY, RED, WHITE, Colour, Identity, anyone, identity
from rgaviz.data.sets.pedestrians import drawn_pose, figure, patterned

SUBPIXEL_BITS = 4  # cv2 takes polygon corners in fixed point
SECOND = 128  # the code of a polygon's second colour is so much higher
CIRCLE = np.stack([np.cos(np.linspace(0, 2 * pi, 13)[:-1]), np.sin(np.linspace(0, 2 * pi, 13)[:-1])], 1)
DISTRACTOR = 0  # the identity of those who match nobody


class Place(NamedTuple):
    """Where a body stands, in heights of the picture: its middle, its crown, and how tall it is."""

    x: float
    y: float
    tall: float


class _Canvas:
    """A scene as codes of polygons, so that each pixel knows its colour and its part of the person.

    Places are in heights of the picture, from its top left corner.
    """

    def __init__(self) -> None:
        self.height = SIZE[0] * FINER
        self.codes = np.zeros((self.height, SIZE[1] * FINER), np.uint8)
        self.colours = np.zeros((256, 1, 3), np.uint8)
        self.parts = np.zeros((256, 1, len(PARTS)), np.uint8)  # 255 in the plane of its part
        self.free = 1  # the next code

    def fill(self, outline: np.ndarray, colour: Colour) -> None:
        """A polygon (k, 2) that is no part of the person."""
        self.colours[self.free] = colour
        cv2.fillPoly(self.codes, [self._fixed(outline)], self.free, shift=SUBPIXEL_BITS)
        self.free += 1

    def person(
        self, who: Identity, place: Place, turn: float, above: float, rng: Generator, *, wanted: bool
    ) -> None:
        """Someone who walks; their parts count if the picture is of them."""
        drawn = figure(who, drawn_pose(rng, turn, who.stride))
        x, y = drawn.outlines[..., 0], drawn.outlines[..., 1]
        outlines = np.stack([x * (1 + above * (0.5 - y)), y * (1 + 0.5 * above * (1 - y))], 2)  # (n, 12, 2)
        first, last = self.free, self.free + len(outlines)
        for code, outline in enumerate(self._fixed(outlines * place.tall + place[:2]), first):
            cv2.fillPoly(self.codes, [outline], code, shift=SUBPIXEL_BITS)
        self.colours[first:last, 0], self.colours[first + SECOND : last + SECOND, 0] = (
            drawn.colours,
            drawn.seconds,
        )
        if wanted:
            planes = (drawn.parts[:, None] == PARTS) * np.uint8(255)
            self.parts[first:last, 0] = self.parts[first + SECOND : last + SECOND, 0] = planes
        self._pattern(who, place, first)
        self.free = last

    def _pattern(self, who: Identity, place: Place, first: int) -> None:
        rows, columns = ((np.arange(side) + 0.5) / self.height for side in self.codes.shape)
        where = patterned(who, (columns[None] - place.x) / place.tall, (rows[:, None] - place.y) / place.tall)
        if where is not None:
            self.codes[where & (self.codes >= first) & (self.codes < SECOND)] += SECOND

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return np.rint((points * self.height - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)

    def scene(self, behind: np.ndarray) -> np.ndarray:
        """The picture (128, 64, 3) uint8 before what is behind all, (256, 128, 3)."""
        seen = cv2.LUT(cv2.merge([self.codes] * 3), self.colours)
        cv2.copyTo(behind, (self.codes == 0).view(np.uint8), seen)
        return resize_picture(seen, SIZE)

    def mask(self) -> np.ndarray:
        """The parts of the person, (128, 64) uint8: 0 where less than half of a pixel is of them, else the largest."""
        return resized_parts(cv2.LUT(cv2.merge([self.codes] * 3), self.parts), SIZE)


def resized_parts(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask (H, W) uint8 of another size from planes (h, w, 3) of the three parts, 255 where they are."""
    head, torso, legs = cv2.split(resize_picture(planes, size))  # (H, W) each
    largest = np.where(torso >= legs, 2, 3)
    largest = np.where((head >= torso) & (head >= legs), 1, largest)
    seen = head.astype(np.uint16) + torso + legs >= 128
    return (largest * seen).astype(np.uint8)


@dataclass(frozen=True)
class Shot:
    """A picture before it is developed.

    Attributes:
        number: of the person; ``DISTRACTOR`` for a bad crop of someone else, or of nobody.
        camera: a key of ``CAMERAS``.
        name: tells the pictures of a person at a camera apart.
        seed: of the whole data set.
    """

    number: int
    camera: int
    name: str
    seed: int = 0

    def file(self) -> bytes:
        """The picture of (128, 64) pixels as a JPEG file."""
        canvas, behind = self._drawn()
        picture, quality = developed(canvas.scene(behind), CAMERAS[self.camera], self._stream("light"))
        return _jpeg(picture, quality)

    def parts(self) -> np.ndarray:
        """Where the person is seen, (128, 64) uint8: 0 where not, else of ``PARTS``."""
        return self._drawn()[0].mask()

    def _stream(self, purpose: str) -> Generator:
        return stream("people", self.seed, purpose, self.name)

    def _drawn(self) -> tuple[_Canvas, np.ndarray]:
        """All polygons, and what is behind them."""
        canvas, camera, rng = _Canvas(), CAMERAS[self.camera], self._stream("scene")
        behind = backdrop(self.camera, self.seed, rng)
        if self.number == DISTRACTOR:
            _distract(canvas, camera, rng)
        else:
            _pass(canvas, identity(self.number, self.seed), _placed(rng), camera, rng)
        if rng.random() < camera.covered:
            COVERS[camera.cover](canvas, rng)
        return canvas, behind


def _jpeg(picture: np.ndarray, quality: int) -> bytes:
    blue_first = np.ascontiguousarray(picture[..., ::-1])
    return cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _placed(rng: Generator) -> Place:
    """Where a detector's box has the person: nearly in the middle, now and then cut off a little."""
    tall = rng.uniform(0.82, 0.98)
    return Place(rng.uniform(0.215, 0.285), (0.985 - tall) * rng.uniform(0.3, 1.1), tall)


def _distract(canvas: _Canvas, camera: Camera, rng: Generator) -> None:
    """Half of someone, far out of place; or nobody."""
    if rng.random() < 0.7:
        tall = rng.uniform(0.6, 1.5)
        place = Place(0.25 + rng.choice((-1, 1)) * rng.uniform(0.05, 0.15), rng.uniform(-0.3, 0.3), tall)
        _pass(canvas, anyone(rng), place, camera, rng)


def _pass(canvas: _Canvas, who: Identity, place: Place, camera: Camera, rng: Generator) -> None:
    """The person, with others behind and, seldom, in front."""
    turn = camera.turn + camera.spread * rng.uniform(-1, 1) + (pi if rng.random() < 0.25 else 0)
    if rng.random() < 0.35:
        _bystander(canvas, place, camera, rng, (0.16, 0.3), rng.uniform(0.6, 0.95))
    foot = np.array([place.x, place.y + 0.985 * place.tall])
    red, green, blue = camera.ground
    canvas.fill(foot + CIRCLE * (0.13, 0.018), (red // 2, green // 2, blue // 2))  # their shadow
    canvas.person(who, place, turn, camera.above, rng, wanted=True)
    if rng.random() < 0.1:
        _bystander(canvas, place, camera, rng, (0.22, 0.3), rng.uniform(1.0, 1.15))


def _bystander(
    canvas: _Canvas, place: Place, camera: Camera, rng: Generator, beside: tuple[float, float], scale: float
) -> None:
    """Anyone, so far beside the person and so much taller or smaller."""
    x = place.x + (1 if rng.random() < 0.5 else -1) * rng.uniform(*beside)
    y = place.y + place.tall * (1 - scale) * 0.6
    spot = Place(x, y, place.tall * scale)
    canvas.person(anyone(rng), spot, rng.uniform(-pi, pi), camera.above, rng, wanted=False)


# Covers: what people pass behind.


def _box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _pole(canvas: _Canvas, rng: Generator) -> None:
    left = rng.uniform(0.08, 0.42)
    canvas.fill(_box(left, -0.1, left + 0.05, 1.1), (84, 84, 88))


def _post(canvas: _Canvas, rng: Generator) -> None:
    left, top = rng.uniform(0.05, 0.4), rng.uniform(0.45, 0.7)
    canvas.fill(_box(left, top, left + 0.09, 1.1), RED)
    canvas.fill(_box(left, top + 0.08, left + 0.09, top + 0.14), WHITE)


def _rail(canvas: _Canvas, rng: Generator) -> None:
    top = rng.uniform(0.55, 0.75)
    for row in (top, top + 0.1):
        canvas.fill(_box(-0.1, row, 0.6, row + 0.025), GREY)
    for left in np.arange(rng.uniform(0, 0.1), 0.5, 0.12):
        canvas.fill(_box(left, top, left + 0.02, 1.1), GREY)


def _bush(canvas: _Canvas, rng: Generator) -> None:
    for _ in range(12):
        centre, shade = rng.uniform((-0.05, 0.78), (0.55, 1.0)), rng.uniform(0.5, 1.1)
        leaves = (round(62 * shade), round(110 * shade), round(58 * shade))
        canvas.fill(centre + CIRCLE * rng.uniform(0.04, 0.09), leaves)


COVERS: dict[str, Callable[[_Canvas, Generator], None]] = {
    "pole": _pole, "post": _post, "rail": _rail, "bush": _bush,
}  # fmt: skip

"""The embedded data set ``shapes``: generated pictures of ten textured shapes, with the object's mask.

Every picture holds one object of a class in :data:`SHAPE_CLASSES`, at any place, size and angle, on a
cluttered, textured background. The distractors (lines, blobs, pieces of outlines) are painted with the
colours and textures of the object, so only its form tells the class, and a linear model on the pixels fails.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from rgaviz.errors import RgavizError

if TYPE_CHECKING:
    from rgaviz.data.splits import Dataset

Outline = tuple[np.ndarray, ...]  # closed polygons (k, 2) in the unit circle, filled by the even-odd rule
Generator = np.random.Generator

SMALLEST = 16  # pixels of a side; below, the classes cannot be told apart
SUPERSAMPLING = 4
SUBPIXEL_BITS = 4  # cv2 takes polygon corners in fixed point


@dataclass(frozen=True)
class ShapesData:
    """Generated pictures and what is true of them.

    Attributes:
        images: (n, 3, H, W) uint8 RGB.
        labels: (n,) int64, indices into :data:`SHAPE_CLASSES`.
        masks: (n, H, W) bool, the visible pixels of the object.
    """

    images: np.ndarray
    labels: np.ndarray
    masks: np.ndarray


def generate(
    count: int, image_size: tuple[int, int] = (32, 32), seed: int = 0, split: str = "train"
) -> ShapesData:
    """The first ``count`` pictures of a split.

    Picture ``i`` depends on ``(seed, split, i)`` and the size only, and is of class ``i % 10``: a longer
    split begins with the shorter one, no two splits share a draw, and at any square size a picture shows the
    same scene.

    Args:
        count: number of pictures.
        image_size: (H, W) in pixels.
        seed: of the whole data set.
        split: any name, such as ``"train"`` or ``"test"``.

    Raises:
        RgavizError: the count is negative, or the pictures are too small to show a shape.
    """
    if count < 0:
        raise RgavizError(f"shapes cannot make {count} pictures: give a size of 0 or more.")
    if min(image_size) < SMALLEST:
        height, width = image_size
        raise RgavizError(f"shapes needs at least {SMALLEST}x{SMALLEST} pixels, not {height}x{width}.")
    images = np.empty((count, 3, *image_size), np.uint8)
    masks = np.empty((count, *image_size), bool)
    labels = np.arange(count, dtype=np.int64) % len(SHAPE_CLASSES)
    for index, label in enumerate(labels):
        picture, masks[index] = _render(_generator(seed, split, index), int(label), image_size)
        images[index] = picture.transpose(2, 0, 1)  # (H, W, 3) -> (3, H, W)
    return ShapesData(images, labels, masks)


def _generator(seed: int, split: str, index: int) -> Generator:
    """A stream of its own for each picture; hashing keeps the streams of any two apart."""
    digest = hashlib.sha256(f"{seed}/{split}/{index}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


# Forms, in the unit circle with y downwards.


def _polar(degrees: np.ndarray | list[float], radius: float = 1.0) -> np.ndarray:
    """Points (k, 2) on a circle, at angles clockwise from the top."""
    radians = np.deg2rad(degrees)
    return radius * np.stack([np.sin(radians), -np.cos(radians)], axis=1)


def _regular(corners: int, radius: float = 1.0) -> np.ndarray:
    return _polar(np.arange(corners) * 360 / corners, radius)


def _star() -> np.ndarray:
    return np.stack([_regular(5), -_regular(5, 0.42)[[3, 4, 0, 1, 2]]], axis=1).reshape(10, 2)


def _crescent() -> np.ndarray:
    """The unit circle less a smaller one that cuts it 45 degrees either side of the top."""
    tip, centre = _polar([45])[0], np.array([0, -0.45])
    across, up = tip - centre
    angle = np.rad2deg(np.arctan2(across, -up))
    bite = centre + _polar(np.linspace(360 - angle, angle, 32), float(np.hypot(across, up)))
    return np.concatenate([_polar(np.linspace(45, 315, 48)), bite])


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 5 * np.cos(2 * t) + 2 * np.cos(3 * t) + np.cos(4 * t) - 13 * np.cos(t)
    return np.stack([x, y - 0.1], axis=1) / 16.95


def _corners(*points: tuple[float, float]) -> np.ndarray:
    """A polygon mirrored at x = 0, from its right half given top to bottom."""
    right = np.array(points)
    return np.concatenate([right, (right * [-1, 1])[::-1]])


OUTLINES: dict[str, Outline] = {
    "circle": (0.85 * _regular(48),),
    "ring": (0.95 * _regular(48), 0.5 * _regular(48)),
    "square": (_regular(4),),
    "triangle": (_regular(3),),
    "star": (_star(),),
    "cross": (
        _corners((0.33, -0.94), (0.33, -0.33), (0.94, -0.33), (0.94, 0.33), (0.33, 0.33), (0.33, 0.94)),
    ),
    "crescent": (_crescent(),),
    "arrow": (_corners((0, -1), (0.8, -0.1), (0.28, -0.1), (0.28, 0.95)),),
    "heart": (_heart(),),
    "hourglass": (_corners((0.67, -0.74), (0.12, 0), (0.67, 0.74)),),
}
SHAPE_CLASSES = tuple(OUTLINES)

BLOB = _regular(24)
BLOB_WAVES = np.outer(np.arange(24) * 2 * np.pi / 24, [2, 3])  # (24, 2), the dents of a blob as it goes round

# Textures: a pattern (H, W) in [-1, 1] over coordinates u, v in units of the shorter side. ``sharpness`` is
# the gain that lets a wave of period 1 rise from -1 to 1 within one pixel: sharp edges that are not jagged.


def _edge(wave: np.ndarray, sharpness: float) -> np.ndarray:
    return np.clip(wave * sharpness, -1, 1)


def _stripes(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    period = rng.uniform(0.1, 0.22)
    return _edge(np.sin(u * (2 * np.pi / period)), sharpness * period)


def _checks(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    period = rng.uniform(0.16, 0.3)
    rows, columns = (_edge(np.sin(w * (2 * np.pi / period)), sharpness * period) for w in (u, v))
    return rows * columns


def _dots(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    period = rng.uniform(0.14, 0.22)
    wave = np.cos(u * (2 * np.pi / period)) + np.cos(v * (2 * np.pi / period))
    return _edge(wave - 0.6, sharpness * period)


def _noise(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    grid = rng.standard_normal((14, 14), dtype=np.float32)
    height, width = u.shape
    return np.clip(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), -1, 1)


def _gradient(rng: Generator, u: np.ndarray, v: np.ndarray, sharpness: float) -> np.ndarray:
    return np.sin(u * (np.pi / rng.uniform(0.5, 1.0)))


TEXTURES: tuple[Callable[[Generator, np.ndarray, np.ndarray, float], np.ndarray], ...] = (
    _stripes, _checks, _dots, _noise, _gradient,
)  # fmt: skip


@lru_cache(maxsize=4)
def _coordinates(height: int, width: int) -> np.ndarray:
    """The centres of the pixels in units of the shorter side: (2, H, W), x before y."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return (np.stack([x, y]) + 0.5) / np.float32(min(height, width))


def _tint(rng: Generator, strength: float) -> np.ndarray:
    """A colour offset (3,) of random hue that leaves the mean of R, G and B alone."""
    return strength * np.cos(rng.uniform(0, 2 * np.pi) + np.array([0, 2, 4]) * np.pi / 3)


def _paint(rng: Generator, brightness: float, image_size: tuple[int, int]) -> np.ndarray:
    """A whole picture (H, W, 3) in one random texture and two related random colours."""
    x, y = _coordinates(*image_size)
    angle, shift = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1)
    cosine, sine = np.cos(angle, dtype=np.float32), np.sin(angle, dtype=np.float32)
    texture = TEXTURES[rng.integers(len(TEXTURES))]
    pattern = texture(
        rng, x * cosine + y * sine + shift, y * cosine - x * sine + shift, min(image_size) / np.pi
    )
    base = brightness + _tint(rng, rng.uniform(0.06, 0.24))
    swing = rng.uniform(0.04, 0.11) + _tint(rng, rng.uniform(0, 0.06))
    return base.astype(np.float32) + pattern[..., None].astype(np.float32) * swing.astype(np.float32)


def _brightness(rng: Generator) -> tuple[float, float, float]:
    """Of two grounds and of the figure: apart enough to be seen, either one the lighter."""
    ground = rng.uniform(0.2, 0.55)
    other, figure = ground + rng.uniform(-0.12, 0.04), ground + rng.uniform(0.34, 0.46)
    return (ground, other, figure) if rng.random() < 0.5 else (1 - ground, 1 - other, 1 - figure)


# Drawing: coverage in [0, 1], (H, W), from polygons filled on a finer canvas.


class _Canvas:
    """A supersampled black canvas for white forms; coordinates in units of the picture's shorter side."""

    def __init__(self, image_size: tuple[int, int]) -> None:
        height, width = image_size
        self.size = (width, height)
        self.scale = min(image_size) * SUPERSAMPLING
        self.pixels = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return np.rint((points * self.scale - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)

    def fill(self, *polygons: np.ndarray) -> None:
        """Polygons (k, 2) by the even-odd rule."""
        cv2.fillPoly(self.pixels, [self._fixed(polygon) for polygon in polygons], 255, shift=SUBPIXEL_BITS)

    def stroke(self, points: np.ndarray, thickness: float) -> None:
        """An open line through points (k, 2)."""
        cv2.polylines(
            self.pixels,
            [self._fixed(points)],
            False,
            255,
            max(1, round(thickness * self.scale)),
            shift=SUBPIXEL_BITS,
        )

    def coverage(self) -> np.ndarray:
        small = cv2.resize(self.pixels, self.size, interpolation=cv2.INTER_AREA)
        return small * np.float32(1 / 255)


def _place(points: np.ndarray, angle: float, scale: float | np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Points (k, 2), scaled, turned by ``angle`` (radians) and moved."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return (points * scale) @ np.array([[cosine, sine], [-sine, cosine]]) + centre


def _draw_object(rng: Generator, canvas: _Canvas, label: int, extent: np.ndarray) -> None:
    radius = rng.uniform(0.22, 0.33)
    centre = radius + rng.random(2) * (extent - 2 * radius)  # all of it inside the picture
    angle = rng.uniform(0, 2 * np.pi)
    stretch = radius * np.array([1, rng.uniform(0.85, 1)])
    canvas.fill(*(_place(outline, angle, stretch, centre) for outline in OUTLINES[SHAPE_CLASSES[label]]))


def _draw_bands(rng: Generator, canvas: _Canvas, extent: np.ndarray) -> None:
    """Parts of the background: bands right across the picture."""
    band = np.array([[-3, -1], [3, -1], [3, 1], [-3, 1]])
    for _ in range(rng.integers(1, 3)):
        scale = np.array([1, rng.uniform(0.06, 0.2)])
        canvas.fill(_place(band, rng.uniform(0, np.pi), scale, rng.random(2) * extent))


def _draw_distractors(rng: Generator, canvas: _Canvas, extent: np.ndarray) -> None:
    """Lines, blobs, and pieces of the outlines of all classes; none of them is a member of one."""
    for _ in range(rng.integers(1, 4)):
        half = rng.uniform(0.06, 0.2)
        ends = np.array([[-half, 0], [half, 0]])
        canvas.stroke(
            _place(ends, rng.uniform(0, np.pi), 1, rng.random(2) * extent), rng.uniform(0.025, 0.05)
        )
    for _ in range(rng.integers(1, 4)):
        phases = rng.uniform(0, 2 * np.pi, 2)
        dents = np.sin(BLOB_WAVES + phases) @ np.array([0.35, 0.25])
        radii = rng.uniform(0.03, 0.08) * (1 + dents[:, None])
        canvas.fill(_place(BLOB, 0, radii, rng.random(2) * extent))
    for _ in range(rng.integers(1, 4)):
        outline = OUTLINES[SHAPE_CLASSES[rng.integers(len(SHAPE_CLASSES))]][0]
        length = max(3, len(outline) // 3)
        piece = np.roll(outline, rng.integers(len(outline)), axis=0)[:length]
        placed = _place(piece, rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.2), rng.random(2) * extent)
        canvas.stroke(placed, rng.uniform(0.03, 0.05))


def _mix(below: np.ndarray, above: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    return below + (above - below) * coverage[..., None]


def _render(
    rng: Generator, label: int, image_size: tuple[int, int], with_object: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """One picture (H, W, 3) uint8 and its mask (H, W) bool; without its object, all else stays as it is."""
    extent = np.array(image_size[::-1]) / min(image_size)
    ground, other_ground, figure = (_paint(rng, level, image_size) for level in _brightness(rng))
    bands, shape, behind, slit = (_Canvas(image_size) for _ in range(4))
    _draw_bands(rng, bands, extent)
    _draw_object(rng, shape, label, extent)
    _draw_distractors(rng, behind, extent)
    if rng.random() < 0.4:  # the background shows through a narrow slit
        ends = np.array([[-3, 0], [3, 0]])
        slit.stroke(_place(ends, rng.uniform(0, np.pi), 1, rng.random(2) * extent), rng.uniform(0.02, 0.04))

    # Distractors have the colours of the object: a narrow gap keeps the object's outline whole.
    gap = 2 * round(0.035 * behind.scale) + 1
    behind.pixels[cv2.dilate(shape.pixels, np.ones((gap, gap), np.uint8)) > 0] = 0
    uncovered = 1 - slit.coverage()
    visible = shape.coverage() * uncovered
    picture = _mix(ground, other_ground, bands.coverage())
    picture = _mix(picture, figure, behind.coverage() * uncovered)
    if with_object:
        picture = _mix(picture, figure, visible)
    picture += np.float32(0.015) * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8), visible >= 0.5


def load_shapes(
    *, image_size: tuple[int, int], train_size: int | None, test_size: int | None, **_: Any
) -> Dataset:
    """The generated data set: by default 5,000 images to train on and 1,000 to test on.

    Args:
        image_size: (H, W) in pixels.
        train_size: number of training images.
        test_size: number of test images.
    """
    import torch

    from rgaviz.data.splits import Dataset, MemorySplit

    def split(name: str, size: int) -> MemorySplit:
        data = generate(size, image_size, split=name)
        images = data.images.transpose(0, 2, 3, 1)  # (n, 3, H, W) -> (n, H, W, 3)
        return MemorySplit(torch.from_numpy(images.copy()), torch.from_numpy(data.labels))

    train = split("train", 5000 if train_size is None else train_size)
    test = split("test", 1000 if test_size is None else test_size)
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    return Dataset("shapes", SHAPE_CLASSES, train, test, mean, std, source="generated")

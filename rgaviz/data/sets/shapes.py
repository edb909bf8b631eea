"""The embedded data set ``shapes``: generated pictures of ten textured shapes, with the object's mask.

Every picture holds one object of a class in :data:`SHAPE_CLASSES`, at any place, size and angle, on a
cluttered, textured background. The distractors (lines, blobs, pieces of outlines) are painted with the
colours and textures of the object, so only its form tells the class, and a linear model on the pixels fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from rgaviz.data.sets.generated import Generator, check, check_memory, stream
from rgaviz.data.sets.outlines import BLOB, BLOB_WAVES, OUTLINES, SHAPE_CLASSES
from rgaviz.data.sets.textures import brightness, paint
from rgaviz.data.truth import Truth
from rgaviz.progress import Track, silent

if TYPE_CHECKING:
    from rgaviz.data.splits import Dataset

TEST_SIZE = 1000
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
    count: int,
    image_size: tuple[int, int] = (32, 32),
    seed: int = 0,
    split: str = "train",
    track: Track = silent,
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
        track: wraps the loop over the pictures, for a progress bar.

    Raises:
        RgavizError: the count is negative, or the pictures are too small to show a shape.
    """
    check("shapes", count, image_size)
    check_memory(count, image_size)
    images = np.empty((count, 3, *image_size), np.uint8)
    masks = np.empty((count, *image_size), bool)
    labels = np.arange(count, dtype=np.int64) % len(SHAPE_CLASSES)
    for index, label in enumerate(track(labels, total=count, description="drawing images")):
        picture, masks[index] = _render(stream(seed, split, index), int(label), image_size)
        images[index] = picture.transpose(2, 0, 1)  # (H, W, 3) -> (3, H, W)
    return ShapesData(images, labels, masks)


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
    ground, other_ground, figure = (paint(rng, level, image_size) for level in brightness(rng))
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
    *,
    image_size: tuple[int, int],
    train_size: int | None,
    test_size: int | None,
    track: Track = silent,
    **_: Any,
) -> Dataset:
    """Ten textured shapes with ground-truth masks; generated, needs nothing.

    By default 5,000 images to train on and 1,000 to test on.

    Args:
        image_size: (H, W) in pixels.
        train_size: number of training images.
        test_size: number of test images.
        track: wraps the long loop, for a progress bar.

    Raises:
        RgavizError: the pictures are too small to show a shape.
    """
    import torch

    from rgaviz.data.splits import Dataset, MemorySplit

    def split(name: str, size: int) -> MemorySplit:
        data = generate(size, image_size, split=name, track=track)
        images = data.images.transpose(0, 2, 3, 1)  # (n, 3, H, W) -> (n, H, W, 3)
        return MemorySplit(torch.from_numpy(images.copy()), torch.from_numpy(data.labels))

    sizes = {
        "train": 5000 if train_size is None else train_size,
        "test": TEST_SIZE if test_size is None else test_size,
    }
    for size in sizes.values():
        check("shapes", size, image_size)
    parts = {name: partial(split, name, size) for name, size in sizes.items()}
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    return Dataset("shapes", "classification", SHAPE_CLASSES, parts, mean, std, source="generated")


def shapes_truth(*, image_size: tuple[int, int], test_size: int | None = None) -> Truth:
    """The images to test on with the object's mask; each is drawn when asked for.

    Arguments and errors as of :func:`load_shapes`.
    """
    count = TEST_SIZE if test_size is None else test_size
    check("shapes", count, image_size)

    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        image, mask = _render(stream(0, "test", index), index % len(SHAPE_CLASSES), image_size)
        return image, mask.astype(np.uint8)

    shows = [SHAPE_CLASSES[index % len(SHAPE_CLASSES)] for index in range(count)]
    return Truth([f"{index:05d}" for index in range(count)], ("object",), "object", read, shows, "generated")

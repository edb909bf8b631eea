"""Pictures of which it is known by boxes where what is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rgaviz.data.find import PicturePath
from rgaviz.data.pictures import picture_size, read_picture
from rgaviz.data.truth import BACKGROUND, FOREGROUND, LONGEST, MOST, Marked, Truth
from rgaviz.errors import PictureError, RgavizError, clipped, first_of, quoted
from rgaviz.progress import Say, hush

OBJECT = "object"  # what boxes of more kinds than can be told apart are of
MOST_BOXES = 1000  # of a picture
VALUES = 256  # that a label may have

Size = tuple[int, int]  # (h, w)


class Box(NamedTuple):
    """A box in a picture.

    Attributes:
        kind: what is in it.
        ends: left, top, right and bottom in pixels of the picture, the last two exclusive.
    """

    kind: str
    ends: tuple[float, float, float, float]


class Said(NamedTuple):
    """What is said of a picture.

    Attributes:
        boxes: in it.
        size: of the picture, for which the boxes are meant; None where that is not said.
    """

    boxes: Sequence[Box]
    size: Size | None


@dataclass(frozen=True)
class _Boxed:
    """Pictures with their boxes, by their places.

    Attributes:
        pictures: n of them.
        said: of each, or why that cannot be read.
        parts: what boxes are of; all of one where there is only one.
        where: it is said.
    """

    pictures: Sequence[PicturePath]
    said: Sequence[Said | PictureError]
    parts: Sequence[str]
    where: Path

    def read(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """A picture and a label (H, W) uint8, in which small boxes lie above large ones."""
        size = self._size(place)
        step = max(1.0, max(size) / LONGEST)
        label = np.zeros([max(1, round(side / step)) for side in size], np.uint8)
        ends, which = self._scaled(place, (label.shape[0], label.shape[1]))
        area = (ends[:, 2:] - ends[:, :2]).prod(axis=1)
        for box in np.argsort(-area, kind="stable"):
            label[_pixels(ends[box], label.shape)] = which[box] + 1
        return read_picture(self.pictures[place].path), label

    def marks(self, place: int, size: Size) -> Marked:
        """What is where in a picture, for a label of that size."""
        return marked(*self._scaled(place, size), len(self.parts), size)

    def _said(self, place: int) -> Said:
        said = self.said[place]
        if isinstance(said, PictureError):
            raise said
        return said

    def _size(self, place: int) -> Size:
        path, wanted = self.pictures[place].path, self._said(place).size
        size = picture_size(path)
        if wanted is not None and wanted != size:
            raise PictureError(
                f"{str(path)!r} has {size[0]}x{size[1]} pixels, but its boxes in {self.where} are for "
                f"{wanted[0]}x{wanted[1]}: give those of this picture."
            )
        return size

    def _scaled(self, place: int, size: Size) -> tuple[np.ndarray, np.ndarray]:
        """The boxes (k, 4) in pixels of a label of that size, and which part each is of, (k,)."""
        (height, width), boxes = self._size(place), self._said(place).boxes
        name = repr(str(self.pictures[place].path))
        if len(boxes) > MOST_BOXES:
            raise PictureError(f"{name} has {len(boxes)} boxes in {self.where}: give {MOST_BOXES} at most.")
        ends = np.clip([box.ends for box in boxes], 0, [width, height] * 2)
        if not (ends[:, 2:] > ends[:, :2]).all():
            raise PictureError(
                f"{name} has a box in {self.where} that lies beside it: give those of this picture."
            )
        which = [self.parts.index(box.kind) if len(self.parts) > 1 else 0 for box in boxes]
        return ends * ([size[1] / width, size[0] / height] * 2), np.array(which)


def box_truth(
    said: Sequence[Said | PictureError | None],
    pictures: Sequence[PicturePath],
    where: Path,
    files: Sequence[Path],
    say: Say = hush,
) -> Truth:
    """Pictures with boxes around what they show.

    Parts are the kinds of things in their boxes; more than 50 kinds are not told apart.

    Args:
        said: of each picture, or why that cannot be read; those without a box are left out.
        pictures: that were asked for.
        where: it is said.
        files: that are read besides the pictures.
        say: is told what is left out.

    Raises:
        RgavizError: no picture has a box, or kinds have names that cannot be told apart.
    """
    faults = [str(own) for own in said if isinstance(own, PictureError)]
    if faults and len(faults) == len(said):
        raise RgavizError(first_of(faults))
    kept = [
        (own, picture)
        for own, picture in zip(said, pictures, strict=True)
        if isinstance(own, PictureError) or (own and own.boxes)
    ]
    if len(kept) == len(faults):
        raise RgavizError(
            f"{where} has no boxes for these pictures: call them there as the files are called, such as "
            f"{clipped(pictures[0].relative.name)}."
        )
    if len(kept) < len(pictures):
        say(f"Note: {len(pictures) - len(kept)} of {len(pictures)} pictures have no boxes in {where}.")
    parts = sorted({box.kind for own, _ in kept if isinstance(own, Said) for box in own.boxes})
    if len(parts) > MOST:
        say(f"Note: boxes are of {len(parts)} kinds, more than {MOST}: all are taken for one, {OBJECT}.")
        parts = [OBJECT]
    wrong = [name for name in parts if name.strip() in ("", BACKGROUND, FOREGROUND)]
    if wrong:
        raise RgavizError(
            f"{where} has boxes of {quoted(wrong[0])}, which cannot be told apart: name them anew."
        )
    known = _Boxed([picture for _, picture in kept], [each for each, _ in kept], parts, where)
    names = [picture.relative.as_posix() for picture in known.pictures]
    shows = [picture.label for picture in known.pictures]
    read = [*files, *(picture.path for picture in known.pictures)]
    return Truth(names, parts, FOREGROUND, known.read, shows, str(where), read, marks=known.marks)


def marked(ends: np.ndarray, which: np.ndarray, parts: int, size: Size) -> Marked:
    """What is where by boxes, which may overlap: each value of the label is of the pixels in the same parts.

    Args:
        ends: the boxes (k, 4) in pixels of the label.
        which: part each is of, (k,), from 0.
        parts: how many there are, 62 at most.
        size: of the label.

    Raises:
        PictureError: parts overlap in more ways than a label can tell apart.
    """
    codes = np.zeros(size, np.int64)  # a bit for each part
    for box, part in zip(ends, which, strict=True):
        codes[_pixels(box, size)] |= 1 << int(part)
    known, label = np.unique(codes, return_inverse=True)
    if len(known) > VALUES:
        raise PictureError(
            f"The boxes of a picture overlap in {len(known)} ways, more than {VALUES}: give fewer."
        )
    regions = [np.flatnonzero(known >> part & 1) for part in range(parts)]
    boxes = [ends[which == part] for part in range(parts)]
    if parts > 1:
        regions.insert(0, np.flatnonzero(known))
        boxes.insert(0, ends)
    regions.append(np.flatnonzero(known == 0))
    boxes.append(np.empty((0, 4)))
    return Marked(label.reshape(size).astype(np.uint8), [each.tolist() for each in regions], boxes)


def _pixels(ends: np.ndarray, size: Sequence[int]) -> tuple[slice, slice]:
    """The pixels of a box: those whose middle is in it, or the one that is nearest."""
    spans = []
    for low, high, length in ((ends[1], ends[3], size[0]), (ends[0], ends[2], size[1])):
        start = min(int(np.ceil(low - 0.5)), length - 1)
        spans.append(slice(start, max(start + 1, int(np.ceil(high - 0.5)))))
    return spans[0], spans[1]

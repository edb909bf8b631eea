"""Labels of every pixel as files: numbers as they stand there, never by way of colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rgaviz.data.pictures import check_regular, opened_picture
from rgaviz.data.windows import IGNORED
from rgaviz.errors import PictureError, first_that_fit

Colour = tuple[int, int, int]

MODES = ("1", "L", "P", "I", "I;16")  # of Pillow: one number for each pixel
MOST_CLASSES = 255  # 255 itself is ignored
COLOURS_TOLD = 4  # of those that are in no table
SAID = {"unknown": "is no PNG: save labels as PNG.", "damaged": "is damaged ({}): export it again."}
END = b"\0\0\0\0IEND\xaeB`\x82"  # the last chunk of a PNG
GREY = 0  # a PNG's kind of colour


@dataclass(frozen=True)
class Coding:
    """How files of labels say which class a pixel is of.

    Attributes:
        classes: how many there are.
        table: (256,) uint8, the class that each number in a file stands for; ``IGNORED`` for none, and a number from
            ``classes`` on for what must not be there.
        hint: how a message goes on where a file has something else.
        colours: of an RGB picture, the number that each colour stands for; where they may be given and are not, {}.
    """

    classes: int
    table: np.ndarray
    hint: str
    colours: Mapping[Colour, int] | None = None

    def allowed(self) -> np.ndarray:
        """(256,) bool: which numbers may be there."""
        return (self.table < self.classes) | (self.table == IGNORED)


def by_number(classes: int, *, hint: str, colours: Mapping[Colour, int] | None = None) -> Coding:
    """The usual coding: a class is its number, 255 is ignored."""
    return Coding(classes, np.arange(256, dtype=np.uint8), hint, colours)


def by_places(
    places: Sequence[int],
    ignored: Sequence[int] = (),
    *,
    hint: str,
    colours: Mapping[Colour, int] | None = None,
) -> Coding:
    """A class is its place in a list, 255 and the places in it that are no class are ignored, others must not be there.

    Args:
        places: of the classes, each below 255.
        ignored: of what is none.
        hint: as :class:`Coding` has it.
        colours: of an RGB picture, the place of each colour, or ``IGNORED``.
    """
    table = np.full(256, min(len(places), IGNORED), np.uint8)
    table[[number for number in ignored if number <= IGNORED]] = IGNORED
    table[list(places)] = np.arange(len(places))
    table[IGNORED] = IGNORED
    return Coding(len(places), table, hint, colours)


def by_ids(ids: Sequence[int], *, hint: str) -> Coding:
    """A class is its id, and every other number is ignored."""
    table = np.full(256, IGNORED, np.uint8)
    table[list(ids)] = np.arange(len(ids))
    return Coding(len(ids), table, hint)


def read_classes(path: Path, coding: Coding) -> np.ndarray:
    """The classes (h, w) uint8 of a PNG of labels by index, ``IGNORED`` where a pixel does not count.

    Raises:
        PictureError: it cannot be read, or has numbers or colours that stand for no class.
    """
    values = read_numbers(path, coding.colours)
    wrong = present(values) & ~coding.allowed()
    if wrong.any():
        raise PictureError(
            f"{str(path)!r} has {_listed(np.flatnonzero(present(values)))}, but there "
            f"{'is 1 class' if coding.classes == 1 else f'are {coding.classes} classes'}: {coding.hint}"
        )
    return cv2.LUT(values, coding.table)


def present(values: np.ndarray) -> np.ndarray:
    """(256,) bool: which numbers are in an array (h, w) uint8."""
    return cv2.calcHist([values], [0], None, [256], [0, 256]).ravel() > 0


def _listed(values: np.ndarray) -> str:
    """Such as "the values 0, 1, 7"; of many the last ones too, for they are too large."""
    shown = [str(value) for value in values]
    if len(shown) > 10:
        shown = [*shown[:4], "...", *shown[-4:]]
    return f"the value{'s' if len(values) > 1 else ''} {', '.join(shown)}"


def read_numbers(path: Path, colours: Mapping[Colour, int] | None = None) -> np.ndarray:
    """The values (h, w) uint8 of a PNG with one number for each pixel: grey, or places in a palette as they are.

    Args:
        path: the file.
        colours: what stands for which number, in an RGB picture; None where that cannot be said.

    Raises:
        PictureError: it cannot be read, is in colours without a table, has a colour that is not in the table, or a
            value above 255.
    """
    name = repr(str(path))
    check_regular(path, name)
    with opened_picture(path, name, ("PNG",), **SAID) as image:
        if image.mode == "RGB" and colours:
            return _by_colour(np.asarray(image), colours, name)
        values = np.array(image) if image.mode in MODES else None
        widened = _widened(path) if image.mode == "L" else 1
    if values is None:
        way = "" if colours is None else ", or as RGB with the colour of each class in classes.txt"
        raise PictureError(
            f"{name} is no label, for its pixels are colours ({image.mode}): save one number of 0 to 255 for each "
            f"pixel{way}."
        )
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 255:
        raise PictureError(
            f"{name} is no label, for it has values from {low} to {high}: save one number of 0 to 255 for each pixel."
        )
    return values.astype(np.uint8) // np.uint8(widened)


def label_size(path: Path) -> tuple[int, int]:
    """(h, w) of a PNG of labels, by its header; one that does not end as a PNG is read, which tells what it lacks.

    Raises:
        PictureError: as :func:`read_numbers`.
    """
    name = repr(str(path))
    check_regular(path, name)
    with opened_picture(path, name, ("PNG",), **SAID) as image:
        size = image.height, image.width
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(END)))
        whole = file.read() == END
    if not whole:
        read_numbers(path)
    return size


def read_mask(path: Path) -> np.ndarray:
    """A region (h, w) bool, as a PNG of one number for each pixel has it: where that is not 0.

    Raises:
        PictureError: it cannot be read, has colours, or no pixel of the region.
    """
    mask = read_numbers(path) > 0
    if not mask.any():
        raise PictureError(f"{str(path)!r} is 0 everywhere: save a mask that is not 0 in the region.")
    return mask


def _widened(path: Path) -> int:
    """By what Pillow multiplies the numbers of a grey PNG of 2 or 4 bits: to it they are shades from 0 to 255."""
    with path.open("rb") as file:
        depth, kind = file.read(26)[
            24:
        ]  # behind the signature, and length, name, width, height of the first chunk
    return 255 // (2**depth - 1) if kind == GREY and depth in (2, 4) else 1


def _by_colour(pixels: np.ndarray, colours: Mapping[Colour, int], name: str) -> np.ndarray:
    """Numbers (h, w) uint8 of pixels (h, w, 3) by a table."""
    table = sorted((_packed(np.array(colour)).item(), number) for colour, number in colours.items())
    known, numbers = np.array([each for each, _ in table]), np.array([each for _, each in table], np.uint8)
    codes = _packed(pixels)  # (h, w)
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    strange = known[places] != codes
    if strange.any():
        found = [f"({code >> 16}, {code >> 8 & 255}, {code & 255})" for code in np.unique(codes[strange])]
        shown = ", ".join(first_that_fit(found[:COLOURS_TOLD], 80))
        raise PictureError(
            f"{name} has colours that stand for no class, {shown}{', ...' if len(found) > COLOURS_TOLD else ''}: add "
            "them to classes.txt, as a class or as ignored; a picture that was resized or saved as JPEG mixes colours."
        )
    return numbers[places]


def _packed(pixels: np.ndarray) -> np.ndarray:
    """RGB (..., 3) as one number each."""
    red, green, blue = (pixels[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue

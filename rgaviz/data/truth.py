"""Where what is in a picture: its parts, as a label for each pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rgaviz.data.find import PicturePath
from rgaviz.data.labels import read_numbers
from rgaviz.data.names import CLASSES, lines_of
from rgaviz.data.pictures import read_picture
from rgaviz.errors import PictureError, RgavizError, clipped
from rgaviz.progress import Say, Track, hush, silent

BACKGROUND, FOREGROUND = "background", "foreground"
MOST = 50  # parts; more are no parts of a thing
WHITE = 255  # in masks of black and white
LONGEST = 1024  # pixels of a label's side, which is sampled at most so finely


class Marked(NamedTuple):
    """What is where in a picture.

    Attributes:
        label: (H, W) uint8, what each pixel belongs to.
        regions: of each region of the truth its values in the label.
        boxes: of each region its true boxes (k, 4), left, top, right and bottom in pixels of the label; None where the
            label alone is known.
    """

    label: np.ndarray
    regions: Sequence[Sequence[int]]
    boxes: Sequence[np.ndarray] | None = None


@dataclass(frozen=True)
class Truth:
    """Pictures of which it is known where what is.

    Attributes:
        names: what each is called.
        parts: what the values 1, 2, ... of a label stand for; 0 is the background.
        whole: what all parts together are called.
        read: a picture by its place: (h, w, 3) uint8 RGB, and its label (H, W) uint8, which covers the same.
        shows: what each picture shows, such as a class, None where that is not known.
        source: where they come from, in words.
        files: that are read, where there are any.
        people: who each picture shows, where that is known of all; a number below 1 is nobody's, and no two pictures'.
        marks: where parts are known by their boxes, which may overlap: what is where in a picture by its place, for a
            label of a size (H, W).
        notes: what its user must know, a line each.
    """

    names: Sequence[str]
    parts: Sequence[str]
    whole: str
    read: Callable[[int], tuple[np.ndarray, np.ndarray]]
    shows: Sequence[str | None]
    source: str
    files: Sequence[Path] = ()
    people: Sequence[int] = ()
    marks: Callable[[int, tuple[int, int]], Marked] | None = None
    notes: Sequence[str] = ()

    def look(self, place: int) -> tuple[np.ndarray, Marked]:
        """A picture by its place, (h, w, 3) uint8 RGB, and what is where in it.

        Raises:
            PictureError: it cannot be read, or what is known of it.
        """
        picture, label = self.read(place)
        if self.marks is None:
            return picture, Marked(label, list(self.regions.values()))
        return picture, self.marks(place, (label.shape[0], label.shape[1]))

    @property
    def regions(self) -> dict[str, tuple[int, ...]]:
        """What to look into, and its labels: the whole, each of several parts, the background."""
        values = range(1, len(self.parts) + 1)
        parts = {name: (value,) for name, value in zip(self.parts, values, strict=True)}
        whole = {self.whole: tuple(values)} if len(parts) > 1 else {}
        return {**whole, **parts, BACKGROUND: (0,)}


def folder_truth(
    pictures: Sequence[PicturePath], folder: Path, *, track: Track = silent, say: Say = hush
) -> Truth:
    """Pictures with the labels of a folder: for each a PNG of the same name, whose values are 0 to K.

    A picture found below a folder may have its label at the same place below this one. ``classes.txt`` names the
    values, a line each from 0 on; without it they are numbered. Labels of 0 and 255 alone are masks.

    Args:
        pictures: those without a label are left out.
        folder: of the labels.
        track: wraps the loop over the labels, for a progress bar.
        say: is told how many pictures have none.

    Raises:
        RgavizError: no such folder, no label in it, more than 50 values, or names that cannot be told apart.
    """
    if not folder.is_dir():
        raise RgavizError(f"{folder} is not a folder; give the one with label PNGs with --truth.")
    found = [(picture, label) for picture in pictures if (label := _label_of(picture, folder))]
    if not found:
        raise RgavizError(
            f"{folder} has no label for these pictures: name each as its picture, such as "
            f"{clipped(pictures[0].relative.stem)}.png."
        )
    if len(found) < len(pictures):
        say(f"Note: {len(pictures) - len(found)} of {len(pictures)} pictures have no label in {folder}.")
    white, parts = False, _named(folder / CLASSES)
    if parts is None:
        labels = track(found, total=len(found), description="reading labels")
        values = sorted(set().union(*(_values(label) for _, label in labels)))
        white = WHITE in values and set(values) <= {0, WHITE}
        most = 1 if white else max(values)
        parts = ["object"] if most == 1 else [f"part {value}" for value in range(1, most + 1)]
    _check_parts(parts, folder)

    def read(place: int) -> tuple[np.ndarray, np.ndarray]:
        picture, label = found[place]
        pixels = read_picture(picture.path)
        marked = read_label(label)
        if white:
            marked = marked // WHITE
        _check_label(label, marked, pixels, len(parts))
        return pixels, marked

    names = [picture.relative.as_posix() for picture, _ in found]
    shows = [picture.label for picture, _ in found]
    files = [path for picture, label in found for path in (picture.path, label)]
    return Truth(names, parts, FOREGROUND, read, shows, str(folder), files)


def _label_of(picture: PicturePath, folder: Path) -> Path | None:
    places = (folder / picture.relative.with_suffix(".png"), folder / f"{picture.path.stem}.png")
    return next((place for place in places if place.is_file()), None)


def _named(path: Path) -> list[str] | None:
    """The names of the values from 1 on, if there is such a file."""
    if not path.exists():
        return None
    return lines_of(path)[1:]


def _check_parts(parts: Sequence[str], folder: Path) -> None:
    if not 1 <= len(parts) <= MOST:
        raise RgavizError(
            f"{folder} has labels of {len(parts)} parts besides the background 0; give 1 to {MOST}: PNGs of values "
            f"0 to K, named in {CLASSES}."
        )
    if "" in parts or len({*parts, BACKGROUND, FOREGROUND}) < len(parts) + 2:
        raise RgavizError(
            f"{folder / CLASSES} has an empty name, one twice, or {BACKGROUND} or {FOREGROUND} behind its first line; "
            "name each value anew, from 0 on."
        )


def _values(path: Path) -> set[int]:
    try:
        return set(np.unique(read_label(path)).tolist())
    except PictureError:  # is told when its picture is read
        return {0}


def _check_label(path: Path, label: np.ndarray, picture: np.ndarray, parts: int) -> None:
    (height, width), (rows, columns) = picture.shape[:2], label.shape
    if abs(height * columns - width * rows) > max(height, width, rows, columns):  # a pixel more or less
        raise PictureError(
            f"{path} has {rows}x{columns} pixels, but its picture {height}x{width}: give a label of the whole picture."
        )
    if label.max() > parts:
        raise PictureError(
            f"{path} has the value {label.max()}, but there are names for 0 to {parts}: add names to {CLASSES}."
        )


def read_label(path: Path) -> np.ndarray:
    """The values (H, W) uint8 of a PNG with one number for each pixel: grey, or places in a palette as they are.

    One whose longest side has more than 1024 pixels is sampled there.

    Raises:
        PictureError: it cannot be read, has colours, or a value above 255.
    """
    return sampled(read_numbers(path), LONGEST)


def sampled(values: np.ndarray, longest: int) -> np.ndarray:
    """Every so many-th of values (h, w), so that the longest side has no more than that."""
    step = -(-max(values.shape) // longest)
    start = min(step // 2, min(values.shape) - 1)
    return values[start::step, start::step]

"""Boxes of Pascal VOC's XML files, which ImageNet has as well: one for each picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from xml.parsers import expat

from rgaviz.data.boxes import Box, Said, box_truth
from rgaviz.data.find import PicturePath
from rgaviz.data.truth import Truth
from rgaviz.errors import PictureError, clipped, one_line
from rgaviz.progress import Say, Track, hush, silent
from rgaviz.regular import read_regular

LARGEST = 2**20  # bytes of a file
DEEPEST = 20  # elements one within the other
LONGEST = 1000  # letters of a text that is read
OBJECT = ("annotation", "object")
NAME, BOX = (*OBJECT, "name"), (*OBJECT, "bndbox")
SIZE = ("annotation", "size")
ENDS = ("xmin", "ymin", "xmax", "ymax")


def voc_file(picture: PicturePath, folder: Path) -> Path | None:
    """The file of a picture in a folder: at the same place below it, or right in it."""
    places = (folder / picture.relative.with_suffix(".xml"), folder / f"{picture.path.stem}.xml")
    return next((place for place in places if place.is_file()), None)


def voc_truth(
    pictures: Sequence[PicturePath], folder: Path, *, track: Track = silent, say: Say = hush
) -> Truth:
    """Pictures with the boxes that XML files of the same names have for them.

    Only ``name`` and ``bndbox`` of objects are read, of difficult and truncated ones too, none of their parts.

    Args:
        pictures: those without a file are left out.
        folder: of the files.
        track: wraps the loop over the files, for a progress bar.
        say: is told how many have none.

    Raises:
        RgavizError: there are no files for these pictures, or not one can be read.
    """
    files = [voc_file(picture, folder) for picture in pictures]
    said = [
        None if path is None else _tried(path)
        for path in track(files, total=len(files), description="reading boxes")
    ]
    return box_truth(said, pictures, folder, [path for path in files if path is not None], say)


def _tried(path: Path) -> Said | PictureError:
    try:
        return read_voc(path)
    except PictureError as error:  # is told when its picture is read
        return error


def read_voc(path: Path) -> Said:
    """What a file says. Of XML it may have elements alone: no document type, so no entities of its own.

    Raises:
        PictureError: it cannot be read, or is no such file.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(read_regular(path, LARGEST), True)
        return reader.said()
    except (OSError, ValueError, expat.ExpatError) as error:
        raise PictureError(
            f"{path} cannot be read ({clipped(one_line(error))}): give an XML file of Pascal VOC's."
        ) from error


class _Reader:
    """Gathers the few texts that count by where they stand."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.path: list[str] = []
        self.text = ""
        self.size: dict[str, str] = {}
        self.objects: list[dict[str, str]] = []

    def _refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type or entities")

    def _start(self, name: str, _: dict[str, str]) -> None:
        self.path.append(name)
        self.text = ""
        if len(self.path) > DEEPEST:
            raise ValueError(f"elements lie more than {DEEPEST} deep")
        if len(self.path) == 1 and name != "annotation":
            raise ValueError(f"it begins with {clipped(name)}, not with annotation")
        if tuple(self.path) == OBJECT:
            self.objects.append({})

    def _text(self, text: str) -> None:
        self.text = (self.text + text)[: LONGEST + 1]

    def _end(self, name: str) -> None:
        where, text = tuple(self.path), self.text.strip()
        self.path.pop()
        self.text = ""
        if where == NAME or (where[:-1] == BOX and name in ENDS):
            if len(text) > LONGEST or name in self.objects[-1]:
                raise ValueError(f"the {name} of an object is there twice, or too long")
            self.objects[-1][name] = text
        elif where[:-1] == SIZE:
            self.size[name] = text

    def said(self) -> Said:
        """What was read.

        Raises:
            ValueError: something is missing or no number.
        """
        boxes = [Box(_name(each), _ends(each)) for each in self.objects]
        sides = [int(self.size.get(name, 0)) for name in ("height", "width")]
        return Said(boxes, (sides[0], sides[1]) if min(sides) > 0 else None)  # some files have zeros


def _name(found: dict[str, str]) -> str:
    if not found.get("name"):
        raise ValueError("an object has no name")
    return found["name"]


def _ends(found: dict[str, str]) -> tuple[float, float, float, float]:
    """A box from pixels counted from 1, the last ones within it."""
    if any(end not in found for end in ENDS):
        raise ValueError(f"an object has no bndbox with {', '.join(ENDS)}")
    left, top, right, bottom = (float(found[end]) for end in ENDS)
    if not all(map(isfinite, (left, top, right, bottom))) or right < left or bottom < top:
        raise ValueError("an object has an empty bndbox")
    return left - 1, top - 1, right, bottom

"""``manifest.json``: what was found, how the figure is laid out, and which files are ours.

A manifest is rows of panels and named tables. Each panel names its own picture, so a row may show one picture in many
ways or many pictures in one way. What stands under a panel is text by the time it is written: drawing knows no task.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    model_validator,
)

from rgaviz.errors import RgavizError, clipped, first_that_fit
from rgaviz.outputs import MANIFEST, is_safe

Made = TypeVar("Made")

SCHEMA = 3  # the newest; see Manifest.schema_number
WITHOUT_CLASSES = 2
LISTED = 3  # faults in a message,
LETTERS = 160  # as far as they fit into so many letters
LARGEST = 100_000  # pixels of a side
MOST_PIXELS = 2**24  # of a picture; ours have 512 x 512 at most
FEW = 1000  # entries where a figure can show no more, such as titles
UNKNOWN = 255  # in a map of labels or errors: a pixel of which nothing is known
ERRORS = 2  # values of a map of errors: as the truth, or not


class ResultsError(RgavizError):
    """A folder of results that cannot be read."""


def _name(text: str) -> str:
    if not is_safe(text):
        raise ValueError("leads outside its folder")
    return text


def _key(text: str) -> str:
    if "/" in _name(text):
        raise ValueError("has a slash")
    return text


def _few(entries: Any) -> Any:
    """Of more, each with a fault of its own, the list of faults alone would take gigabytes."""
    if isinstance(entries, list | dict) and len(entries) > FEW:
        raise ValueError(f"has {len(entries)} entries, more than {FEW}")
    return entries


def _shown(size: list[int]) -> list[int]:
    if math.prod(size) > MOST_PIXELS:
        raise ValueError(f"has more than {MOST_PIXELS} pixels")
    return size


Few = BeforeValidator(_few)
Name = Annotated[str, AfterValidator(_name)]  # a relative path inside the folder
Key = Annotated[str, AfterValidator(_key)]  # a part of a file's name
Fraction = Annotated[float, Field(ge=0, le=1)]
Size = Annotated[
    list[Annotated[int, Field(gt=0, lt=LARGEST)]],
    Field(min_length=2, max_length=2),
    FailFast(),
    AfterValidator(_shown),
]
Scalar = str | bool | int | float | None
Group = Literal[
    "cam", "signed", "mask", "relation", "labels"
]  # what has one unit, and so may share a scale; labels have none
Byte = Annotated[int, Field(ge=0, le=255)]
Role = Literal["plain", "right", "wrong", "flag"]
RIGHTNESS: dict[bool | None, Role] = {True: "right", False: "wrong", None: "plain"}


class _Maker(type(BaseModel)):
    """Makes parts of a manifest; a constructor of :class:`Stored` would lose the places of a part's faults."""

    def __call__(cls: type[Made], *args: Any, **values: Any) -> Made:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            raise ResultsError(
                f"This cannot stand in a {MANIFEST} as {cls.__name__} ({_faults(error)}): give another value."
            ) from None


class Stored(BaseModel, metaclass=_Maker):
    """A part of a manifest: frozen, strict, and without unknown keys.

    Raises:
        ResultsError: impossible values; all faults at once.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Line(Stored):
    """A line of text under a panel, and how it is meant: ``flag`` is a warning."""

    text: str
    role: Role = "plain"


class Point(Stored):
    """A place in a picture as fractions of its width, from the left, and its height, from the top."""

    x: Fraction
    y: Fraction


class Box(Stored):
    """A box in a picture: its ends as fractions of the width and of the height."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction


Outline = Annotated[list[Point], Field(min_length=3), Few]  # the corners of a closed line


class MapRef(Stored):
    """A map of the panel's picture: in ``maps.npz`` it is ``<picture>/<checkpoint>/<name>``."""

    checkpoint: Key
    name: Name
    group: Group


class Panel(Stored):
    """One panel of a figure.

    Attributes:
        kind: what is drawn: the picture, a map over it, the difference of two, channel values as bars, ``labels``, a
            class for every pixel, ``errors``, where such labels are not as the truth, its lines alone, as ``text``, or
            a square map by itself, as ``matrix``.
        picture: id of the picture it is about.
        map: what is drawn over the picture, or as bars.
        minus: what a difference subtracts.
        lines: what stands under it, or in it.
        frame: whether what it shows is right, drawn as a frame.
        marks: places drawn on it.
        boxes: drawn on it.
        outlines: closed lines drawn on it.
        values: what the lines say, as numbers, for scripts.
    """

    kind: Literal["picture", "map", "difference", "bars", "text", "labels", "errors", "matrix"]
    picture: Key | None = None
    map: MapRef | None = None
    minus: MapRef | None = None
    lines: Annotated[list[Line], FailFast()] = []
    frame: Literal["right", "wrong"] | None = None
    marks: Annotated[list[Point], Few] = []
    boxes: Annotated[list[Box], Few] = []
    outlines: Annotated[list[Outline], Few] = []
    values: Annotated[dict[str, Scalar], Few] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        lacking = [name for name in NEEDED[self.kind] if getattr(self, name) is None]
        if lacking:
            raise ValueError(f"a panel of kind {self.kind} lacks {' and '.join(lacking)}")
        for ref in (self.map, self.minus) if self.kind in GROUPED else ():
            if ref is not None and (ref.group == "labels") != (self.kind in OF_LABELS):
                raise ValueError(f"a panel of kind {self.kind} has a map of the group {ref.group}")
        return self


NEEDED: dict[str, tuple[str, ...]] = {
    "picture": ("picture",),
    "map": ("picture", "map"),
    "difference": ("picture", "map", "minus"),
    "bars": ("picture", "map"),
    "text": (),
    "labels": ("picture", "map"),
    "errors": ("picture", "map"),
    "matrix": ("map",),
}
OF_LABELS = ("labels", "errors")  # kinds of panel that show whole numbers
GROUPED = ("map", "difference", "bars", *OF_LABELS)


class Swatch(Stored):
    """A class that labels stand for, and its colour, RGB."""

    name: str
    colour: Annotated[list[Byte], Field(min_length=3, max_length=3)]


class Picture(Stored):
    """A picture: its file is ``pictures/<id>.png``, at the size shown (height, width)."""

    id: Key
    path: Name
    size: Size
    label: str | None = None


class Manifest(Stored):
    """What a results folder holds.

    Attributes:
        command: what wrote it; decides the figure.
        command_line: as typed.
        seed: of what is random.
        versions: of the libraries.
        target: what the class activation maps are about, as typed.
        checkpoints: the networks, each as a record of where it came from.
        figure: the options the figure was drawn with.
        titles: above the columns of panels.
        pictures: those that panels name.
        rows: of panels, at most one per title.
        classes: what the numbers in maps of labels stand for, the first one for 0.
        tables: name -> CSV file in the folder.
        texts: what a column of a table, or a table, is called in the figure.
        files: all further files in the folder that are ours; a rerun replaces them.
    """

    command: str
    command_line: str = ""
    seed: int | None = None
    versions: Annotated[dict[str, str], Few] = {}
    target: str | None = None
    checkpoints: Annotated[list[dict[str, Any]], Few] = []
    figure: Annotated[dict[str, Any], Few] = {}
    titles: Annotated[list[str], Few] = []
    pictures: Annotated[list[Picture], FailFast()] = []
    rows: Annotated[list[Annotated[list[Panel], FailFast()]], FailFast()] = []
    classes: Annotated[list[Swatch], Field(max_length=UNKNOWN), FailFast(), Few] = []
    tables: Annotated[dict[Key, Name], Few] = {}
    texts: Annotated[dict[str, str], Few] = {}
    files: Annotated[list[Name], FailFast()] = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = {picture.id for picture in self.pictures}
        if len(known) < len(self.pictures):
            raise ValueError("two pictures have one id")
        for number, row in enumerate(self.rows):
            if len(row) > len(self.titles):
                raise ValueError(f"row {number} has {len(row)} panels for {len(self.titles)} titles")
            for panel in row:
                if panel.picture is not None and panel.picture not in known:
                    raise ValueError(f"row {number} names picture {panel.picture!r}, which is not there")
                if panel.kind in OF_LABELS and not self.classes:
                    raise ValueError(
                        f"row {number} has a panel of kind {panel.kind}, and there are no classes"
                    )
        return self

    @property
    def schema_number(self) -> int:
        """The format of the file: the oldest that has all of it, so that earlier versions read what they can draw."""
        return SCHEMA if self.classes else WITHOUT_CLASSES

    def document(self) -> dict[str, Any]:
        """The content of the file: plain JSON with every key, but of a panel only what it has."""
        rows = [[panel.model_dump(exclude_defaults=True) for panel in row] for row in self.rows]
        left = {"rows"} if self.classes else {"rows", "classes"}
        return plain({"schema": self.schema_number, **self.model_dump(exclude=left), "rows": rows})


def checked(kind: type[Stored], content: Mapping[str, Any]) -> Any:
    """A part of a manifest from plain JSON.

    Raises:
        ValueError: it is none; the message says where, in one line.
    """
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        raise ValueError(_faults(error)) from None


def _faults(error: ValidationError) -> str:
    """What is wrong and where, the first few faults of many."""
    found = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(map(str, each["loc"]))
        found.append(f"{where}: {each['msg']}" if where else each["msg"])
    told = [clipped(each.replace("Value error, ", "")) for each in found[:LISTED]]
    shown = first_that_fit(told, LETTERS, "; ")
    more = [f"and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
    return "; ".join([*shown, *more])


def plain(value: Any) -> Any:
    """Plain JSON: numpy numbers as Python's, floats rounded to six digits, NaN and infinity as null, Unicode."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, str | Path):  # the name of a file may be any bytes
        return os.fspath(value).encode(errors="replace").decode()
    return value

"""Reading a results folder."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rgaviz.outputs import MANIFEST, MAPS, PICTURES, read_ledger
from rgaviz.regular import read_regular
from rgaviz.results.manifest import (
    ERRORS,
    SCHEMA,
    UNKNOWN,
    WITHOUT_CLASSES,
    Manifest,
    ResultsError,
    checked,
)
from rgaviz.results.maps import FAULTS, open_maps, read_map, read_numbers
from rgaviz.results.pixels import read_pixels
from rgaviz.results.schema1 import upgraded

Value = TypeVar("Value")
LARGEST = 1e100  # an axis that ends near the largest float has no room for its margins
LARGEST_TABLE = 2**24  # bytes; a confusion matrix of 1000 classes takes 4 million
EXACT = 2**53  # whole numbers up to here are exact as floats


@dataclass(frozen=True)
class Results:
    """A results folder that has been opened; pictures, maps and tables are read when asked for.

    Attributes:
        folder: where it lies.
        manifest: the checked ``manifest.json``.
        archive: the maps, where there are any.
    """

    folder: Path
    manifest: Manifest
    archive: zipfile.ZipFile | None = field(repr=False)

    def picture(self, picture_id: str) -> np.ndarray:
        """The picture at the size shown, RGB uint8 (H, W, 3)."""
        return read_pixels(self.folder / PICTURES / f"{picture_id}.png", self._sizes[picture_id], self.folder)

    @cached_property
    def _sizes(self) -> dict[str, list[int]]:
        return {picture.id: picture.size for picture in self.manifest.pictures}

    def map(self, picture_id: str, checkpoint_id: str, name: str) -> np.ndarray:
        """A raw map, float32: (h, w) for a CAM or spatial mask, (C,) for a channel mask."""
        return self._read(f"{picture_id}/{checkpoint_id}/{name}", read_map)

    def labels(self, picture_id: str, checkpoint_id: str, name: str) -> np.ndarray:
        """A map of labels, uint8 (H, W) of the size of its picture: places in ``manifest.classes``, or ``UNKNOWN``."""
        return self._numbers(picture_id, checkpoint_id, name, len(self.manifest.classes))

    def errors(self, picture_id: str, checkpoint_id: str, name: str) -> np.ndarray:
        """Where labels are not as the truth, uint8 (H, W) of the size of the picture: 0, 1, or ``UNKNOWN``."""
        return self._numbers(picture_id, checkpoint_id, name, ERRORS)

    def _numbers(self, picture_id: str, checkpoint_id: str, name: str, count: int) -> np.ndarray:
        """A map of whole numbers below ``count``, or ``UNKNOWN``."""
        key = f"{picture_id}/{checkpoint_id}/{name}"
        values = self._read(key, read_numbers)
        size = tuple(self._sizes[picture_id])
        if values.shape != size:
            raise ResultsError(
                f"The map {key!r} of {self.folder} has shape {values.shape}, and its picture {size}: run the command "
                "that made it again."
            )
        largest = int(values.max(initial=0, where=values != UNKNOWN))
        if largest >= count:
            raise ResultsError(
                f"The map {key!r} of {self.folder} has the number {largest}, where all are below {count} or {UNKNOWN}: "
                "run the command that made it again."
            )
        return values

    def _read(self, key: str, read: Callable[[zipfile.ZipFile, str], np.ndarray]) -> np.ndarray:
        try:
            if self.archive is None:
                raise KeyError(key)
            return read(self.archive, key)
        except KeyError as error:
            raise ResultsError(
                f"{self.folder / MAPS} has no map {key!r}: run the command that made it again."
            ) from error
        except FAULTS as error:
            raise ResultsError(
                f"{self.folder / MAPS} is damaged at {key!r}: run the command that made it again."
            ) from error

    def table(self, name: str) -> list[list[str]]:
        """A named table as text, the header first; every row is as long."""
        if name not in self.manifest.tables:
            raise ResultsError(f"{self.folder} has no table {name!r}: run the command that made it again.")
        path = self.folder / self.manifest.tables[name]
        try:
            content = read_regular(path, LARGEST_TABLE, within=self.folder)
            rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        except (OSError, ValueError, csv.Error) as error:
            raise ResultsError(f"Cannot read {path}: run the command that made it again.") from error
        if not rows or any(len(row) != len(rows[0]) for row in rows):
            raise ResultsError(f"{path} is no table: run the command that made it again.")
        return rows

    def column(self, table: str, name: str, kind: Callable[[str], Value]) -> list[Value]:
        """A column of a named table, each cell as ``kind`` makes it."""
        header, *rows = self.table(table)
        try:
            place = header.index(name)
            return [kind(row[place]) for row in rows]
        except ValueError as error:
            raise ResultsError(
                f"The table {table!r} of {self.folder} has no usable column {name!r}: "
                "run the command that made it again."
            ) from error

    def records(self, table: str, **kinds: Callable[[str], Any]) -> list[dict[str, Any]]:
        """The rows of a named table, with these columns each as its kind."""
        columns = [self.column(table, name, kind) for name, kind in kinds.items()]
        return [dict(zip(kinds, row, strict=True)) for row in zip(*columns, strict=True)]


def number(text: str) -> float:
    """A number in a cell that has a place on an axis."""
    value = float(text)
    if not abs(value) <= LARGEST:  # NaN is not
        raise ValueError(text)
    return value


def number_or_none(text: str) -> float | None:
    """The same, or None of an empty cell."""
    return number(text) if text else None


def count(text: str) -> int:
    """A whole number in a cell, 0 or more."""
    value = number(text)
    if not 0 <= value < EXACT or value != int(value):
        raise ValueError(text)
    return int(value)


def read_results(folder: Path | str) -> Results:
    """Open a results folder.

    Raises:
        ResultsError: no such folder, not ours, of a newer format, or broken; the message says which.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"No folder {folder}: give the folder that an rgaviz command wrote.")
    content = read_ledger(folder)
    if content is None:
        raise ResultsError(
            f"No results in {folder}: give a folder with a {MANIFEST} that an rgaviz command wrote."
        )
    schema = content.pop("schema")
    if schema > SCHEMA:
        raise ResultsError(
            f"{folder} was written by a newer rgaviz (schema {schema}, this one reads {SCHEMA}): "
            "upgrade rgaviz."
        )
    try:
        manifest: Manifest = checked(Manifest, upgraded(content) if schema < WITHOUT_CLASSES else content)
    except ValueError as error:
        raise ResultsError(
            f"{folder / MANIFEST} is broken ({error}): run the command that made it again."
        ) from error
    if not manifest.pictures:
        return Results(folder, manifest, None)
    return Results(folder, manifest, open_maps(folder))

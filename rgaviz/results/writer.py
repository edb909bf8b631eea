"""Writing a results folder, picture by picture."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from rgaviz.errors import OutputError
from rgaviz.outputs import MANIFEST, MAPS, PICTURES, own_files, refuse_others
from rgaviz.pngs import png_bytes
from rgaviz.results.manifest import WITHOUT_CLASSES, Manifest, Panel, Picture, plain
from rgaviz.temporary import clear_left, temporary_name
from rgaviz.writing import csv_bytes, json_bytes, output_error

TABLES = "tables"
UNFINISHED = "unfinished"  # a manifest of nothing but files


class ResultsWriter:
    """Writes a results folder picture by picture, so that memory does not grow with their number.

    All goes to a temporary folder beside the final one, or in it where that is a mounted disk or nothing can be written
    beside it, which is put in place when the ``with`` block ends well; after an exception nothing is left and earlier
    results stay as they were. If the program is killed while it is put in place, the folder knows its files but holds
    no results, and the next run replaces them. Earlier results of ours in
    the same place are replaced; files that are not ours are kept, and never overwritten. The same content
    gives the same bytes.

    Args:
        folder: where the results shall be.
        head: the fields of a :class:`Manifest` that are known beforehand; pictures, rows, tables and files are
            added here.

    Raises:
        OutputError: the folder cannot be written, or holds a file of someone else's under one of our names.
    """

    def __init__(self, folder: Path | str, head: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.head = dict(head)
        self.pictures: list[Picture] = []
        self.rows: list[list[Panel]] = []
        self.tables: dict[str, str] = {}
        self._archive: zipfile.ZipFile | None = None
        self._ids: set[str] = set()

    def __enter__(self) -> ResultsWriter:
        refuse_others(self.folder, [MANIFEST, MAPS])  # now, not after an hour of work
        place = _same_disk(self.folder)
        self._temporary = temporary_name(place)
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise OutputError(f"Cannot write {self.folder}: it is a file. Choose another folder with -o.")
            self._temporary.mkdir(parents=True)
            for each in {place, self.folder.parent, self.folder}:
                clear_left(each)
        except OSError as error:
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise output_error(self.folder, error) from error
        return self

    def has(self, picture: str) -> bool:
        """Whether a picture of this id has been added."""
        return picture in self._ids

    def picture(self, picture: Picture, pixels: np.ndarray | bytes, maps: Mapping[str, np.ndarray]) -> None:
        """Add one picture with its maps; they are on the disk when this returns.

        Args:
            picture: its entry in the manifest.
            pixels: RGB uint8 (H, W, 3), at the size shown, or the bytes of its PNG.
            maps: raw maps under ``"<checkpoint id>/<map name>"``; saved as float32, those of labels as the uint8 that
                they are.
        """
        try:
            if self._archive is None:
                (self._temporary / PICTURES).mkdir()
                self._archive = zipfile.ZipFile(self._temporary / MAPS, "w")
            place = self._temporary / PICTURES / f"{picture.id}.png"
            place.write_bytes(pixels if isinstance(pixels, bytes) else png_bytes(pixels))
        except OSError as error:
            raise output_error(self.folder, error) from error
        self.pictures.append(picture)
        self._ids.add(picture.id)
        self.maps(picture.id, maps)

    def maps(self, picture: str, maps: Mapping[str, np.ndarray]) -> None:
        """Add maps to a picture that has been added; they are on the disk when this returns.

        Args:
            picture: its id.
            maps: as :meth:`picture` takes them, under other names than before.
        """
        assert self._archive is not None
        try:
            for key, values in maps.items():
                member = zipfile.ZipInfo(f"{picture}/{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                with self._archive.open(member, "w", force_zip64=True) as file:
                    kind = np.uint8 if values.dtype == np.uint8 else np.float32
                    np.lib.format.write_array(file, np.asarray(values, dtype=kind), allow_pickle=False)
        except OSError as error:
            raise output_error(self.folder, error) from error

    def row(self, panels: Sequence[Panel]) -> None:
        """Add a row of panels, of pictures that have been added."""
        self.rows.append(list(panels))

    def table(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add a table, its header first; numbers keep all their digits."""
        path = f"{TABLES}/{name}.csv"
        try:
            (self._temporary / path).parent.mkdir(parents=True, exist_ok=True)
            (self._temporary / path).write_bytes(csv_bytes(rows))
        except OSError as error:
            raise output_error(self.folder, error) from error
        self.tables[name] = path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._archive is not None:
                self._archive.close()
            if kind is None:
                (self._temporary / MANIFEST).write_bytes(json_bytes(self._manifest().document()))
                _put_in_place(self._temporary, self.folder)
        except OSError as fault:
            if kind is None:
                raise output_error(self.folder, fault) from fault
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _manifest(self) -> Manifest:
        added = {"pictures": self.pictures, "rows": self.rows, "tables": self.tables}
        return Manifest(**plain(self.head), **added, files=_files_below(self._temporary))


def _same_disk(folder: Path) -> Path:
    """A folder that files are renamed from into this one: its parent, or itself where that cannot be."""
    try:
        other = os.stat(folder).st_dev != os.stat(folder.parent).st_dev  # noqa: PTH116
    except OSError:  # not there yet
        return folder.parent
    return folder if other or not os.access(folder.parent, os.W_OK) else folder.parent


def _files_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Make ``folder`` hold what ``temporary`` holds, and keep every file in it that is not ours."""
    if not folder.exists():
        temporary.rename(folder)
        return
    new, old = _files_below(temporary), own_files(folder)
    refuse_others(folder, new)
    # All that takes room comes first. With this as its manifest a folder holds neither results nor strangers' files.
    unfinished = {"schema": WITHOUT_CLASSES, "files": sorted({*old, *new} - {MANIFEST})}
    (temporary / UNFINISHED).write_bytes(json_bytes(unfinished))
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (temporary / UNFINISHED).replace(folder / MANIFEST)
    for name in old:
        if name != MANIFEST and name not in new and (folder / name).is_file():
            (folder / name).unlink()
    for name in new:
        if name != MANIFEST:
            (temporary / name).replace(folder / name)
    for parent in sorted({(folder / name).parent for name in old} - {folder}, reverse=True):
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
    (temporary / MANIFEST).replace(folder / MANIFEST)

"""A folder of results: what explaining found, as numbers, for drawing now or at camera-ready time.

``manifest.json`` says what was explained and how the figure is laid out, ``maps.npz`` holds the raw maps,
``pictures/`` the pictures at the size shown. Nothing here needs a model.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

from rgaviz.atomic import atomic_write, output_error
from rgaviz.errors import OutputError, RgavizError

SCHEMA = 1
MANIFEST = "manifest.json"
MAPS = "maps.npz"
PICTURES = "pictures"
GROUPS = ("cam", "mask")  # what has one unit, and so may share a scale
REQUIRED_KEYS = {
    "picture": (),
    "map": ("checkpoint", "map", "group"),
    "bars": ("checkpoint", "map", "group"),
    "difference": ("checkpoint", "map", "group", "minus"),
}


class ResultsError(RgavizError):
    """A folder of results that cannot be read."""


class ResultsWriter:
    """Writes a results folder picture by picture, so that memory does not grow with their number.

    All goes to a temporary folder beside the final one, which is put in place when the ``with`` block ends
    well; after an exception nothing is left and earlier results stay as they were. Earlier results of ours in
    the same place are replaced; files that are not ours are kept, and never overwritten. The same content
    gives the same bytes.

    Args:
        folder: where the results shall be.
        manifest_head: the manifest without ``schema`` and ``pictures``, which are added here.

    Raises:
        OutputError: the folder cannot be written, or holds a file of someone else's under one of our names.
    """

    def __init__(self, folder: Path | str, manifest_head: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.head = dict(manifest_head)
        self.pictures: list[dict[str, Any]] = []

    def __enter__(self) -> ResultsWriter:
        refuse_foreign(self.folder, [MANIFEST, MAPS])  # now, not after an hour of work
        self._temporary = self.folder.parent / f".rgaviz-{secrets.token_hex(4)}.tmp"
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise OutputError(f"Cannot write {self.folder}: it is a file. Choose another folder with -o.")
            (self._temporary / PICTURES).mkdir(parents=True)
            self._archive = zipfile.ZipFile(self._temporary / MAPS, "w")
        except OSError as error:
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise output_error(self.folder, error) from error
        return self

    def add(
        self, picture_entry: Mapping[str, Any], picture: np.ndarray, maps: Mapping[str, np.ndarray]
    ) -> None:
        """Add one picture with its maps; they are on the disk when this returns.

        Args:
            picture_entry: the manifest's entry (``id``, ``path``, ``size``, ``label``, ``panels``).
            picture: RGB uint8 (H, W, 3), at the size shown.
            maps: raw maps under ``"<checkpoint id>/<map name>"``; saved as float32.
        """
        identity = picture_entry["id"]
        try:
            Image.fromarray(picture).save(self._temporary / PICTURES / f"{identity}.png")
            for key, values in maps.items():
                member = zipfile.ZipInfo(f"{identity}/{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                with self._archive.open(member, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(values, dtype=np.float32), allow_pickle=False)
        except OSError as error:
            raise output_error(self.folder, error) from error
        self.pictures.append(dict(picture_entry))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._archive.close()
            if kind is None:
                manifest = {**self.head, "schema": SCHEMA, "pictures": self.pictures}
                (self._temporary / MANIFEST).write_bytes(_json_bytes(manifest))
                _put_in_place(self._temporary, self.folder)
        except OSError as fault:
            if kind is None:
                raise output_error(self.folder, fault) from fault
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)


def record_files(folder: Path, paths: Iterable[Path]) -> None:
    """Note in the manifest which further files in the folder are ours (figures): a rerun replaces them.

    Paths outside the folder are left out: only what lies in it is ever removed.
    """
    manifest = _load_manifest(folder)
    if manifest is None:
        raise ResultsError(f"No results in {folder}: give the folder that an rgaviz command wrote.")
    root = folder.resolve()
    inside = {
        path.resolve().relative_to(root).as_posix() for path in paths if path.resolve().is_relative_to(root)
    }
    manifest["files"] = sorted(inside | set(_names(manifest.get("files"))))
    atomic_write(folder / MANIFEST, _json_bytes(manifest))


@dataclass(frozen=True)
class Results:
    """A results folder that has been opened; pictures and maps are read when asked for.

    Attributes:
        folder: where it lies.
        manifest: the checked ``manifest.json``.
    """

    folder: Path
    manifest: dict[str, Any]
    archive: zipfile.ZipFile = field(repr=False)

    def picture(self, picture_id: str) -> np.ndarray:
        """The picture at the size shown, RGB uint8 (H, W, 3)."""
        path = self.folder / PICTURES / f"{picture_id}.png"
        try:
            with Image.open(path) as image:
                return np.array(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise ResultsError(f"Cannot read {path}: run the command that made it again.") from error

    def map(self, picture_id: str, checkpoint_id: str, name: str) -> np.ndarray:
        """A raw map, float32: (h, w) for a CAM or spatial mask, (C,) for a channel mask."""
        key = f"{picture_id}/{checkpoint_id}/{name}"
        try:
            with self.archive.open(f"{key}.npy") as file:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False), dtype=np.float32)
        except KeyError as error:
            raise ResultsError(
                f"{self.folder / MAPS} has no map {key!r}: run the command that made it again."
            ) from error
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ResultsError(
                f"{self.folder / MAPS} is damaged at {key!r}: run the command that made it again."
            ) from error


def read_results(folder: Path | str) -> Results:
    """Open a results folder.

    Raises:
        ResultsError: no such folder, not ours, of a newer format, or broken; the message says which.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"No folder {folder}: give the folder that an rgaviz command wrote.")
    manifest = _load_manifest(folder)
    if manifest is None:
        raise ResultsError(
            f"No results in {folder}: give a folder with a {MANIFEST} that an rgaviz command wrote."
        )
    if manifest["schema"] > SCHEMA:
        raise ResultsError(
            f"{folder} was written by a newer rgaviz (schema {manifest['schema']}, this one reads {SCHEMA}): "
            "upgrade rgaviz."
        )
    fault = _manifest_fault(manifest)
    if fault:
        raise ResultsError(f"{folder / MANIFEST} is broken ({fault}): run the command that made it again.")
    try:
        archive = zipfile.ZipFile(folder / MAPS)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ResultsError(
            f"{folder / MAPS} is missing or damaged: run the command that made it again."
        ) from error
    return Results(folder, manifest, archive)


def _load_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest if there is one and it is ours, else None."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(manifest, dict) and type(manifest.get("schema")) is int
    return manifest if ours else None


def _manifest_fault(manifest: dict[str, Any]) -> str | None:
    """What the manifest lacks for drawing, in a few words; None if nothing."""
    for key in ("checkpoints", "columns", "pictures"):
        entries = manifest.get(key)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return f"{key!r} is no list of objects"
    for index, column in enumerate(manifest["columns"]):
        if str(column.get("kind")) not in REQUIRED_KEYS or not isinstance(column.get("title"), str):
            return f"column {index} has no known kind and title"
        if column["kind"] in ("map", "bars") and column.get("group") not in GROUPS:
            return f"column {index} has a group that is none of {', '.join(GROUPS)}"
        missing = [key for key in REQUIRED_KEYS[column["kind"]] if key not in column]
        minus = column.get("minus", {"checkpoint": "", "map": ""})
        sides = [column, *([minus] if isinstance(minus, dict) else [])]
        if not all(isinstance(side.get(key, ""), str) for side in sides for key in ("checkpoint", "map")):
            return f"column {index} has a name that is no text"
        if "/" in column.get("checkpoint", ""):  # it is part of the overlays' file names
            return f"column {index} has a checkpoint outside its folder"
        if missing or not isinstance(minus, dict) or not {"checkpoint", "map"} <= minus.keys():
            return f"column {index} lacks {', '.join(missing) or 'what to subtract'}"
    for index, picture in enumerate(manifest["pictures"]):
        if not _is_safe(picture.get("id")) or "/" in picture["id"]:
            return f"picture {index} has no usable id"
        if not _is_safe(picture.get("path")):
            return f"picture {index} has a path outside its folder"
        size = picture.get("size")
        if not (
            isinstance(size, list)
            and len(size) == 2
            and all(type(n) is int and 0 < n < 100_000 for n in size)
        ):
            return f"picture {index} has no size"
        panels = picture.get("panels", {})
        if not isinstance(panels, dict) or not all(isinstance(panel, dict) for panel in panels.values()):
            return f"picture {index} has no panels"
        confidences = [panel.get("confidence") for panel in panels.values()]
        if not all(
            each is None or (isinstance(each, float | int) and 0 <= each <= 1) for each in confidences
        ):
            return f"picture {index} has a confidence that is no fraction"
        if not all(isinstance(panel.get("correct"), bool | None) for panel in panels.values()):
            return f"picture {index} is neither right nor wrong"
        if not all(isinstance(panel.get("warnings", []), list) for panel in panels.values()):
            return f"picture {index} has warnings that are no list"
    return None


def _is_safe(name: Any) -> bool:
    """Whether a name from a manifest is a relative path that stays inside its folder."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _names(value: Any) -> list[str]:
    """The usable file names in a list that may be anything."""
    return [name for name in value if _is_safe(name)] if isinstance(value, list) else []


def own_files(folder: Path) -> list[str]:
    """The files of an earlier run of ours in the folder, relative; empty if it is not ours."""
    manifest = _load_manifest(folder)
    if manifest is None:
        return []
    pictures = manifest.get("pictures")
    entries = [entry for entry in pictures if isinstance(entry, dict)] if isinstance(pictures, list) else []
    shown = [f"{PICTURES}/{name}.png" for name in _names([entry.get("id") for entry in entries])]
    named = [
        MANIFEST,
        MAPS,
        *shown,
        *_names(manifest.get("files")),
    ]  # the manifest first: no mixture of two runs
    root = folder.resolve()  # a symbolic link must not lead the removal elsewhere
    return [name for name in named if (folder / name).parent.resolve().is_relative_to(root)]


def refuse_foreign(folder: Path, names: Iterable[str]) -> None:
    """Raise if one of the names is taken in the folder by a file that is not ours."""
    own = set(own_files(folder))
    for name in names:
        if name not in own and (folder / name).exists():
            raise OutputError(
                f"{folder / name} is there and was not written by rgaviz: choose another folder with -o."
            )


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Make ``folder`` hold what ``temporary`` holds, and keep every file in it that is not ours."""
    if not folder.exists():
        temporary.rename(folder)
        return
    new = [path.relative_to(temporary).as_posix() for path in sorted(temporary.rglob("*")) if path.is_file()]
    refuse_foreign(folder, new)
    old = own_files(folder)
    for name in old:
        if (folder / name).is_file():
            (folder / name).unlink()
    for parent in sorted({(folder / name).parent for name in old} - {folder}, reverse=True):
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
    new.sort(key=lambda name: name == MANIFEST)  # the manifest last: it says that the rest is there
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (temporary / name).replace(folder / name)


def _json_bytes(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(_plain(manifest), indent=1, sort_keys=True) + "\n").encode()


def _plain(value: Any) -> Any:
    """Plain JSON: numpy numbers as Python's, floats rounded to six digits, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return os.fspath(value) if isinstance(value, Path) else value

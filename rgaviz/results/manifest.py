"""``manifest.json``: what was explained, how the figure is laid out, and which files are ours."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from rgaviz.errors import OutputError, RgavizError
from rgaviz.outputs import atomic_write

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


def record_files(folder: Path, paths: Iterable[Path]) -> None:
    """Note in the manifest which further files in the folder are ours (figures): a rerun replaces them.

    Paths outside the folder are left out: only what lies in it is ever removed.
    """
    manifest = load_manifest(folder)
    if manifest is None:
        raise ResultsError(f"No results in {folder}: give the folder that an rgaviz command wrote.")
    root = folder.resolve()
    inside = {
        path.resolve().relative_to(root).as_posix() for path in paths if path.resolve().is_relative_to(root)
    }
    manifest["files"] = sorted(inside | set(_names(manifest.get("files"))))
    atomic_write(folder / MANIFEST, json_bytes(manifest))


def load_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest if there is one and it is ours, else None."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(manifest, dict) and type(manifest.get("schema")) is int
    return manifest if ours else None


def manifest_fault(manifest: dict[str, Any]) -> str | None:
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
    manifest = load_manifest(folder)
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


def json_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The file ``manifest.json``: the same content gives the same bytes."""
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

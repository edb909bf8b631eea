"""Whether a file may be written: places, one claim of names, one ledger of own files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgaviz.errors import OutputError, RgavizError, kind_of, words
from rgaviz.regular import open_regular, read_regular, real, stays_within
from rgaviz.writing import atomic_write, json_bytes, output_error

FIGURE_SUFFIXES = (".pdf", ".png", ".svg")
FIGURELESS = ("predict",)  # commands that write a file for each picture
OTHER_SUFFIXES = (".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".bmp", ".eps", ".ps")
MANIFEST = "manifest.json"
MAPS = "maps.npz"
PICTURES = "pictures"
LARGEST_MANIFEST = 2**28  # bytes: of some 100,000 pictures
MOST_VALUES = 10**7  # in a manifest: every other one is of two signs and takes a hundred bytes
MOST_PARTS = 200  # of a path: folders are made one within the other


def _check_place(out: Path) -> None:
    """Raise if the system cannot have such a path at all."""
    try:
        os.stat(out)  # noqa: PTH116 (exists() hides links that lead in circles)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except OSError as error:
        raise output_error(Path(str(out)[:100]), error) from error
    if not str(out).strip() or len(out.parts) > MOST_PARTS:
        raise OutputError(f"{str(out)[:100]!r} is no place to write: choose a shorter name with -o.")


def given_place(out: Path | str) -> Path:
    """What ``--out`` says as a path.

    Raises:
        OutputError: it is empty, as a variable that was not set; ``Path("")`` would be the working folder.
    """
    if not str(out).strip():
        raise OutputError("--out is empty: name a place with -o, or leave it out.")
    return Path(out)


@dataclass(frozen=True)
class Output:
    """Where a command writes.

    Attributes:
        folder: of the results.
        stem: of the figure, without its suffix.
        named: whether the user named the figure; else it is called after the command, in the folder.
    """

    folder: Path
    stem: Path
    named: bool = False

    def page(self, suffix: str = "", name: str = "") -> Path:
        """The stem of one page: of the figure's name and a suffix, or of its own name in a folder of ours."""
        own = name and not self.named
        return self.stem.with_name(name if own else self.stem.name + suffix)


def names_figure(out: Path | str | None) -> bool:
    """Whether ``--out`` names a figure; else it is a folder."""
    return out is not None and Path(out).suffix.lower() in FIGURE_SUFFIXES


def output_place(out: Path | str | None, command: str) -> Output:
    """Where results and figure go.

    Raises:
        OutputError: the name of a picture in a format that figures do not have.
    """
    out = None if out is None else given_place(out)
    if out is not None:
        _check_place(out)
    if out is not None and out.suffix.lower() in OTHER_SUFFIXES and not out.is_dir():
        if command in FIGURELESS:
            raise OutputError(f"{out} is one file, but each picture gets one; name a folder with -o.")
        raise OutputError(
            f"{out}: figures are {', '.join(FIGURE_SUFFIXES)}, not {out.suffix}; choose one with -o."
        )
    if out is not None and names_figure(out):
        return Output(out.with_suffix(""), out.with_suffix(""), named=True)
    folder = out or Path(f"rgaviz-{command}")
    return Output(folder, folder / command)


def with_suffix(figure: Mapping[str, Any], out: Path | str | None) -> dict[str, Any]:
    """Options of a figure in which the suffix of one named by ``--out`` is the first of the ``formats``.

    Raises:
        RgavizError: they are no dictionary, or the formats no names.
    """
    if not isinstance(figure, Mapping):
        raise RgavizError(
            f"Options of a figure are a dictionary, not {kind_of(figure)}; give {{'dpi': 300}}, say."
        )
    formats = words(figure.get("formats", ()), "Formats of a figure", "pdf")
    if out is not None and names_figure(out):
        formats.insert(0, Path(out).suffix.lower()[1:])
    named = bool(formats) or "formats" in figure
    return {**figure, "formats": tuple(dict.fromkeys(formats))} if named else dict(figure)


def read_ledger(folder: Path) -> dict[str, Any] | None:
    """The folder's manifest as it stands there, if there is one and it is ours, else None."""
    try:
        content = read_regular(folder / MANIFEST, LARGEST_MANIFEST, within=folder)
        manifest = json.loads(content) if sum(map(content.count, b",[{")) <= MOST_VALUES else None
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(manifest, dict) and type(manifest.get("schema")) is int
    return manifest if ours else None


def is_safe(name: Any) -> bool:
    """Whether a name from a manifest is a relative path that stays inside its folder."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name:
        return False
    return not name.startswith("/") and ".." not in name.split("/")


def own_files(folder: Path) -> list[str]:
    """The files of an earlier run of ours in the folder, relative; empty if it is not ours."""
    manifest = read_ledger(folder)
    if manifest is None:
        return []
    named = [MANIFEST, *_files(manifest)]  # the manifest first: no mixture of two runs
    parents = {(folder / name).parent for name in named}
    inside = {each for each in parents if stays_within(each, folder)}  # no link leads the removal elsewhere
    return [name for name in named if (folder / name).parent in inside]


def _files(manifest: Mapping[str, Any]) -> list[str]:
    """The usable names in a manifest's list of files, whatever stands there."""
    listed, pictures = manifest.get("files"), manifest.get("pictures")
    names = list(listed) if isinstance(listed, list) else []
    if manifest["schema"] == 1:  # whose list has only what was added to the results
        entries = pictures if isinstance(pictures, list) else []
        ids = [entry.get("id") for entry in entries if isinstance(entry, dict)]
        names += [MAPS, *(f"{PICTURES}/{each}.png" for each in ids if is_safe(each))]
    return [name for name in names if is_safe(name) and name != MANIFEST]


def record_files(folder: Path, paths: Iterable[Path] = (), *, gone: Iterable[Path] = ()) -> None:
    """Note in the manifest which further files in the folder are ours (figures): a rerun replaces them.

    Paths outside the folder are left out: only what lies in it is ever removed.

    Args:
        folder: of the results.
        paths: to be noted.
        gone: no longer to be.
    """
    manifest = read_ledger(folder)
    if manifest is None:
        raise OutputError(f"{folder / MANIFEST} has gone: run the command that made it again.")
    root = real(folder)
    inside, not_there = (
        {real(path).relative_to(root).as_posix() for path in each if stays_within(path, folder)}
        for each in (paths, gone)
    )
    listed = manifest.get("files")
    known = {name for name in listed if is_safe(name)} if isinstance(listed, list) else set()
    named = (known | inside) - not_there
    if named == known:
        return
    manifest["files"] = sorted(named)
    atomic_write(folder / MANIFEST, json_bytes(manifest))


def claim(
    output: Output,
    formats: Sequence[str] = (),
    *,
    pages: Sequence[Path] = (),
    tables: Mapping[str, str] | None = None,
    inputs: Iterable[Path] = (),
) -> None:
    """Make sure, before any work, that a command may write what it is going to write.

    A file is ours if the results folder's ledger has it, if it is a table that begins as ours do, or a figure beside
    such a table. A figure that the user named is replaced, whosever it was.

    Args:
        output: the place.
        formats: of the figure; none where only tables are written.
        pages: stems of the files, by default the figure's own.
        tables: suffix of each table beside them -> how one of ours begins.
        inputs: what is to be read.

    Raises:
        OutputError: an input, a folder or someone else's file has one of the names, or the place is no place.
    """
    tables = tables or {}
    stems = pages or [output.stem]
    figures = [stem.with_name(f"{stem.name}.{suffix}") for stem in stems for suffix in formats]
    beside = {stem.with_name(f"{stem.name}.{suffix}"): suffix for stem in stems for suffix in tables}
    taken = {real(path) for path in (*figures, *beside)}
    for path in inputs:
        if real(path) in taken:
            raise OutputError(
                f"{path} is an input; the figure would replace it. Choose another name with -o."
            )
    own = {output.folder / name for name in own_files(output.folder)}
    for path, suffix in beside.items():
        if path not in own:
            claim_file(path, begins(tables[suffix]))
    if output.folder.exists() and not output.folder.is_dir():
        raise OutputError(f"Cannot write into {output.folder}: it is a file. Choose another place with -o.")
    if formats:
        refuse_others(output.folder, [MANIFEST, MAPS])
    if output.stem.parent == output.folder:
        told = {path.stem for path in beside if path.exists()}  # a table of ours says whose the figure is
        untold = [p.name for p in (*figures, *_numbered(stems, formats)) if p.stem not in told]
        refuse_others(output.folder, untold)
    for path in figures:
        if path.is_dir():
            raise OutputError(f"Cannot write {path}: it is a folder. Choose another name with -o.")
    there = next(parent for parent in output.stem.absolute().parents if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise OutputError(
            f"Cannot write {output.stem.parent}: {there} is no writable folder. Choose another with -o."
        )


def _numbered(stems: Sequence[Path], formats: Sequence[str]) -> list[Path]:
    """The files whose names the pages of a long figure would take."""
    pairs = ((stem, suffix) for stem in stems for suffix in formats)
    return [path for stem, suffix in pairs for path in stem.parent.glob(f"{stem.name}-[0-9]*.{suffix}")]


def refuse_others(folder: Path, names: Iterable[str]) -> None:
    """Raise if one of the names is taken in the folder by a file that is not ours."""
    own = set(own_files(folder))
    for name in names:
        if name not in own and (folder / name).exists():
            raise OutputError(
                f"{folder / name} is there and was not written by rgaviz: choose another folder with -o."
            )


def claim_file(path: Path, ours: Callable[[Path], bool], inputs: Iterable[Path] = ()) -> None:
    """Make sure that a single file may be written.

    Args:
        path: the file.
        ours: whether the file that is there is one of ours.
        inputs: what is to be read.

    Raises:
        OutputError: it is an input, a folder, or someone else's file.
    """
    try:
        there, taken = path.exists(), any(real(path) == real(other) for other in inputs)
    except OSError as error:  # no name that a file can have
        raise output_error(path, error) from error
    if taken:
        raise OutputError(f"{path} is the input; choose another name with -o.")
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it with -o.")
    if there and not ours(path):
        raise OutputError(f"{path} is there and was not written by rgaviz: choose another name with -o.")


def begins(opening: str) -> Callable[[Path], bool]:
    """How a table of ours is known: by its first line."""

    def ours(path: Path) -> bool:
        try:
            with open_regular(path, 2**40) as file:
                return file.read(len(opening.encode())) == opening.encode()
        except (OSError, ValueError):
            return False

    return ours

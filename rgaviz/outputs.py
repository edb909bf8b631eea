"""Files that are either whole or not there."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from rgaviz.errors import OutputError


def output_error(path: Path, error: OSError) -> OutputError:
    """The one line for a file or folder that the system refuses to write."""
    reason = error.strerror or type(error).__name__
    return OutputError(f"Cannot write {path}: {reason}. Choose another place with -o.")


def refuse_other_table(path: Path, header: str) -> None:
    """Refuse to replace a table that the user did not name, unless its first line says it is one of ours.

    Raises:
        OutputError: there is another file of that name.
    """
    if path.exists() and not (path.is_file() and path.read_bytes().startswith(header.encode())):
        raise OutputError(f"{path} is there and was not written by rgaviz: choose another name with -o.")


def atomic_write(path: Path, content: bytes | Callable[[BinaryIO], None]) -> None:
    """Write a file whole or not at all: under a temporary name in the same folder, then renamed.

    Args:
        path: the file; missing parent folders are made.
        content: the bytes, or a function that writes them to the open file it is given.

    Raises:
        OutputError: the system refuses (read-only, no space, a parent that is a file).
    """
    # A short name: `path.name` may be at the limit.
    temporary = path.parent / f".rgaviz-{secrets.token_hex(4)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                if callable(content):
                    content(file)
                else:
                    file.write(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
    except RuntimeError as error:  # torch.save puts one of its own in front of the system's
        if isinstance(error.__context__, OSError):
            raise output_error(path, error.__context__) from error
        raise


def csv_bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as a CSV file."""
    import csv
    import io

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


FIGURE_SUFFIXES = (".pdf", ".png", ".svg")
OTHER_SUFFIXES = (".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".bmp", ".eps", ".ps")


def names_figure(out: Path | None) -> bool:
    """Whether ``--out`` names a figure; else it is a folder."""
    return out is not None and out.suffix.lower() in FIGURE_SUFFIXES


def output_paths(out: Path | None, command: str) -> tuple[Path, Path]:
    """Folder of the results and stem of the figure.

    Raises:
        OutputError: the name of a picture in a format that figures do not have.
    """
    if out is not None and out.suffix.lower() in OTHER_SUFFIXES and not out.is_dir():
        raise OutputError(
            f"{out}: figures are {', '.join(FIGURE_SUFFIXES)}, not {out.suffix}; choose one with -o."
        )
    if out is not None and names_figure(out):
        return out.with_suffix(""), out.with_suffix("")
    folder = out or Path(f"rgaviz-{command}")
    return folder, folder / command


def with_suffix(figure: Mapping[str, Any], out: Path | None) -> dict[str, Any]:
    """Options of a figure in which the suffix of one named by ``--out`` is the first of the ``formats``."""
    formats = list(figure.get("formats", ()))
    if out is not None and names_figure(out):
        formats.insert(0, out.suffix.lower()[1:])
    named = bool(formats) or "formats" in figure
    return {**figure, "formats": tuple(dict.fromkeys(formats))} if named else dict(figure)

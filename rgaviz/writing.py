"""Files written whole or not at all, and the bytes of JSON and CSV files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from rgaviz.errors import OutputError
from rgaviz.temporary import clear_left, temporary_name


def output_error(path: Path, error: OSError) -> OutputError:
    """The one line for a file or folder that the system refuses to write."""
    reason = error.strerror or type(error).__name__
    return OutputError(f"Cannot write {path}: {reason}. Choose another place with -o.")


def atomic_write(path: Path, content: bytes | Callable[[BinaryIO], None]) -> None:
    """Write a file whole or not at all: under a temporary name in the same folder, then renamed.

    Args:
        path: the file; missing parent folders are made.
        content: the bytes, or a function that writes them to the open file it is given.

    Raises:
        OutputError: the system refuses (read-only, no space, a parent that is a file).
    """
    temporary = temporary_name(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_left(path.parent)
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


def json_bytes(document: Any) -> bytes:
    """A JSON file of plain data: the same content gives the same bytes."""
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def csv_bytes(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as a CSV file; None is an empty cell, a float has all its digits, bytes that are no text are escaped."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="backslashreplace")

"""Files that are either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rgaviz.errors import OutputError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Write to the temporary path this yields; it replaces ``path`` when the block ends without an error.

    The folder is made if need be. A killed program leaves the earlier file as it was.

    Raises:
        OutputError: the folder is read-only, full, or not a folder.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)


def write_error(path: Path | str, error: OSError) -> OutputError:
    """What to tell the user when ``path`` cannot be written."""
    return OutputError(f"Cannot write {path}: {error.strerror or error}. Choose another place with -o/--out.")

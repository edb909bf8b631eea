"""Files of strangers: regular ones alone, inside the folder they belong to, and no larger than expected."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


class IrregularFileError(ValueError):
    """A pipe, a device, a link that leads away, or more than is expected; the message says which."""


def open_regular(path: Path, largest: int, *, within: Path | None = None) -> BinaryIO:
    """Open a regular file for reading, without waiting for anybody at the other end.

    Args:
        path: the file.
        largest: bytes it may have.
        within: the folder that no link may lead out of.

    Raises:
        IrregularFileError: see there.
        OSError: the system refuses.
    """
    if within is not None and not stays_within(path, within):
        raise IrregularFileError("is a link that leads out of its folder")
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(handle)  # of what was opened, whatever the name stands for by now
        if not stat.S_ISREG(found.st_mode):
            raise IrregularFileError("is no regular file")
        if found.st_size > largest:
            raise IrregularFileError(f"has {found.st_size} bytes, more than {largest}")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: Path, largest: int, *, within: Path | None = None) -> bytes:
    """The whole of such a file."""
    with open_regular(path, largest, within=within) as file:
        return file.read(os.fstat(file.fileno()).st_size)  # and no more, for some files grow


def stays_within(path: Path, folder: Path) -> bool:
    """Whether a path, its links followed, lies in a folder."""
    return real(path).is_relative_to(real(folder))


def real(path: Path) -> Path:
    """A path with its links followed; ``resolve`` gives up on links that lead in a circle."""
    return Path(os.path.realpath(path))

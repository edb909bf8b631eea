"""Names of files while they are written, and what killed programs have left of them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import zlib
from contextlib import suppress
from pathlib import Path

NAME = re.compile(r"\.rgaviz-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp")
_cleared: set[Path] = set()  # folders, by this process


def temporary_name(folder: Path) -> Path:
    """A name in the folder that says whose it is: of the machine, of the process; short, for names have a limit."""
    return folder / f".rgaviz-{_machine()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"


def clear_left(folder: Path) -> None:
    """Remove what processes of this machine that are gone have left in the folder; once for a process and folder."""
    folder = folder.absolute()
    if folder in _cleared:
        return
    _cleared.add(folder)
    with suppress(OSError):  # it is no matter of the command's whether this can be done
        for path in folder.glob(".rgaviz-*.tmp"):
            found = NAME.fullmatch(path.name)
            if found and found[1] == _machine() and not is_running(int(found[2])):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether there is a process of this number."""
    import psutil

    return psutil.pid_exists(process)


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"

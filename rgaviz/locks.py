"""One command at a time in a folder."""

from __future__ import annotations

import os
import platform
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from rgaviz.errors import OutputError, clipped
from rgaviz.progress import is_main_process
from rgaviz.regular import real
from rgaviz.temporary import is_running

try:
    import fcntl
except ImportError:  # Windows
    fcntl: Any = None

PATIENCE = (
    1.0  # seconds for a lock that no running process says it has: somebody is just taking or clearing it
)
PAUSE = 0.05  # seconds


@contextmanager
def alone(*folders: Path) -> Iterator[None]:
    """Within the block no other command that asks writes into these folders, which need not be there yet.

    For each there is a small file, ``.rgaviz-<hash of its name>.lock``, beside it or, where nothing can be written
    beside it, in it. Locked is this file, by the system (``flock``): a lock ends with its process, however that ends,
    so that none is ever left, and numbers of processes that are used again do no harm. What stands in the file, the
    number of the process and its machine, is for messages alone. It is removed at the end of the block, and so are
    folders that were not there before and are empty. The file of a killed process is taken over by the next command
    for the same folder, and removed by the next for one beside it.

    On a network folder other machines are kept out as far as its file system passes locks on. Where the system has no
    such locks, as Windows, or the file cannot be made, nobody is kept out. Of several processes of one command the one
    that writes has the lock.

    Raises:
        OutputError: another process has one of them.
    """
    with ExitStack() as locks:
        for folder in dict.fromkeys(map(real, folders)) if is_main_process() else ():
            locks.enter_context(_locked(folder))
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    path = _place(folder)
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]  # the deepest first
    handle = None
    try:
        with suppress(OSError):  # then what is to be written cannot be either, which is told there
            handle = _take(path, folder)
            _clear(path)
        yield
    finally:
        if handle is not None:
            _release(path, handle)
        for parent in made:
            with suppress(OSError):  # something is in it
                parent.rmdir()


def _place(folder: Path) -> Path:
    """Of the file; the same for all who may write here."""
    there = next(parent for parent in folder.parents if os.path.lexists(parent)) if folder.parents else folder
    inside = not os.access(there, os.W_OK)
    return (folder if inside else folder.parent) / f".rgaviz-{zlib.crc32(os.fsencode(folder.name)):08x}.lock"


def _take(path: Path, folder: Path) -> int | None:
    """An open file with the lock; None if there are no locks here."""
    if fcntl is None:
        return None
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        except FileNotFoundError:  # another one has just removed the folder that it had made
            if time.monotonic() > deadline:
                return None
            continue
        kept = False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_of(path, handle):  # not one that its owner has just removed
                os.ftruncate(handle, 0)
                with suppress(OSError):  # a full disk
                    os.write(handle, f"{os.getpid()} {platform.node()}".encode())
                kept = True
                return handle
        except BlockingIOError:
            process, machine = _owner(handle)
            here = machine == platform.node()
            if time.monotonic() > deadline or (process and (not here or is_running(process))):
                who = f"Process {process or '(unknown)'}" + ("" if here or not machine else f" of {machine}")
                raise OutputError(
                    f"{who} is writing into {folder}: wait until it has ended, or choose another place with -o."
                ) from None
        except OSError:  # no locks here
            path.unlink(missing_ok=True)
            raise
        finally:
            if not kept:
                os.close(handle)
        time.sleep(PAUSE)


def _is_of(path: Path, handle: int) -> bool:
    """Whether the name still stands for the open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _owner(handle: int) -> tuple[int, str]:
    """The process that a file names, 0 if none, and its machine."""
    number, _, machine = os.pread(handle, 300, 0).decode(errors="replace").partition(" ")
    return (int(number) if number.isdecimal() and len(number) < 12 else 0), clipped(machine)


def _release(path: Path, handle: int) -> None:
    with suppress(OSError):  # the folder has gone, or may no longer be written
        if _is_of(path, handle):
            path.unlink()
    os.close(handle)


def _clear(own: Path) -> None:
    """Remove files beside one's own whose processes were of this machine and are gone."""
    for path in own.parent.glob(".rgaviz-*.lock"):
        if path == own or fcntl is None:
            continue
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            process, machine = _owner(handle)
            try:
                if process and machine == platform.node() and not is_running(process):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if _is_of(path, handle):
                        path.unlink()
            finally:
                os.close(handle)

"""Something happens to a command at its n-th change of the disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
ROOM = ("open", "os.mkdir")
EVERY = (*ROOM, "os.rename", "os.remove", "os.rmdir")
_watching: list[Callable[[str], None]] = []  # at most one; a hook stays for ever


def _hook(event: str, arguments: tuple) -> None:
    if not _watching:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes | os.PathLike) and flags & WRITING and _here(path):
            _watching[0](event)
    elif event in EVERY and _here(arguments[0]):
        _watching[0](event)


def _here(path) -> bool:
    return Path(os.fsdecode(path)).absolute().is_relative_to(Path.cwd())


sys.addaudithook(_hook)


@contextmanager
def at_change(
    number: int, happen: Callable[[], None], *, again: bool = False, events: tuple[str, ...] = ROOM
) -> Iterator[list[str]]:
    """Within the block call a function before the ``number``-th change below the working folder, and with ``again``
    before every later one. Gives a list of the changes so far, by default of those that need room: files opened to be
    written, and folders made."""
    count: list[str] = []

    def change(event: str) -> None:
        if event not in events:
            return
        count.append(event)
        if len(count) == number or (again and len(count) > number):
            _watching.remove(change)  # what the function does itself is not watched
            try:
                happen()
            finally:
                _watching.append(change)

    _watching.append(change)
    try:
        yield count
    finally:
        _watching.remove(change)

"""Ctrl-C and SIGTERM: what was done is saved first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """Stopped by a signal, with all that was trained saved."""


class Stopped:
    """True once a signal came."""

    def __init__(self) -> None:
        self.signalled = False

    def __bool__(self) -> bool:
        return self.signalled


@contextmanager
def nothing_lost() -> Iterator[None]:
    """Within the block nothing is trained: a Ctrl-C costs nothing."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted from error


@contextmanager
def stop_signals() -> Iterator[Stopped]:
    """Within the block the first Ctrl-C or SIGTERM sets the flag; a second one acts at once."""
    stopped = Stopped()
    handlers: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopped.signalled = True
        restore()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            handlers[number] = signal.signal(number, stop)
    except ValueError:  # not in the main thread: whoever runs us there handles signals
        handlers.clear()
    try:
        yield stopped
    finally:
        restore()

"""Ctrl-C and SIGTERM: what was done is saved first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rgaviz.interrupts import NUMBERS, Interruption


class Interrupted(Interruption):
    """Stopped by a signal, with all that was trained saved."""


class Stopped:
    """True once a signal came.

    Attributes:
        number: of the signal; that of Ctrl-C where none came, for another process may have got one.
    """

    def __init__(self) -> None:
        self.signalled = False
        self.number: int = signal.SIGINT

    def __bool__(self) -> bool:
        return self.signalled


@contextmanager
def nothing_lost() -> Iterator[None]:
    """Within the block nothing is trained: a Ctrl-C costs nothing."""
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as error:
        raise Interrupted(getattr(error, "number", signal.SIGINT)) from error


@contextmanager
def stop_signals() -> Iterator[Stopped]:
    """Within the block the first Ctrl-C or SIGTERM sets the flag; a second one acts at once."""
    stopped = Stopped()
    handlers: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.signalled, stopped.number = True, number
        restore()

    try:
        for number in NUMBERS:
            handlers[number] = signal.signal(number, stop)
    except ValueError:  # not in the main thread: whoever runs us there handles signals
        handlers.clear()
    try:
        yield stopped
    finally:
        restore()

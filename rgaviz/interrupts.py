"""Ctrl-C and SIGTERM, from a program's first moment to its last: no traceback, and what was begun is cleaned up."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)
AGAIN = 0.05  # seconds, while modules are loaded
IMPORT = "<frozen importlib._bootstrap>"  # the code that loads a module


class Interruption(KeyboardInterrupt):
    """A signal came.

    Attributes:
        number: of the signal.
        told: whether the user knows already what it has stopped.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = number
        self.told = False


def exit_code(error: KeyboardInterrupt) -> int:
    """What a program ends with that a signal has ended."""
    return 128 + getattr(error, "number", signal.SIGINT)


def run_program(load: Callable[[], Callable[[], None]]) -> None:
    """Run a program: a signal while it is loaded ends it silently, one when it has ended does nothing.

    Args:
        load: imports the program and gives it; it handles signals itself.
    """
    _handle(signal.SIG_DFL)
    try:
        load()()
    finally:
        _handle(signal.SIG_IGN)  # what Python does to end it is not disturbed


def _handle(handler: Any) -> None:
    for number in NUMBERS:
        if (
            signal.getsignal(number) != signal.SIG_IGN
        ):  # a program in the background may have to ignore Ctrl-C
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block a signal raises :class:`Interruption`; while a module is loaded, when that is done.

    Modules of C++ abort, or swallow it, where their import is interrupted. A second signal then ends the program at
    once, as the system does.
    """
    waiting: list[threading.Timer] = []
    before: dict[int, Any] = {}

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _importing(frame):
            raise Interruption(number)
        if waiting:
            signal.signal(number, signal.SIG_DFL)
        waiting.append(threading.Timer(0 if waiting else AGAIN, repeat, [number]))
        waiting[-1].daemon = True
        waiting[-1].start()

    def repeat(number: int) -> None:
        waiting.clear()  # this one is no second signal
        if hasattr(signal, "pthread_kill"):  # wakes the main thread
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        else:
            _thread.interrupt_main(signal.Signals(number))

    try:
        for number in NUMBERS:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, interrupt)
    except ValueError:  # not in the main thread: whoever runs us there handles signals
        before.clear()
    try:
        yield
    finally:
        for timer in waiting:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORT:
            return True
        frame = frame.f_back
    return False

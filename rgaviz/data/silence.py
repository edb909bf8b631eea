"""What libraries say of odd pictures on their own does not reach the terminal: our one line says it."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Callable
from typing import Any

from PIL import Image

logging.getLogger("PIL").addHandler(
    logging.NullHandler()
)  # else what it logs of odd files goes to the terminal


def _handlers() -> list[Callable[[Any], Any]]:
    """Of libtiff, which writes to standard error by itself: what sets where errors and warnings go, and gives the last.

    None where Pillow does not show its libtiff, which may be a part of itself.
    """
    try:
        library = ctypes.CDLL(Image.core.__file__)  # a look-up goes on in what it is linked with
        found = [library.TIFFSetErrorHandler, library.TIFFSetWarningHandler]
    except (OSError, AttributeError):
        return []
    for each in found:
        each.argtypes, each.restype = [ctypes.c_void_p], ctypes.c_void_p
    return found


class _Silence:
    """No warnings of Pillow's and libtiff's about odd files, while any thread is reading one.

    ``warnings.catch_warnings`` swaps the filters of the whole process, and libtiff has one handler for all threads: if
    each did so they would restore them in the wrong order, so the first one in swaps them and the last one out puts
    them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._handlers = _handlers()

    def __enter__(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
                self._before = [swap(None) for swap in self._handlers]
            self._readers += 1

    def __exit__(self, *fault: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                self._filters.__exit__(None, None, None)
                for swap, before in zip(self._handlers, self._before, strict=True):
                    swap(before)


SILENCE = _Silence()

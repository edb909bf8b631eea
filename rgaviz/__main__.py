"""The program ``rgaviz``, also as ``python -m rgaviz``.

Whatever loads it is the program: from the first line on Ctrl-C ends it as the system does, without a traceback.
"""

from __future__ import annotations

# The part of signal that is built into Python, and so is there at once.
import _signal  # pyright: ignore[reportMissingImports]

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from collections.abc import Callable

from rgaviz.interrupts import run_program


def load() -> Callable[[], None]:
    """The command line, whose import takes a while."""
    from rgaviz.cli import main

    return main


def main() -> None:
    """Entry point of the program."""
    run_program(load)


if __name__ == "__main__":
    main()

"""The program ``rgaviz``, also as ``python -m rgaviz``."""

from __future__ import annotations

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

"""Files of names: what the numbers in labels stand for."""

from __future__ import annotations

from pathlib import Path

from rgaviz.errors import RgavizError, one_line
from rgaviz.regular import read_regular

CLASSES = "classes.txt"
LARGEST = 2**16  # bytes of that file


def lines_of(path: Path) -> list[str]:
    """The lines of such a file, the first one for the number 0; empty ones at the end do not count.

    Raises:
        RgavizError: it cannot be read.
    """
    try:
        lines = read_regular(path, LARGEST).decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise RgavizError(
            f"{path} cannot be read ({one_line(error)}): write the name of a value on each line."
        ) from error
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    return names

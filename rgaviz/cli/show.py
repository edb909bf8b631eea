"""What commands tell: progress and notes on standard error, so that standard output stays for the answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rgaviz.errors import printable, shortened
from rgaviz.progress import is_main_process


def track(items: Iterable[Any], *, total: int, description: str) -> Iterable[Any]:
    """A loop with a progress bar on a terminal, which vanishes when it is done."""
    from rich.markup import escape
    from rich.progress import track as bar

    err = console(stderr=True)
    if not (err.is_terminal and is_main_process()):
        return items
    shown = escape(printable(description))  # the bar's own columns read markup
    return bar(items, total=total, description=shown, console=err, transient=True)


def console(**options: Any) -> Any:
    """A console of rich that takes texts as they are: a name from a file may look like markup or an emoji."""
    from rich.console import Console

    return Console(markup=False, emoji=False, **options)


def cells(texts: Iterable[str]) -> list[str]:
    """Cells of a table: names from files may hold what moves the cursor."""
    return [printable(text) for text in texts]


def tell_left_out(pages: int, folder: Path) -> None:
    """Say that a long figure was not drawn to its end, and how it is."""
    if pages:
        again = shlex.join(["rgaviz", "redraw", str(folder), "--pages", "0"])
        say(f"Note: {pages} more pages were not drawn; all of them:", typed=again)


def tell_failures(failures: Sequence[str], done: int | None = None) -> None:
    """A line for each picture left out, and how many these are where it is told how many others are ``done``."""
    for failure in failures:
        say(f"Error: {failure}")
    if failures and done is not None:
        say(f"{len(failures)} of {len(failures) + done} pictures left out.")


def give(text: object) -> None:
    """A line of the answer, such as the path of a file: for programs as it is, for a terminal printable."""
    print(printable(text) if sys.stdout.isatty() else text, flush=True)  # at once, in a pipe too


def say(text: str, typed: str = "") -> None:
    """A line beside the answer; a command to be pasted stands whole at its end."""
    print(shortened(text, typed=typed), file=sys.stderr)

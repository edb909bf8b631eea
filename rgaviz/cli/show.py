"""What commands tell: progress and notes on standard error, so that standard output stays for the answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rgaviz.progress import is_main_process


def track(items: Iterable[Any], *, total: int, description: str) -> Iterable[Any]:
    """A loop with a progress bar on a terminal, which vanishes when it is done."""
    from rich.console import Console
    from rich.progress import track as bar

    console = Console(stderr=True)
    if not (console.is_terminal and is_main_process()):
        return items
    return bar(items, total=total, description=description, console=console, transient=True)


def tell_left_out(pages: int, folder: Path) -> None:
    """Say that a long figure was not drawn to its end, and how it is."""
    if pages:
        again = shlex.join(["rgaviz", "redraw", str(folder), "--pages", "0"])
        say(f"Note: {pages} more pages were not drawn; all of them: {again}")


def say(text: str) -> None:
    """A line beside the answer."""
    print(text, file=sys.stderr)

"""What commands tell: progress and notes on standard error, so that standard output stays for the answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rgaviz.progress import is_main_process

WIDEST = 400  # characters that a table of measurements may need


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


def show_measured(answer: Mapping[str, Any], table: Any) -> None:
    """Measurements for people: the table, where they were taken, and the files."""
    from rich.console import Console

    from rgaviz.analysis.tables import described

    console = Console()
    # A line too long for the terminal goes on in the next one: a figure that is cut off is worse.
    console.width = max(console.width, Console(width=WIDEST).measure(table).maximum)
    console.print(table)
    console.print(described(answer), highlight=False, soft_wrap=True)
    for path in answer["files"]:
        print(path)


def measured_table(first: str, others: Sequence[str]) -> Any:
    """An empty table whose columns but the first hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(first, box=SIMPLE_HEAD, pad_edge=False)
    for name in others:
        table.add_column(name, justify="right")
    return table

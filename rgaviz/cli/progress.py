"""Progress on standard error, so that standard output stays for the answer."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any


def track(items: Iterable[Any], *, total: int, description: str) -> Iterable[Any]:
    """A loop with a progress bar on a terminal, which vanishes when it is done."""
    from rich.console import Console
    from rich.progress import track as bar

    console = Console(stderr=True)
    if not (console.is_terminal and is_main_process()):
        return items
    return bar(items, total=total, description=description, console=console, transient=True)


def is_main_process() -> bool:
    """Whether this is the process that writes, under torchrun or alone."""
    return os.environ.get("RANK", "0") == "0"

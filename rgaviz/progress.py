"""How long work tells what it does: a loop with a progress bar or without, and a line beside the answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

# Called with an iterable, total= and description=; shows a progress bar, or not.
Track = Callable[..., Iterable[Any]]
Say = Callable[[str], None]


def silent(items: Iterable[Any], **_: Any) -> Iterable[Any]:
    """A loop without a progress bar."""
    return items


def hush(text: str) -> None:
    """A line that nobody wants."""


def process_rank() -> int:
    """The number of this process among those that torchrun has started; 0 alone."""
    return int(os.environ.get("RANK", "0"))


def process_count() -> int:
    """How many processes torchrun has started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this is the process that writes, under torchrun or alone."""
    return not process_rank()

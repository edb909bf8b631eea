"""Who listens to a training, and what is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from rgaviz.progress import silent
from rgaviz.tasks import Task


@dataclass(frozen=True)
class Step:
    """Where a training stands; ``means`` are those of this epoch so far, the loss first."""

    network: str
    epoch: int
    epochs: int
    step: int
    steps: int
    means: dict[str, float]
    images_per_second: float


class Report(Protocol):
    """Who listens to a training."""

    def say(self, text: str) -> None:
        """Something to know, in a line."""

    def start(self, network: str, epoch: int, epochs: int, task: Task) -> None:
        """A network begins, or goes on, at ``epoch``."""

    def step(self, step: Step) -> None:
        """Some steps were made."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch ended; ``row`` is its line of metrics.csv."""


class Silent(Report):
    """Nobody listens."""

    track = staticmethod(silent)

"""Who listens to a training, and what is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rgaviz.errors import RgavizError
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

    def track(self, items: Iterable[Any], *, total: int, description: str) -> Iterable[Any]:
        """A loop over ``total`` items, with what it does in words."""
        return items

    def plan(self, networks: Sequence[str], epochs: int) -> None:
        """These networks are going to be trained, each for so many epochs."""

    def start(self, network: str, epoch: int, epochs: int, task: Task) -> None:
        """A network begins, or goes on, at ``epoch``."""

    def step(self, step: Step) -> None:
        """Some steps were made."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch ended; ``row`` is its line of metrics.csv."""


class Silent(Report):
    """Nobody listens."""


class TensorBoard(Report):
    """Writes the rows for TensorBoard, beside whoever else listens.

    Args:
        report: the other listener.
        folder: of the log.

    Raises:
        RgavizError: TensorBoard is not installed.
    """

    def __init__(self, report: Report, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise RgavizError('TensorBoard is not installed: pip install "rgaviz[tensorboard]"') from None
        self.report, self.writer = report, SummaryWriter(folder)

    def say(self, text: str) -> None:
        self.report.say(text)

    def track(self, items: Iterable[Any], *, total: int, description: str) -> Iterable[Any]:
        return self.report.track(items, total=total, description=description)

    def plan(self, networks: Sequence[str], epochs: int) -> None:
        self.report.plan(networks, epochs)

    def start(self, network: str, epoch: int, epochs: int, task: Task) -> None:
        self.report.start(network, epoch, epochs, task)

    def step(self, step: Step) -> None:
        self.report.step(step)

    def epoch(self, row: dict[str, Any]) -> None:
        self.report.epoch(row)
        for name, value in row.items():
            if name.startswith(("train_", "test_")):
                self.writer.add_scalar(f"{row['network']}/{name}", value, row["epoch"])
        self.writer.flush()

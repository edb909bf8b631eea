"""The contract of a task: all that differs between networks for different purposes.

Training, evaluating, explaining and tabulating know no class and no ranking; they ask the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from rgaviz.data.batches import evaluation_batches
from rgaviz.data.splits import Split
from rgaviz.explain.targets import Target
from rgaviz.progress import Track, silent

BATCH = 512  # images measured at once

Parts = Callable[[str], Split]  # the images of a part by its name: "train", "test"; read when asked for


class Measure(NamedTuple):
    """A number that tells how good a network is.

    Attributes:
        key: its name in ``Evaluation.figures``; in files ``test_<key>``, and ``train_<key>`` where the loss tells it.
        title: for people.
        unit: behind a value; "" of a plain number.
        least: whether less is better.
        wanted: what is good about a good value, where that has a name of its own.
    """

    key: str
    title: str
    unit: str = "%"
    least: bool = False
    wanted: str = ""

    @property
    def label(self) -> str:
        """Title and unit, e.g. ``error (%)``."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def number(self, value: float) -> str:
        """A value without its unit, e.g. ``12.34``."""
        return f"{value:.2f}" if self.unit else f"{value:.3f}"

    def text(self, value: float) -> str:
        """A value with its unit, e.g. ``12.34%``."""
        return f"{self.number(value)}{self.unit}"


class Table(NamedTuple):
    """Numbers with names.

    Attributes:
        corner: what the rows and columns are, above the names of the rows.
        columns: names.
        rows: names.
        values: a list per row; None where there is nothing to measure.
    """

    corner: str
    columns: list[str]
    rows: list[str]
    values: list[list[Any]]

    def lines(self) -> list[list[Any]]:
        """As a CSV file has it, the header first."""
        named = ([name, *row] for name, row in zip(self.rows, self.values, strict=True))
        return [[self.corner, *self.columns], *named]

    def plain(self) -> dict[str, Any] | list[list[Any]]:
        """As JSON has it: a single column by the names of the rows, else the values alone."""
        if len(self.columns) == 1:
            return {name: row[0] for name, row in zip(self.rows, self.values, strict=True)}
        return self.values


@dataclass(frozen=True)
class Evaluation:
    """What came of measuring a network.

    Attributes:
        figures: one number per key, those of all measures among them.
        tables: by name.
    """

    figures: dict[str, float]
    tables: dict[str, Table] = field(default_factory=dict)


class Line(NamedTuple):
    """A line under a panel, and whether what it says is right, where that is known."""

    text: str
    right: bool | None = None


class Told(NamedTuple):
    """What a network says of one picture.

    Attributes:
        lines: for people, under a panel.
        values: for ``--json``.
        says: the answer in a word, as ``Target.about`` would name it; "" where there is none.
    """

    lines: list[Line]
    values: dict[str, Any]
    says: str = ""


def _alone(value: Tensor) -> Tensor:
    return value


@dataclass(frozen=True)
class How:
    """Where and how a network is measured.

    Attributes:
        classes: names of the classes.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        device: the network's.
        precision: to multiply in; bfloat16 means autocast.
        batch_size: images at once.
        rank: of this process.
        processes: number of processes.
        sum: over all processes, on the CPU.
        track: wraps the loop, for a progress bar.
        title: of the progress bar.
    """

    classes: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]
    device: torch.device
    precision: torch.dtype = torch.float32
    batch_size: int = BATCH
    rank: int = 0
    processes: int = 1
    sum: Callable[[Tensor], Tensor] = _alone
    track: Track = silent
    title: str = ""

    def batches(self, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's share of the images, (b, 3, H, W) normalised, and their labels (b,), on the device."""
        batches = evaluation_batches(
            split.to(self.device),
            batch_size=self.batch_size,
            mean=self.mean,
            std=self.std,
            rank=self.rank,
            processes=self.processes,
        )
        count = -(-len(split) // (self.batch_size * self.processes))
        yield from self.track(batches, total=count, description=self.title)

    def autocast(self) -> torch.autocast:
        """The block in which the network computes."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)


class Task(Protocol):
    """What a network is for.

    Attributes:
        name: a key of ``TASKS``, written into checkpoints.
        heads: the heads of networks that it trains, the usual one first.
        measures: what is measured, the headline first.
    """

    name: str
    heads: tuple[str, ...]
    measures: tuple[Measure, ...]

    def order(self, split: Split, config: Any, draw: torch.Generator) -> list[Tensor]:
        """The batches of an epoch, indices (batch_size,) each.

        Args:
            split: the images to learn from.
            config: the recipe's ``[train]``.
            draw: what to draw from.
        """
        ...

    def outputs(self, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        """All that the loss needs of a network, in one pass over images (b, 3, H, W); runs compiled, under autocast."""
        ...

    def loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: Any) -> dict[str, Tensor]:
        """``loss``, which is minimised, and what else is to be told of the training; each a mean over the images.

        Args:
            outputs: of :meth:`outputs`, float32.
            targets: labels (b, ...).
            config: the recipe's ``[train]``.
        """
        ...

    def evaluate(self, model: nn.Module, parts: Parts, how: How) -> Evaluation:
        """Measure a network, which is left in eval mode."""
        ...

    def scored(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        """What a target scores: images (B, 3, H, W) -> output (B, ...)."""
        ...

    def target(self, text: str, names: Sequence[str], read: Callable[[str], Tensor]) -> Target:
        """What ``--target`` names.

        Args:
            text: as typed.
            names: of the network's classes.
            read: a picture's path -> the network's input (1, 3, H, W), where a target is a picture.

        Raises:
            UnknownNameError: no such target.
        """
        ...

    def told(self, output: Tensor, names: Sequence[str], truth: Sequence[str | None]) -> list[Told]:
        """What a network says of each picture.

        Args:
            output: (B, ...) of :meth:`scored`.
            names: of the network's classes.
            truth: what each picture shows, None where that is not known.
        """
        ...


def headline(task: Task) -> Measure:
    """The measure that stands for a network in a table."""
    return task.measures[0]

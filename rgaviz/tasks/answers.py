"""What a task answers: measures and tables of a network, and what it says of a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from rgaviz.tasks.evidence import Evidence
    from rgaviz.tasks.ranking import Ranking


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
        return f"{value:z.2f}" if self.unit else f"{value:z.3f}"

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
        decimals: of a value that people are told.
    """

    corner: str
    columns: list[str]
    rows: list[str]
    values: list[list[Any]]
    decimals: int = 1

    def lines(self) -> list[list[Any]]:
        """As a CSV file has it, the header first."""
        named = ([name, *row] for name, row in zip(self.rows, self.values, strict=True))
        return [[self.corner, *self.columns], *named]

    def told(self) -> dict[str, str]:
        """The values of a single column for people, by the names of the rows; none of several columns."""
        if len(self.columns) != 1:
            return {}
        values = (row[0] for row in self.values)
        texts = ("-" if value is None else f"{value:z.{self.decimals}f}" for value in values)
        return dict(zip(self.rows, texts, strict=True))

    def plain(self) -> dict[str, Any] | list[list[Any]]:
        """As JSON has it: by the names of rows and columns; without those of a single column or of a square."""
        if self.columns == self.rows:
            return self.values
        named = zip(self.rows, self.values, strict=True)
        if len(self.columns) == 1:
            return {name: row[0] for name, row in named}
        return {name: dict(zip(self.columns, row, strict=True)) for name, row in named}


@dataclass(frozen=True)
class Evaluation:
    """What came of measuring a network.

    Attributes:
        figures: one number per key, those of all measures among them.
        tables: by name.
        ranking: the order of a gallery for each query, where that is what was measured.
        notes: what a reader of the numbers must know, a line each.
        evidence: what each picture adds to the measures that stand in tables; None where that is not kept.
    """

    figures: dict[str, float]
    tables: dict[str, Table] = field(default_factory=dict)
    ranking: Ranking | None = None
    notes: list[str] = field(default_factory=list)
    evidence: Evidence | None = None


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
        labels: the class of every pixel (H, W) uint8, by its place among the network's; None where it tells none.
    """

    lines: list[Line]
    values: dict[str, Any]
    says: str = ""
    labels: np.ndarray | None = None


class Confidence(NamedTuple):
    """How far a network holds to what it says of a picture when the picture is changed.

    Attributes:
        scores: outputs (b, ...) of variants of the picture -> (b,); NaN where the network says nothing of the kind.
        title: what the score is, in words.
        rises: whether it can be greater than for the picture as it is.
    """

    scores: Callable[[Tensor], Tensor]
    title: str
    rises: bool = True

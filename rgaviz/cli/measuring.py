"""What the commands that measure costs share: their options, and how the answer is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.groups import Group
from rgaviz.cli.options import Device, flag
from rgaviz.cli.show import console, give

if TYPE_CHECKING:
    from rgaviz.analysis.cost import Profile
    from rgaviz.analysis.growth import Growth
    from rgaviz.analysis.tables import Costs

WIDEST = 400  # characters that a table of measurements may need


@dataclass(frozen=True)
class Measuring(Group):
    """How to measure: arguments of ``rgaviz.analysis.cost.profile`` and ``rgaviz.analysis.growth.growth``."""

    batch_size: Annotated[int, typer.Option(help="Images or maps in a batch.")] = 1
    train: Annotated[bool, flag("--train", help="Measure a training step, not inference.")] = False
    precision: Annotated[
        str,
        typer.Option(help="fp32, bf16 or auto.", autocompletion=completion.one(completion.PRECISIONS)),
    ] = "fp32"
    repeats: Annotated[int, typer.Option(min=2, help="Timed rounds.")] = 11
    device: Device = "auto"


def tell_costs(answer: Costs, table: Any, *, as_json: bool) -> None:
    """Tell the measurements: as JSON, or for people the table, where they were taken, and the files."""
    if as_json:
        print(json.dumps(answer.to_dict(), indent=1))
        return
    from rgaviz.analysis.tables import described

    shown = console()
    # A line too long for the terminal goes on in the next one: a figure that is cut off is worse.
    shown.width = max(shown.width, console(width=WIDEST).measure(table).maximum)
    shown.print(table)
    shown.print(described(answer), highlight=False, soft_wrap=True)
    for path in answer.files:
        give(path)


def measured_table(first: str, others: Sequence[str]) -> Any:
    """An empty table whose columns but the first hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(first, box=SIMPLE_HEAD, pad_edge=False)
    for name in others:
        table.add_column(name, justify="right")
    return table


def network_table(answer: Profile) -> Any:
    """A line per network; behind each figure how many times the baseline's it is. Times are of one batch."""
    from rgaviz.analysis.tables import number

    measured = [answer.measure.label] if answer.measure else []
    columns = [
        "params (M)",
        "GMACs",
        "ms",
        "quartiles",
        "MiB",
        *measured,
    ]
    table = measured_table("attention", columns)
    for row in answer.rows:
        line = [
            f"{row['parameters'] / 1e6:.2f}{times(row['parameters_ratio'])}",
            f"{row['macs'] / 1e9:.3g}{times(row['macs_ratio'])}",
            f"{number(row['latency_ms'], digits=3)}{times(row['latency_ratio'])}",
            f"{number(row['latency_q1_ms'], digits=3)}-{number(row['latency_q3_ms'], digits=3)}",
            f"{number(row['memory_mib'], digits=3)}{times(row['memory_ratio'])}",
        ]
        table.add_row(row["attention"], *line, *(answer.measured(row, "±") for _ in measured))
    return table


def times(ratio: float | None) -> str:
    """How many times the baseline's, as far as known."""
    return "" if ratio is None else f" {ratio:.2f}x"


def growth_table(answer: Growth) -> Any:
    """A line per module and size, below them the exponents."""
    from rgaviz.analysis.tables import number

    axis = answer.machine["scale_with"]
    table = measured_table("attention", [axis, "parameters", "MACs", "ms", "MiB"])
    for row in answer.rows:
        counts = (f"{row[key]:,}" for key in ("parameters", "macs"))
        figures = number(row["latency_ms"], digits=3), number(row["memory_mib"], 2)
        table.add_row(row["attention"], str(row[axis]), *counts, *figures)
    table.add_section()
    for name, exponents in answer.exponents.items():
        table.add_row(name, f"{axis}^p, p =", "", "", *(number(value, 2) for value in exponents.values()))
    return table

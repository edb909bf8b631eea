"""Tables of measurements as CSV and LaTeX, beside a figure or without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.outputs import Output, record_files
from rgaviz.writing import atomic_write, csv_bytes

if TYPE_CHECKING:
    from rgaviz.figures.style import FigureOptions

TEX = "% Written by rgaviz"
OPENINGS = {"csv": "attention,", "tex": TEX}  # suffix -> how a table begins

Tables = dict[str, bytes]  # suffix -> content
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What came of measuring costs.

    Attributes:
        machine: where and how it was measured.
        rows: the numbers, a row for each thing that was measured.
        notes: a line for everything that was left out.
        files: the figure, then the tables.
    """

    machine: dict[str, Any]
    rows: list[dict[str, Any]]
    notes: list[str]
    files: list[Path] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "files": [str(path) for path in self.files]}


def write_tables(output: Output, tables: Tables) -> list[Path]:
    """Write the tables under the figure's name."""
    paths = []
    for suffix, content in tables.items():
        paths.append(output.stem.with_name(f"{output.stem.name}.{suffix}"))
        atomic_write(paths[-1], content)
    return paths


def write_figure(
    output: Output,
    head: Mapping[str, Any],
    numbers: Mapping[str, Rows],
    options: FigureOptions,
    tables: Tables,
) -> list[Path]:
    """Write a results folder with these numbers, draw its figure, and write the tables beside it.

    Args:
        output: a place that has been claimed.
        head: of the manifest, without what is added here.
        numbers: name -> table that the figure is drawn from.
        options: how the figure shall look.
        tables: for the paper.
    """
    from rgaviz.analysis.request import versions
    from rgaviz.figures.draw import draw, record_options
    from rgaviz.results.writer import ResultsWriter

    with ResultsWriter(
        output.folder, {**head, "versions": versions(), "figure": record_options(options)}
    ) as writer:
        for name, rows in numbers.items():
            writer.table(name, rows)
    names = (*options.formats, *tables)  # claimed, so ours from here on
    record_files(output.folder, [output.stem.with_name(f"{output.stem.name}.{name}") for name in names])
    return [*draw(output.folder, output, options).paths, *write_tables(output, tables)]


def number(value: float | None, decimals: int = 1, digits: int | None = None) -> str:
    """A number with so many decimals or significant digits; a dash for None."""
    if value is None:
        return "--"
    if digits is None:
        return f"{round(value, decimals) + 0.0:.{decimals}f}"  # never -0.0
    return f"{value:.{digits}g}" if value < 10**digits else f"{value:.0f}"


def csv_table(answer: Costs) -> bytes:
    """A line per row; what is the same for all of them, the machine and the settings, behind."""
    keys = dict.fromkeys(key for row in answer.rows for key in row)
    lines = [[cell(row.get(key)) for key in keys] for row in answer.rows]
    same = answer.machine
    return csv_bytes([[*keys, *same], *([*line, *same.values()] for line in lines)])


def cell(value: Any) -> Any:
    """A value as the CSV has it: six digits, empty for None."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def tex_table(command: str, answer: Costs, header: Sequence[str], cells: Rows) -> bytes:
    r"""A ``tabular`` with the rules of booktabs; the first comment says where it was measured."""
    from rgaviz.runs.table import tabular

    comments = [f"{TEX} {command}; needs \\usepackage{{booktabs}}", f"% {described(answer)}"]
    return "\n".join([*comments, *tabular(header, cells), ""]).encode()


def described(answer: Costs) -> str:
    """Where and how it was measured, in one line."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in answer.machine.items())

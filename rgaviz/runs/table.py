"""Tables of a paper from finished runs: a row per network, a column per data set, means over seeds."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from rgaviz.checkpoint import RESUME_SUFFIX, load_checkpoint
from rgaviz.checkpoint import Checkpoint
from rgaviz.errors import CheckpointError, RgavizError, lookup
from rgaviz.models import count_parameters
from rgaviz.runs.papers import paper_table
from rgaviz.runs.read import Row, mean_and_std

DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}

Table = tuple[list[str], list[list[str]], set[tuple[int, int]]]  # header, cells, cells to print in bold


def _columns(rows: Sequence[Row], reported: Mapping[tuple[str, str], Mapping[str, float]]) -> dict[str, bool]:
    """The data sets of a table, and whether the paper has a figure of one of these networks for it."""
    names = sorted({name for row in rows for name in row.errors}, key=lambda name: (len(name), name))
    return {name: any(name in reported.get((row.arch, row.attention), {}) for row in rows) for name in names}


def lay_out(rows: Sequence[Row], paper: str | None = None) -> Table:
    """Cells of the table; the least error of each family and data set is to be bold.

    Args:
        rows: from :func:`read_runs`.
        paper: a key of ``PAPERS`` whose figures stand beside ours.
    """
    reported = paper_table(paper) if paper else {}
    columns = _columns(rows, reported)
    header = ["Model", "Depth", "Params", "Epochs", "Seeds"]
    for name, beside in columns.items():
        title = DATASETS.get(name, name)
        header += [f"{title} error (%)", *([f"{title}, paper"] if beside else [])]
    cells, bold = [], set()
    for number, row in enumerate(rows):
        line = [row.model, row.depth, _parameters(row), str(row.epochs), _seeds(row)]
        for name, beside in columns.items():
            if name in row.errors and _is_best(row, rows, name):
                bold.add((number, len(line)))
            line.append(_error(row.errors.get(name)))
            if beside:
                value = reported.get((row.arch, row.attention), {}).get(name)
                line.append("" if value is None else f"{value:.2f}")
        cells.append(line)
    return header, cells, bold


def _is_best(row: Row, rows: Sequence[Row], dataset: str) -> bool:
    """Whether no other of its family has a smaller mean, as printed; alone in its family nothing is best."""
    family = [each for each in rows if each.family == row.family and dataset in each.errors]
    means = [round(statistics.mean(each.errors[dataset].values()), 2) for each in family]
    return len(family) > 1 and round(statistics.mean(row.errors[dataset].values()), 2) == min(means)


def _error(errors: Mapping[int, float] | None) -> str:
    """Mean and sample standard deviation; of one seed the value alone."""
    mean, std = mean_and_std(errors or {})
    return "" if mean is None else f"{mean:.2f}" if std is None else f"{mean:.2f} ± {std:.2f}"


def _parameters(row: Row) -> str:
    """In millions; more than one where the number of classes shows."""
    counts = (count / 1e6 for _, count in sorted(row.parameters.items()))
    shown = dict.fromkeys(f"{count:.2f}M" if count >= 1 else f"{count:.3f}M" for count in counts)
    return " / ".join(shown)


def _seeds(row: Row) -> str:
    counts = sorted({len(errors) for errors in row.errors.values()})
    return "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))

CAPTION = (
    "Test error (%) after the last epoch, mean ± standard deviation over seeds; "
    "the least error of each kind of network in bold."
)


def markdown(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a Markdown table."""
    header, cells, bold = lay_out(rows, paper)
    lines = [header, ["---"] * len(header), *_marked(cells, bold, "**{}**")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{CAPTION}\n"


def latex(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a LaTeX ``table`` with the rules of booktabs."""
    header, cells, bold = lay_out(rows, paper)
    escaped = [[_tex(cell) for cell in line] for line in cells]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(CAPTION)}}}",
            *tabular([_tex(name) for name in header], _marked(escaped, bold, r"\textbf{{{}}}")),
            r"\end{table}",
            "",
        ]
    )


def tabular(header: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a LaTeX ``tabular`` with the rules of booktabs; the cells are TeX already."""
    return [
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"\toprule",
        " & ".join(header) + r" \\",
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in cells),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def comma_separated(rows: Sequence[Row], paper: str | None = None) -> str:
    """As CSV: numbers as they are, mean and standard deviation in columns of their own."""
    reported = paper_table(paper) if paper else {}
    columns = _columns(rows, reported)
    header = ["model", "depth", "epochs"]
    for name, beside in columns.items():
        header += [f"{name}_{what}" for what in ("parameters", "seeds", "error_mean", "error_std")]
        header += [f"{name}_paper"] if beside else []
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        line: list[Any] = [row.model, row.depth, row.epochs]
        for name, beside in columns.items():
            mean, std = mean_and_std(row.errors.get(name, {}))
            line += [row.parameters.get(name), len(row.errors.get(name, {})), mean, std]
            line += [reported.get((row.arch, row.attention), {}).get(name)] if beside else []
        writer.writerow(line)
    return text.getvalue()


def as_json(rows: Sequence[Row], paper: str | None = None) -> str:
    """As JSON, with the error of every seed."""
    reported = paper_table(paper) if paper else None
    return json.dumps([_plain(row, reported) for row in rows], indent=1) + "\n"


def _plain(row: Row, reported: Mapping[tuple[str, str], Mapping[str, float]] | None) -> dict[str, Any]:
    errors = {}
    for name, values in row.errors.items():
        mean, std = mean_and_std(values)
        seeds = {str(seed): error for seed, error in sorted(values.items())}
        errors[name] = {"mean": mean, "std": std, "by_seed": seeds}
    return {
        "model": row.model,
        "arch": row.arch,
        "attention": row.attention,
        "depth": row.depth,
        "epochs": row.epochs,
        "parameters": row.parameters,
        "error": errors,
        **({} if reported is None else {"paper": dict(reported.get((row.arch, row.attention), {}))}),
    }

FORMATS = {"markdown": markdown, "latex": latex, "csv": comma_separated, "json": as_json}
# How a file of each format begins: what begins otherwise was not written here.
OPENINGS = {"markdown": "| Model |", "latex": "% needs", "csv": "model,depth", "json": "["}


def _marked(cells: Sequence[Sequence[str]], bold: set[tuple[int, int]], mark: str) -> list[list[str]]:
    return [
        [mark.format(cell) if (number, column) in bold else cell for column, cell in enumerate(line)]
        for number, line in enumerate(cells)
    ]


def _tex(text: str) -> str:
    """Text with TeX's special characters escaped."""
    for sign in "&%_#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("±", r"$\pm$").replace("–", "--")

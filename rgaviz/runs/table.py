"""Tables of a paper from finished runs: a row per network, a column per data set, means over seeds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rgaviz.runs.papers import Figures, paper_table
from rgaviz.runs.read import Row, mean_and_std
from rgaviz.tasks import Measure
from rgaviz.writing import csv_bytes

DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}

Table = tuple[list[str], list[list[str]], set[tuple[int, int]]]  # header, cells, cells to print in bold


class Column(NamedTuple):
    """Of a data set: what is measured on it, and whether the paper has a figure of one of these networks."""

    measure: Measure
    beside: bool


def _columns(rows: Sequence[Row], reported: Figures) -> dict[str, Column]:
    """The data sets of a table."""
    measures = {name: row.measure for row in reversed(rows) for name in row.values}
    names = sorted(measures, key=lambda name: (len(name), name))
    there = {name for row in rows for name in reported.get((row.arch, row.attention), {})}
    return {name: Column(measures[name], name in there) for name in names}


def lay_out(rows: Sequence[Row], paper: str | None = None) -> Table:
    """Cells of the table; the best of each family and data set is to be bold.

    Args:
        rows: from :func:`read_runs`.
        paper: a key of ``PAPERS`` whose figures stand beside ours.
    """
    reported = paper_table(paper) if paper else {}
    columns = _columns(rows, reported)
    header = ["Model", "Depth", "Params", "Epochs", "Seeds"]
    for name, (measure, beside) in columns.items():
        title = DATASETS.get(name, name)
        header += [f"{title} {measure.label}", *([f"{title}, paper"] if beside else [])]
    cells, bold = [], set()
    for number, row in enumerate(rows):
        line = [row.model, row.depth, _parameters(row), str(row.epochs), _seeds(row)]
        for name, (_, beside) in columns.items():
            if name in row.values and _is_best(row, rows, name):
                bold.add((number, len(line)))
            line.append(_spread(row.measure, row.values.get(name)))
            if beside:
                value = reported.get((row.arch, row.attention), {}).get(name)
                line.append("" if value is None else row.measure.number(value))
        cells.append(line)
    return header, cells, bold


def _is_best(row: Row, rows: Sequence[Row], dataset: str) -> bool:
    """Whether no other of its family has a better mean, as printed; alone in its family nothing is best."""
    family = [each for each in rows if each.family == row.family and dataset in each.values]
    means = [_printed(each, dataset) for each in family]
    best = min(means) if row.measure.least else max(means)
    return len(family) > 1 and _printed(row, dataset) == best


def _printed(row: Row, dataset: str) -> float:
    return float(row.measure.number(statistics.mean(row.values[dataset].values())))


def _spread(measure: Measure, by_seed: Mapping[int, float] | None) -> str:
    """Mean and sample standard deviation; of one seed the value alone."""
    mean, std = mean_and_std(by_seed or {})
    return " ± ".join(measure.number(value) for value in (mean, std) if value is not None)


def _parameters(row: Row) -> str:
    """In millions; more than one where the number of classes shows."""
    counts = (count / 1e6 for _, count in sorted(row.parameters.items()))
    shown = dict.fromkeys(f"{count:.2f}M" if count >= 1 else f"{count:.3f}M" for count in counts)
    return " / ".join(shown)


def _seeds(row: Row) -> str:
    counts = sorted({len(seeds) for seeds in row.values.values()})
    return "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


def _caption(rows: Sequence[Row]) -> str:
    measures = dict.fromkeys(row.measure for row in rows)
    best = (f"the {'least' if each.least else 'greatest'} {each.title}" for each in measures)
    return (
        f"Test {', '.join(each.label for each in measures)} after the last epoch, mean ± standard deviation over "
        f"seeds; {', '.join(best)} of each kind of network in bold."
    )


def markdown(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a Markdown table."""
    header, cells, bold = lay_out(rows, paper)
    lines = [header, ["---"] * len(header), *_marked(cells, bold, "**{}**")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{_caption(rows)}\n"


def latex(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a LaTeX ``table`` with the rules of booktabs."""
    header, cells, bold = lay_out(rows, paper)
    escaped = [[tex(cell) for cell in line] for line in cells]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{tex(_caption(rows))}}}",
            *tabular([tex(name) for name in header], _marked(escaped, bold, r"\textbf{{{}}}")),
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
    for name, (measure, beside) in columns.items():
        means = (f"{measure.key}_mean", f"{measure.key}_std")
        header += [f"{name}_{what}" for what in ("parameters", "seeds", *means)]
        header += [f"{name}_paper"] if beside else []
    lines = [header]
    for row in rows:
        line: list[Any] = [row.model, row.depth, row.epochs]
        for name, (_, beside) in columns.items():
            by_seed = row.values.get(name, {})
            line += [row.parameters.get(name), len(by_seed), *mean_and_std(by_seed)]
            line += [reported.get((row.arch, row.attention), {}).get(name)] if beside else []
        lines.append(line)
    return csv_bytes(lines).decode()


def as_json(rows: Sequence[Row], paper: str | None = None) -> str:
    """As JSON, with the value of every seed."""
    reported = paper_table(paper) if paper else None
    return json.dumps([_plain(row, reported) for row in rows], indent=1) + "\n"


def _plain(row: Row, reported: Figures | None) -> dict[str, Any]:
    measured = {}
    for name, by_seed in row.values.items():
        mean, std = mean_and_std(by_seed)
        seeds = {str(seed): value for seed, value in sorted(by_seed.items())}
        measured[name] = {"mean": mean, "std": std, "by_seed": seeds}
    return {
        "model": row.model,
        "arch": row.arch,
        "attention": row.attention,
        "depth": row.depth,
        "epochs": row.epochs,
        "parameters": row.parameters,
        row.measure.key: measured,
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


def tex(text: str) -> str:
    """Text with TeX's special characters escaped."""
    for sign in "&%_#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("±", r"$\pm$").replace("–", "--")

"""Tables of a paper from finished runs, in the formats of papers: means over seeds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rgaviz.runs.layout import DATASETS, SETTINGS, Column, columns_of, lay_out, others_of
from rgaviz.runs.papers import NOTHING, Paper, paper_table
from rgaviz.runs.row import Row, mean_and_std
from rgaviz.writing import csv_bytes


def _caption(rows: Sequence[Row]) -> str:
    measures = dict.fromkeys(each for row in rows for each in row.measures)
    best = (f"the {'least' if each.least else 'greatest'} {each.title}" for each in measures)
    labels = ", ".join(each.label for each in measures)
    what = labels if " on " in labels else f"Test {labels}"  # which says where
    return (
        f"{what} after the last epoch, mean ± standard deviation over "
        f"seeds; {', '.join(best)} of each kind of network in bold, where it differs by more than the deviations."
    )


def markdown(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a Markdown table."""
    table = lay_out(rows, paper)
    header = table.header
    lines = [header, ["---"] * len(header), *_marked(table.cells, table.bold, "**{}**")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{_caption(rows)}\n"


def latex(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a LaTeX ``table`` with the rules of booktabs, as wide as the page where data sets have several measures."""
    table = lay_out(rows, paper)
    escaped = [[tex(cell) for cell in line] for line in table.cells]
    above, header = _two_lines(table.columns)
    wide = "*" if above else ""
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            rf"\begin{{table{wide}}}",
            r"\centering",
            rf"\caption{{{tex(_caption(rows))}}}",
            rf"\label{{tab:{paper or 'results'}}}",
            *tabular(header, _marked(escaped, table.bold, r"\textbf{{{}}}"), above),
            rf"\end{{table{wide}}}",
            "",
        ]
    )


def _two_lines(columns: Sequence[Column]) -> tuple[list[str], list[str]]:
    """The lines above a header and the header, in TeX: data sets stand above where they have several measures."""
    titles = [title for column in columns for title in column.titles]
    if all(column.alone for column in columns):
        return [], [tex(title) for title in (*SETTINGS, *titles)]
    above, rules, first = [""] * len(SETTINGS), [], len(SETTINGS) + 1
    for dataset, group in itertools.groupby(columns, lambda column: column.dataset):
        width = sum(len(column.titles) for column in group)
        above.append(rf"\multicolumn{{{width}}}{{c}}{{{tex(DATASETS.get(dataset, dataset))}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    below = [tex(each) for column in columns for each in (column.measure.label, "paper")[: 1 + column.beside]]
    return [" & ".join(above) + r" \\", " ".join(rules)], [*SETTINGS, *below]


def tabular(header: Sequence[str], cells: Sequence[Sequence[str]], above: Sequence[str] = ()) -> list[str]:
    """The lines of a LaTeX ``tabular`` with the rules of booktabs; all is TeX already, ``above`` whole lines."""
    return [
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"\toprule",
        *above,
        " & ".join(header) + r" \\",
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in cells),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def comma_separated(rows: Sequence[Row], paper: str | None = None) -> str:
    """As CSV: numbers as they are, mean and standard deviation in columns of their own."""
    reported = paper_table(paper) if paper else NOTHING
    columns = columns_of(rows, reported)
    lines = [["model", "depth", "epochs", *(name for column in columns for name in _csv_names(column))]]
    for name, others in others_of(reported, columns).items():
        line: list[Any] = [name, None, None]
        for column, (_, *figure) in zip(columns, others, strict=True):
            line += [None] * (len(_csv_names(column)) - len(figure)) + figure
        lines.append(line)
    for row in rows:
        line = [row.model, row.depth, row.epochs]
        for column in columns:
            line += _csv_numbers(column, row)
            line += [reported.figure(row.network, *column.what)] if column.beside else []
        lines.append(line)
    return csv_bytes(lines).decode()


def _csv_names(column: Column) -> list[str]:
    """The names of the columns of a measure; parameters and seeds stand before the first of a data set."""
    dataset, key = column.what
    counts = ["parameters", "seeds"] if column.first else []
    paper = ["paper" if column.alone else f"{key}_paper"] if column.beside else []
    return [f"{dataset}_{what}" for what in (*counts, f"{key}_mean", f"{key}_std", *paper)]


def _csv_numbers(column: Column, row: Row) -> list[Any]:
    """Our numbers below them."""
    counts = [row.parameters.get(column.dataset), len(row.values.get(column.dataset, {}))]
    return [*(counts if column.first else []), *mean_and_std(row.by_seed(column.dataset, column.measure))]


def as_json(rows: Sequence[Row], paper: str | None = None) -> str:
    """As JSON, with the value of every seed."""
    if paper is None:
        return json.dumps([_plain(row) for row in rows], indent=1) + "\n"
    reported = paper_table(paper)
    compared = others_of(reported, columns_of(rows, reported))
    others = [{"model": name, "paper": reported.others[name]} for name in compared]
    ours = [{**_plain(row), "paper": _plain_figures(row, reported)} for row in rows]
    return json.dumps([*others, *ours], indent=1) + "\n"


def _plain(row: Row) -> dict[str, Any]:
    return {
        "model": row.model,
        "arch": row.arch,
        "attention": row.attention,
        "depth": row.depth,
        "epochs": row.epochs,
        "parameters": row.parameters,
        **{
            measure.key: {name: _plain_seeds(row.by_seed(name, measure)) for name in row.values}
            for measure in row.measures
        },
    }


def _plain_seeds(by_seed: Mapping[int, float]) -> dict[str, Any]:
    mean, std = mean_and_std(by_seed)
    seeds = {str(seed): value for seed, value in sorted(by_seed.items())}
    return {"mean": mean, "std": std, "by_seed": seeds}


def _plain_figures(row: Row, reported: Paper) -> dict[str, Any]:
    """The paper's figures by data set; by measure too, where the network has several."""
    keys = [measure.key for measure in row.measures]
    figures = {
        name: {key: value for key, value in found.items() if key in keys}
        for name, found in reported.networks.get(row.network, {}).items()
    }
    return {name: found[keys[0]] if len(keys) == 1 else found for name, found in figures.items() if found}


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

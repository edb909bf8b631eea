"""Tables of a paper from finished runs, in the formats of papers: means over seeds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Container, Mapping, Sequence
from typing import Any

from rgaviz.runs.layout import Column, Table, chosen, columns_of, lay_out, others_of
from rgaviz.runs.papers import NOTHING, Paper, paper_table
from rgaviz.runs.row import Row, mean_and_std
from rgaviz.writing import csv_bytes

# Widths in points: the narrowest column of a venue (3.25 in) and its page. Sizes of a class of 10 points, and the room
# beside each column.
COLUMN, PAGE = 234.0, 468.0
SIZES = (("", 10, 6), (r"\small", 9, 4), (r"\footnotesize", 8, 3), (r"\scriptsize", 7, 2))
BOLD, WIDE = 1.17, 0.78  # bold signs, in units of usual ones; capitals, in units of the font size


def _caption(rows: Sequence[Row], table: Table) -> str:
    shown = {name for head in table.heads for name in head.names}
    measures = [
        each for each in dict.fromkeys(each for row in rows for each in row.measures) if each.key in shown
    ]
    if not measures:
        return "Networks as they were trained."
    best = (f"the {'least' if each.least else 'greatest'} {each.title}" for each in measures)
    labels = ", ".join(each.label for each in measures)
    what = labels if " on " in labels else f"Test {labels}"  # which says where
    return (
        f"{what} after the last epoch, mean ± standard deviation over "
        f"seeds; {', '.join(best)} of each kind of network in bold, where it differs by more than the deviations."
    )


def markdown(rows: Sequence[Row], paper: str | None = None, wanted: Sequence[str] = ()) -> str:
    """As a Markdown table."""
    table = lay_out(rows, paper, wanted)
    header = table.header
    lines = [header, ["---"] * len(header), *_marked(table.cells, table.bold, "**{}**")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{_caption(rows, table)}\n"


def latex(
    rows: Sequence[Row], paper: str | None = None, wanted: Sequence[str] = (), label: str | None = None
) -> str:
    """As a LaTeX ``table`` with the rules of booktabs: in a column if it fits, else as wide as the page."""
    table = lay_out(rows, paper, wanted)
    escaped = [[tex(cell) for cell in line] for line in table.cells]
    above, header = _two_lines(table)
    wide, small = fitting(_inner(table), table.bold)
    star = "*" if wide else ""
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            rf"\begin{{table{star}}}",
            r"\centering",
            rf"\caption{{{tex(_caption(rows, table))}}}",
            rf"\label{{{label or 'tab:' + (paper or 'results')}}}",
            *([small] if small else []),
            *tabular(header, _marked(escaped, table.bold, r"\textbf{{{}}}"), above),
            rf"\end{{table{star}}}",
            "",
        ]
    )


def _inner(table: Table) -> list[list[str]]:
    """The lines that are as wide as their columns: the last one of the header, then the cells."""
    return [[head.below if table.two_lines else head.title for head in table.heads], *table.cells]


def fitting(lines: Sequence[Sequence[str]], bold: Container[tuple[int, int]] = ()) -> tuple[bool, str]:
    r"""Whether a table needs the width of the page, and what makes it fit; nothing but LaTeX itself is needed.

    The estimate is for Computer Modern and rather too wide.

    Args:
        lines: of cells, the header first.
        bold: row below the header and column of cells in bold.
    """
    ems = [
        max(_ems(line[column]) * (BOLD if (row - 1, column) in bold else 1) for row, line in enumerate(lines))
        for column in range(len(lines[0]))
    ]
    choices = [(room, *size) for room in (COLUMN, PAGE) for size in SIZES]
    room, size, _, between = next(
        (each for each in choices if sum(ems) * each[2] + 2 * each[3] * len(ems) <= each[0]),
        choices[-1],
    )
    return room == PAGE, rf"{size}\setlength{{\tabcolsep}}{{{between}pt}}" if size else ""


def _ems(text: str) -> float:
    """How wide it is in units of the font size: most signs as digits, capitals wider."""
    return sum(WIDE if sign.isupper() or sign in "±%" else 0.5 for sign in text)


def _two_lines(table: Table) -> tuple[list[str], list[str]]:
    """The lines above a header and the header, in TeX: data sets stand above where they have several measures."""
    if not table.two_lines:
        return [], [tex(head.title) for head in table.heads]
    above, rules, first = [], [], 1
    for dataset, group in itertools.groupby(table.heads, lambda head: head.dataset):
        width = len(list(group))
        above += [rf"\multicolumn{{{width}}}{{c}}{{{tex(dataset)}}}"] if dataset else [""] * width
        rules += [rf"\cmidrule(lr){{{first}-{first + width - 1}}}"] if dataset else []
        first += width
    return [" & ".join(above) + r" \\", " ".join(rules)], [tex(head.below) for head in table.heads]


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


def comma_separated(rows: Sequence[Row], paper: str | None = None, wanted: Sequence[str] = ()) -> str:
    """As CSV: numbers as they are, mean and standard deviation in columns of their own."""
    reported = paper_table(paper) if paper else NOTHING
    columns = columns_of(rows, reported)
    heads = [(("model",), "model"), (("depth",), "depth"), (("epochs",), "epochs")]
    heads += [head for column in columns for head in _csv_heads(column)]
    lines: list[list[Any]] = []
    for name, others in others_of(reported, columns).items():
        line: list[Any] = [name, None, None]
        for column, (_, *figure) in zip(columns, others, strict=True):
            line += [None] * (len(_csv_heads(column)) - len(figure)) + figure
        lines.append(line)
    for row in rows:
        line = [row.model, row.depth, row.epochs]
        for column in columns:
            line += _csv_numbers(column, row)
            line += [reported.figure(row.network, *column.what)] if column.beside else []
        lines.append(line)
    places = chosen([names for names, _ in heads], wanted)
    return csv_bytes(
        [[line[place] for place in places] for line in ([title for _, title in heads], *lines)]
    ).decode()


def _csv_heads(column: Column) -> list[tuple[tuple[str, ...], str]]:
    """Of the columns of a measure by what they are asked for, and their names.

    Parameters and seeds stand before the first of a data set.
    """
    dataset, key = column.what
    counts = {"parameters": "params", "seeds": "seeds"} if column.first else {}
    paper = ["paper" if column.alone else f"{key}_paper"] if column.beside else []
    heads = [((asked,), f"{dataset}_{name}") for name, asked in counts.items()]
    return [
        *heads,
        *(((key, dataset), f"{dataset}_{name}") for name in (f"{key}_mean", f"{key}_std", *paper)),
    ]


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
OPENINGS = {"markdown": "| Model |", "latex": "% needs", "csv": "model", "json": "["}


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

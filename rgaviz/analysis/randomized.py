"""What is said of maps of networks that were made to forget: means with intervals, and the table of a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rgaviz.analysis.randomizing import CASCADE, LABELS, OTHERS, Alike
from rgaviz.analysis.significance import mean_interval
from rgaviz.analysis.tables import TEX, cell
from rgaviz.explain.likeness import LIKENESS
from rgaviz.writing import csv_bytes

CSV = "network,map,order,step,part,measure,"  # how the table begins
LAST = "last"  # the end of the cascade, where nothing learnt is left

Row = dict[str, Any]


def likeness_rows(found: Alike, people: np.ndarray | None) -> list[Row]:
    """A row for each map, level and measure: the mean over pictures with its interval.

    Args:
        found: of a network.
        people: whom each picture shows, (n,), where that is known.
    """
    rows = []
    for (kind, level, measure), values in found.values.items():
        own = mean_interval(values, people)._asdict()
        own["pictures"] = own.pop("count")
        rows.append({"network": kind.network, "map": kind.name, **level._asdict(), "measure": measure, **own})
    return rows


def ends(rows: Sequence[Row]) -> list[tuple[str, Row]]:
    """What is told of each map: the rows of the end of the cascade, of random labels and of other pictures.

    Returns:
        ``last``, ``labels`` or ``others`` and the row.
    """
    final = max((row["step"] for row in rows if row["order"] == CASCADE), default=0)
    told = []
    for row in rows:
        if row["order"] in (LABELS, OTHERS):
            told.append((row["order"], row))
        elif row["order"] == CASCADE and row["step"] == final:
            told.append((LAST, row))
    return told


def text_of(row: Row) -> tuple[str, str]:
    """Mean and interval as they are shown."""
    mean, low, high = (
        "--" if row[key] is None else f"{round(row[key], 2) + 0.0:.2f}" for key in ("mean", "low", "high")
    )
    return mean, "" if row["low"] is None else f"[{low}, {high}]"


def csv_table(rows: Sequence[Row]) -> bytes:
    """The rows, six digits each."""
    return csv_bytes([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])


COLUMNS = {LAST: "all weights drawn anew", LABELS: "random labels", OTHERS: "another picture"}


def by_map(rows: Sequence[Row], measure: str) -> dict[tuple[str, str], dict[str, Row]]:
    """Of a measure map and network -> a key of ``COLUMNS`` -> row."""
    table: dict[tuple[str, str], dict[str, Row]] = {}
    for network in dict.fromkeys(row["network"] for row in rows):
        for column, row in ends([row for row in rows if row["network"] == network]):
            if row["measure"] == measure:
                table.setdefault((row["map"], network), {})[column] = row
    return table


def tex_table(rows: Sequence[Row], titles: dict[str, str], comment: str) -> bytes:
    r"""A ``tabular`` with the rules of booktabs: a row for each map and network, a block for each measure."""
    from rgaviz.runs.table import tabular, tex

    columns = [name for name in COLUMNS if any(row["order"] == name or name == LAST for row in rows)]
    cells: list[list[str]] = []
    for measure, title in LIKENESS.items():
        found = by_map(rows, measure)
        if not found:
            continue
        rule = r"\midrule " if cells else ""
        cells.append([rf"{rule}\multicolumn{{{len(columns) + 1}}}{{l}}{{\emph{{{tex(title)}}}}}"])
        for (name, network), own in found.items():
            texts = [text_of(own[column]) if column in own else ("", "") for column in columns]
            shown = [
                f"{mean}{f' {{{chr(92)}scriptsize {interval}}}' if interval else ''}"
                for mean, interval in texts
            ]
            cells.append([", ".join(tex(each) for each in (titles[name], network)), *shown])
    lines = tabular(["map, network", *(tex(COLUMNS[column]) for column in columns)], cells)
    head = [f"{TEX} sanity --weights; needs \\usepackage{{booktabs}}", f"% {comment}"]
    return "\n".join([*head, *lines, ""]).encode()

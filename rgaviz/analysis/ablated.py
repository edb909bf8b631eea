"""What is said of networks whose masks were replaced: how each measure changed, and the tables of a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rgaviz.analysis.ablating import Ablated
from rgaviz.analysis.differences import changes, measure_interval
from rgaviz.analysis.significance import holm
from rgaviz.analysis.tables import TEX, cell
from rgaviz.explain.ablation import WAYS
from rgaviz.progress import Track, silent
from rgaviz.tasks import Task
from rgaviz.tasks.answers import Measure
from rgaviz.writing import csv_bytes

LEVEL = 0.05  # below it a corrected p-value gets a star
CSV = "network,mask,way,measure,"  # how the table begins

Row = dict[str, Any]


def measures_of(task: Task, found: Sequence[Ablated]) -> list[Measure]:
    """Those that stand in tables and follow from what is known of each picture.

    Args:
        task: of the networks.
        found: what came of them.
    """
    known = found[0].intact.measured
    return [each for each in task.measures if each.key in task.tabulated and each.key in known]


def network_rows(found: Sequence[Ablated], measures: Sequence[Measure]) -> list[Row]:
    """A row for each network and measure, as it was trained: the value with its interval."""
    rows = []
    for each in found:
        people = None if each.intact.people is None else len(np.unique(each.intact.people))
        for measure in measures:
            value, low, high, count = measure_interval(each.intact, measure.key)
            own = {"network": each.network, "measure": measure.key, "value": value, "low": low, "high": high}
            rows.append(own | {"pictures": count, "people": people})
    return rows


def ablation_rows(found: Sequence[Ablated], measures: Sequence[Measure], track: Track = silent) -> list[Row]:
    """A row for each network, measure and replacement; p-values are corrected by Holm among all of a measure."""
    rows: list[Row] = []
    for measure in measures:
        own: list[Row] = []
        for each in found:
            moved = changes(each.intact, list(each.found.values()), measure.key, track)
            for ablation, change in zip(each.found, moved, strict=True):
                head = {"network": each.network, **ablation._asdict(), "measure": measure.key}
                own.append(head | change._asdict())
        for row, value in zip(own, holm([row["p"] for row in own]), strict=True):
            row["p_holm"] = value
        rows += own
    return rows


def starred(row: Row) -> bool:
    """Whether the measure changed."""
    return row["p_holm"] is not None and row["p_holm"] < LEVEL


def numbers_of(row: Row) -> tuple[str, str]:
    """Change and interval as they are shown, with their signs."""
    change, low, high = (
        "--" if row[key] is None else f"{round(row[key], 2) + 0.0:+.2f}" for key in ("change", "low", "high")
    )
    return change, "" if row["low"] is None else f"[{low}, {high}]"


def by_mask(rows: Sequence[Row], network: str, measure: str) -> dict[str, dict[str, Row]]:
    """The rows of a network and a measure: mask -> way -> row."""
    table: dict[str, dict[str, Row]] = {}
    for row in rows:
        if (row["network"], row["measure"]) == (network, measure):
            table.setdefault(row["mask"], {})[row["way"]] = row
    return table


def csv_table(rows: Sequence[Row]) -> bytes:
    """The rows, six digits each."""
    return csv_bytes([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])


def tex_table(
    rows: Sequence[Row], networks: Sequence[Row], measures: Sequence[Measure], comment: str
) -> bytes:
    r"""A ``tabular`` with the rules of booktabs: a row for each mask, a column for each way, a block a measure."""
    from rgaviz.runs.table import tabular, tex

    ways = [way for way in WAYS if any(row["way"] == way for row in rows)]
    cells: list[list[str]] = []
    for own in networks:
        measure = next(each for each in measures if each.key == own["measure"])
        found = by_mask(rows, own["network"], measure.key)
        title = f"{own['network']}: {measure.title} {measure.text(own['value'])}"
        rule = r"\midrule " if cells else ""
        cells.append([rf"{rule}\multicolumn{{{len(ways) + 1}}}{{l}}{{\emph{{{tex(title)}}}}}"])
        for mask, of_ways in found.items():
            cells.append([tex(mask), *(_tex_cell(of_ways.get(way)) for way in ways)])
    lines = tabular(["mask", *(tex(WAYS[way].title) for way in ways)], cells)
    star = "a star: p < 0.05 (paired randomisation test, Holm)"
    head = [f"{TEX} sanity; needs \\usepackage{{booktabs}}", f"% {comment}; {star}"]
    return "\n".join([*head, *lines, ""]).encode()


def _tex_cell(row: Row | None) -> str:
    if row is None:
        return ""
    change, interval = numbers_of(row)
    small = rf" {{\scriptsize {interval}}}" if interval else ""
    return f"${change}${'$^*$' if starred(row) else ''}{small}"


def texts_of(measures: Sequence[Measure]) -> Mapping[str, str]:
    """What the figure calls measures."""
    worse = {True: "worse: right", False: "worse: left"}
    return {
        f"measure/{each.key}": f"change of {each.title} ({'points' if each.unit else 'absolute'}; {worse[each.least]})"
        for each in measures
    }

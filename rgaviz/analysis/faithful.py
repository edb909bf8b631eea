"""What is said of how a score follows maps: means with intervals, tests, curves, and the tables of a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rgaviz.analysis.bands import band
from rgaviz.analysis.locating import RANDOM
from rgaviz.analysis.numbers import Kind
from rgaviz.analysis.perturbing import Found, Numbers
from rgaviz.analysis.significance import holm, mean_interval, paired
from rgaviz.analysis.tables import TEX, Rows, cell
from rgaviz.explain.faithfulness import PERCENT, area
from rgaviz.progress import Track, silent
from rgaviz.writing import csv_bytes

LEVEL = 0.05  # below it a corrected p-value gets a star
CSV = "network,group,map,measure,"  # how the table begins
CURVES = ("deletion", "insertion", "road")  # measures that are drawn
INCREASE = "increase"
DIFFERENCE = ("difference", "difference_low", "difference_high")

Row = dict[str, Any]


class Measure(NamedTuple):
    """What is told of each picture and map.

    Attributes:
        title: as tables have it.
        value: of all numbers of a map, (n,).
        least: whether less is better.
        by: what a value is multiplied by where it is shown.
        decimals: of a value that is shown.
    """

    title: str
    value: Callable[[Numbers], np.ndarray]
    least: bool
    by: int = 1
    decimals: int = 3


def road_gap(numbers: Numbers) -> np.ndarray:
    """Half the score's difference (n, 9) without the least and without the most relevant pixels."""
    return (numbers["road_least"] - numbers["road_most"]) / 2


MEASURES: dict[str, Measure] = {
    "deletion": Measure("deletion", lambda numbers: area(numbers["deletion"]), least=True),
    "insertion": Measure("insertion", lambda numbers: area(numbers["insertion"]), least=False),
    "road": Measure("ROAD", lambda numbers: road_gap(numbers).mean(1), least=False),
    "drop": Measure("average drop (%)", lambda numbers: numbers["drop"], least=True, by=100, decimals=1),
    "increase": Measure("increase (%)", lambda numbers: numbers["increase"], least=False, by=100, decimals=1),
    "sensitivity": Measure("sensitivity", lambda numbers: numbers["sensitivity"], least=True),
}


def has_curve(found: Found) -> bool:
    """Whether any map but the floors has a curve."""
    own = [numbers for kind, numbers in found.numbers.items() if kind.group != "floor"]
    names = {*CURVES, "road_most"}
    return any((~np.isnan(numbers[name])).any() for numbers in own for name in names & set(numbers))


def summary(
    found: Found, measures: Sequence[str], networks: Sequence[str], track: Track = silent
) -> list[Row]:
    """A row for each map and measure: mean, interval, and the difference from what it is compared with.

    A map of another network than the first is compared with the first one's of the same kind, all others with their own
    network's Random-CAM; floors are compared with nothing. P-values are corrected by Holm among all of a measure.

    Args:
        found: the numbers.
        measures: keys of ``MEASURES``.
        networks: the first is what others are compared with.
        track: wraps the loop over the kinds of maps, for a progress bar.
    """
    rows = []
    for kind in track(found.numbers, total=len(found.numbers), description="resampling"):
        rows += [_row(found, kind, _against(kind, found.numbers, networks), name) for name in measures]
    for name in measures:
        own = [row for row in rows if row["measure"] == name]
        for row, value in zip(own, holm([row["p"] for row in own]), strict=True):
            row["p_holm"] = value
    return rows


def _against(kind: Kind, numbers: Mapping[Kind, Numbers], networks: Sequence[str]) -> Kind | None:
    if kind.group == "floor":
        return None
    first = kind._replace(network=networks[0])
    return first if first in numbers and first != kind else Kind("floor", RANDOM, kind.network)


def _row(found: Found, kind: Kind, against: Kind | None, measure: str) -> Row:
    value = MEASURES[measure].value
    values = value(found.numbers[kind])
    row: Row = {"network": kind.network, "group": kind.group, "map": kind.name, "measure": measure}
    row |= mean_interval(values, found.people)._asdict()
    row["pictures"] = row.pop("count")
    if against is None:
        return row | dict.fromkeys(("against", *DIFFERENCE, "pairs", "p", "p_holm"))
    difference, p = paired(values, value(found.numbers[against]), found.people)
    row["against"] = against.name if against.group == "floor" else against.network
    row |= zip(DIFFERENCE, difference[:3], strict=True)
    return row | {"pairs": difference.count, "p": p, "p_holm": None}


def by_map(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    """Map and network -> measure -> row; maps together, floors last."""
    maps = list(dict.fromkeys((row["group"] == "floor", row["map"]) for row in rows))
    ordered = sorted(
        rows, key=lambda row: (row["group"] == "floor", maps.index((row["group"] == "floor", row["map"])))
    )
    table: dict[tuple[str, str], dict[str, Row]] = {}
    for row in ordered:
        table.setdefault((row["map"], row["network"]), {})[row["measure"]] = row
    return table


def starred(row: Row) -> bool:
    """Whether it differs from what it is compared with."""
    return row["p_holm"] is not None and row["p_holm"] < LEVEL


def numbers_of(row: Row) -> tuple[str, str]:
    """Mean and interval as they are shown; a dash for what there is not."""
    measure = MEASURES[row["measure"]]
    mean, low, high = (
        "--"
        if row[key] is None
        else f"{round(measure.by * row[key], measure.decimals) + 0.0:.{measure.decimals}f}"
        for key in ("mean", "low", "high")
    )
    return mean, "" if row["low"] is None else f"[{low}, {high}]"


def curve_rows(found: Found, steps: int) -> Rows:
    """A row for each map, curve and share of the pixels: mean and interval."""
    rows: list[list[Any]] = [
        ["network", "group", "map", "curve", "fraction", "mean", "low", "high", "pictures"]
    ]
    shares = {
        **dict.fromkeys(("deletion", "insertion"), tuple(step / steps for step in range(steps + 1))),
        **dict.fromkeys(("road", "road_most", "road_least"), tuple(percent / 100 for percent in PERCENT)),
    }
    for kind, numbers in found.numbers.items():
        curves = {**numbers, **({"road": road_gap(numbers)} if "road_most" in numbers else {})}
        for name, fractions in shares.items():
            values = band(curves[name], found.people) if name in curves else None
            if values is not None:
                count = int((~np.isnan(curves[name]).any(1)).sum())
                points = (
                    [None if each != each else each for each in point]
                    for point in np.stack(values, 1).tolist()
                )
                rows += [
                    [*_named(kind), name, fraction, *point, count]
                    for fraction, point in zip(fractions, points, strict=True)
                ]
    return rows


def map_rows(found: Found) -> list[list[Any]]:
    """A row for each kind of map: how many there are, how many say nothing, and how many pictures have no score."""
    rows: list[list[Any]] = [["network", "group", "map", "pictures", "without_order", "without_score"]]
    for kind, numbers in found.numbers.items():
        without = int((~numbers["ordered"]).sum()), int(np.isnan(numbers["score"]).sum())
        rows.append([*_named(kind), len(found.names), *without])
    return rows


def picture_rows(found: Found, measures: Sequence[str]) -> Iterator[list[Any]]:
    """The numbers of each picture, a row for each map; an empty cell where there is none."""
    yield ["picture", "network", "group", "map", *measures]
    for kind, numbers in found.numbers.items():
        values = np.stack([MEASURES[name].value(numbers) for name in measures], 1).tolist()  # (n, measures)
        for name, row in zip(found.names, values, strict=True):
            yield [name, *_named(kind), *(None if each != each else each for each in row)]


def _named(kind: Kind) -> tuple[str, str, str]:
    return kind.network, kind.group, kind.name


def csv_table(rows: Sequence[Row]) -> bytes:
    """The rows, six digits each."""
    return csv_bytes([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])


def tex_table(rows: Sequence[Row], titles: Mapping[str, str], comment: str) -> bytes:
    r"""A ``tabular`` with the rules of booktabs: a row for each map, a column for each measure."""
    from rgaviz.runs.table import tabular, tex

    measures = list(dict.fromkeys(row["measure"] for row in rows))
    arrows = {True: r" $\downarrow$", False: r" $\uparrow$"}
    header = [
        "map, network",
        *(tex(MEASURES[each].title) + arrows[MEASURES[each].least] for each in measures),
    ]
    cells = []
    for (name, network), own in by_map(rows).items():
        called = ", ".join(tex(each) for each in (titles[name], network))
        cells.append([called, *(_tex_cell(own[measure]) for measure in measures)])
    star = "a star: differs from the first network's, or from the own Random-CAM where that has none, p < 0.05 (Holm)"
    head = [f"{TEX} faithfulness; needs \\usepackage{{booktabs}}", f"% {comment}; {star}"]
    return "\n".join([*head, *tabular(header, cells), ""]).encode()


def _tex_cell(row: Row) -> str:
    mean, interval = numbers_of(row)
    small = rf" {{\scriptsize {interval}}}" if interval else ""
    return f"{mean}{'$^*$' if starred(row) else ''}{small}"

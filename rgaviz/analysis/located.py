"""What is said of numbers of many maps: means with intervals, tests, and the tables of a paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rgaviz.analysis.locating import Found
from rgaviz.analysis.numbers import Kind
from rgaviz.analysis.significance import holm, mean_interval, paired
from rgaviz.analysis.tables import TEX, Rows, cell
from rgaviz.analysis.thresholds import MEASURES as OVER_THRESHOLDS
from rgaviz.analysis.thresholds import at_best
from rgaviz.data.truth import BACKGROUND
from rgaviz.explain.localisation import Located
from rgaviz.progress import Track, silent
from rgaviz.writing import csv_bytes

OF_MAPS = {  # as attributes of Located -> what they are called, and by how much they are multiplied where shown
    "energy": ("energy share (%)", 100),
    "contrast": ("contrast of inside and outside", 1),
    "pointing": ("pointing game (%)", 100),
}
MEASURES = {**OF_MAPS, **OVER_THRESHOLDS}
AGAINST_ONES = ("energy", "contrast")  # those that could be less than of the map of ones as well as more
LEVEL = 0.05  # below it a corrected p-value gets a star
CSV = "network,group,map,part,measure,"  # how the table begins
ONES = Kind("floor", "ones", "")

Row = dict[str, Any]


def summary(found: Found, parts: Sequence[str], networks: Sequence[str], track: Track = silent) -> list[Row]:
    """A row for each map, part and measure: mean, interval, and the difference from what it is compared with.

    A map of another network than the first is compared with the first one's of the same kind, all others with the map
    of ones, where Wilcoxon's test of the pointing game would mean nothing and is left out, as is that of what is taken
    at the best threshold, for the map of ones is what every map is at the lowest; floors are compared with nothing. The
    background is the rest of the whole, so it is not tested again. P-values are corrected by Holm among all of a
    measure.

    Args:
        found: the numbers.
        parts: what the regions are called.
        networks: the first is what others are compared with.
        track: wraps the loop over the kinds of maps, for a progress bar.
    """
    rows = []
    for kind in track(found.numbers, total=len(found.numbers), description="resampling"):
        against = _against(kind, found.numbers, networks)
        for place, part in enumerate(parts):
            rows += [_row(found, kind, against, part, place, measure) for measure in MEASURES]
    for measure in MEASURES:
        own = [row for row in rows if row["measure"] == measure]
        for row, value in zip(own, holm([row["p"] for row in own]), strict=True):
            row["p_holm"] = value
    return rows


def _against(kind: Kind, numbers: Mapping[Kind, Located], networks: Sequence[str]) -> Kind | None:
    if kind.group == "floor":
        return None
    first = kind._replace(network=networks[0])
    return first if first in numbers and first != kind else ONES


def _row(found: Found, kind: Kind, against: Kind | None, part: str, place: int, measure: str) -> Row:
    people = found.people
    values, threshold = _values(found, kind, measure, place)
    own = mean_interval(values, people)
    pixels = found.numbers[kind].pixels[~np.isnan(values), place]
    row: Row = {"network": kind.network, "group": kind.group, "map": kind.name, "part": part}
    row |= {"measure": measure, **own._asdict(), "pixels": float(pixels.mean()) if len(pixels) else None}
    row["pictures"] = row.pop("count")
    if against is None:
        compared = dict.fromkeys(("against", *DIFFERENCE, "pairs", "p", "p_holm"))
        return row | compared | {"threshold": threshold}
    test = part != BACKGROUND and (measure in AGAINST_ONES or against != ONES)
    difference, p = paired(values, _values(found, against, measure, place)[0], people, test=test)
    row["against"] = against.network or against.name
    row |= zip(DIFFERENCE, difference[:3], strict=True)
    return row | {"pairs": difference.count, "p": p, "p_holm": None, "threshold": threshold}


def _values(found: Found, kind: Kind, measure: str, place: int) -> tuple[np.ndarray, float | None]:
    """A number of each picture (n,), and at which threshold it was taken, if at one."""
    if measure in OF_MAPS:
        return getattr(found.numbers[kind], measure)[:, place], None
    return at_best(found.overlaps[kind], place, measure)


DIFFERENCE = ("difference", "difference_low", "difference_high")


def by_map(rows: Sequence[Row], measure: str) -> dict[tuple[str, str], dict[str, Row]]:
    """The rows of a measure: map and network -> part -> row; maps together, floors last."""
    own = [row for row in rows if row["measure"] == measure]
    maps = list(dict.fromkeys((row["group"] == "floor", row["map"]) for row in own))
    own.sort(key=lambda row: (row["group"] == "floor", maps.index((row["group"] == "floor", row["map"]))))
    table: dict[tuple[str, str], dict[str, Row]] = {}
    for row in own:
        table.setdefault((row["map"], row["network"]), {})[row["part"]] = row
    return table


def starred(row: Row) -> bool:
    """Whether it differs from what it is compared with."""
    return row["p_holm"] is not None and row["p_holm"] < LEVEL


def numbers_of(row: Row) -> tuple[str, str]:
    """Mean and interval as they are shown; a dash for what there is not."""
    by = MEASURES[row["measure"]][1]
    decimals = 1 if by == 100 else 2
    mean, low, high = (
        "--" if row[key] is None else f"{round(by * row[key], decimals) + 0.0:.{decimals}f}"
        for key in ("mean", "low", "high")
    )
    return mean, "" if row["low"] is None else f"[{low}, {high}]"


def csv_table(rows: Sequence[Row]) -> bytes:
    """The rows, six digits each."""
    return csv_bytes([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])


def tex_table(rows: Sequence[Row], titles: Mapping[str, str], comment: str) -> bytes:
    r"""A ``tabular`` with the rules of booktabs: a row for each map, a column for each part, a block a measure."""
    from rgaviz.runs.table import tabular, tex

    parts = list(dict.fromkeys(row["part"] for row in rows))
    cells: list[list[str]] = []
    for measure, (title, _) in MEASURES.items():
        rule = r"\midrule " if cells else ""
        cells.append([rf"{rule}\multicolumn{{{len(parts) + 1}}}{{l}}{{\emph{{{tex(title)}}}}}"])
        for (name, network), own in by_map(rows, measure).items():
            called = ", ".join(tex(each) for each in (titles[name], network) if each)
            cells.append([called, *(_tex_cell(own[part]) for part in parts)])
    lines = tabular(["map, network", *map(tex, parts)], cells)
    star = "a star: differs from the first network's, or from the map of ones where that has none, p < 0.05 (Holm)"
    head = [f"{TEX} localize; needs \\usepackage{{booktabs}}", f"% {comment}; {star}"]
    return "\n".join([*head, *lines, ""]).encode()


def _tex_cell(row: Row) -> str:
    mean, interval = numbers_of(row)
    small = rf" {{\scriptsize {interval}}}" if interval else ""
    return f"{mean}{'$^*$' if starred(row) else ''}{small}"


def picture_rows(found: Found, parts: Sequence[str]) -> Iterator[list[Any]]:
    """The numbers of each picture, a row for each map and part; an empty cell where there is none."""
    columns = ("pixels", "energy", "inside", "outside", "contrast", "pointing")
    yield ["picture", "network", "map", "part", *columns]
    for kind, numbers in found.numbers.items():
        values = np.stack([getattr(numbers, name) for name in columns], 2).tolist()  # (n, R, 6)
        for name, of_parts in zip(found.names, values, strict=True):
            for part, row in zip(parts, of_parts, strict=True):
                yield [name, kind.network, kind.name, part, *(None if each != each else each for each in row)]


def without_evidence(numbers: Located) -> int:
    """How many maps say nothing, of pictures that show a part and something else."""
    told = (numbers.pixels > 0) & (numbers.pixels < 1)
    return int((told & np.isnan(numbers.energy)).any(axis=1).sum())


def map_rows(found: Found) -> Rows:
    """A row for each kind of map: how many there are, and how many say nothing."""
    rows = [
        [kind.network, kind.group, kind.name, len(found.names), without_evidence(numbers)]
        for kind, numbers in found.numbers.items()
    ]
    return [["network", "group", "map", "pictures", "without_evidence"], *rows]

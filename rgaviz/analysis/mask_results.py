"""The results folder of what masks do over a data set: mean pictures and maps of every class, panels and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rgaviz.analysis.gathering import Gathered, together
from rgaviz.analysis.grouped import BY, Grouped
from rgaviz.analysis.mask_tables import ALL, channel_rows
from rgaviz.analysis.request import versions
from rgaviz.analysis.subject import Subject
from rgaviz.data.find import usable
from rgaviz.explain.statistics import DEAD, SATURATED
from rgaviz.figures.draw import record_options
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import Line, MapRef, Panel, Picture, Point
from rgaviz.results.writer import ResultsWriter

TOLD = ("pictures", "mean", "deviation", "entropy", "x", "y", "area")  # of a map, for scripts
Row = dict[str, Any]


def write_results(
    subjects: Sequence[Subject],
    pictures: Grouped,
    found: Gathered,
    rows: Sequence[Row],
    shown: Sequence[int],
    folder: Path,
    options: FigureOptions,
    threshold: float,
    command_line: str,
) -> None:
    """Write all that figures are drawn from, and the means of every class.

    Args:
        subjects: the networks.
        pictures: what was looked at.
        found: what came of it.
        rows: the summary.
        shown: places of the classes in the figure.
        folder: of the results.
        options: of the figure.
        threshold: of the area.
        command_line: as typed.
    """
    spatial = [key for key, tallies in found.tallies.items() if tallies[0].values.mean.ndim == 2]
    places = [None, *shown]
    names = [ALL, *(found.groups[place] for place in shown)]
    head = {
        "command": "statistics",
        "command_line": command_line,
        "seed": 0,
        "versions": versions(),
        "checkpoints": [subject.record() for subject in subjects],
        "figure": record_options(options),
        "titles": names if spatial else [],
        "texts": {
            "by": BY[pictures.by],
            "dead": f"dead: values below {DEAD}, saturated: above {SATURATED}",
            "area": f"positions above {threshold:g}",
        },
    }
    with ResultsWriter(folder, head) as writer:
        for place in (None, *range(len(found.groups))):
            entry, maps = _of_group(found, place)
            writer.picture(entry, found.mean_picture(place), maps)
        if spatial:
            writer.row([_mean_picture(found, place) for place in places])
        several = len({network for network, _ in spatial}) > 1
        for network, mask in spatial:
            own = [row for row in rows if (row["network"], row["mask"]) == (network, mask)]
            chosen = [own[0 if place is None else place + 1] for place in places]
            writer.row(
                [_map(place, row, several, threshold) for place, row in zip(places, chosen, strict=True)]
            )
        writer.table("summary", [list(rows[0]), *(list(row.values()) for row in rows)])
        if len(spatial) < len(found.tallies):
            writer.table("channels", channel_rows(found, shown))


def _called(mask: str) -> str:
    layer, _, kind = mask.rpartition("/")
    return f"{layer}, joint (mean over channels)" if kind == "joint-spatial" else layer


def _id(place: int | None) -> str:
    return ALL if place is None else str(place)


def _of_group(found: Gathered, place: int | None) -> tuple[Picture, dict[str, np.ndarray]]:
    """The entry of a class, or of all pictures for None, and the means of its masks."""
    name = ALL if place is None else found.groups[place]
    size = list(found.pictures[0].shape[:2])
    entry = Picture(id=_id(place), path=usable(name), size=size, label=name)
    maps = {}
    for (network, mask), tallies in found.tallies.items():
        own = together(tallies) if place is None else tallies[place]
        if own.values.count:
            maps[f"{network}/{mask}"] = own.values.mean
    return entry, maps


def _mean_picture(found: Gathered, place: int | None) -> Panel:
    count = int(found.counts.sum() if place is None else found.counts[place])
    lines = [Line(text=f"{count} picture{'' if count == 1 else 's'}"), Line(text="mean picture")]
    return Panel(kind="picture", picture=_id(place), lines=lines)


def _map(place: int | None, row: Row, several: bool, threshold: float) -> Panel:
    """The mean map of a class with its centre of mass, and what it does in numbers.

    Args:
        place: of the class, None for all pictures.
        row: of the summary.
        several: whether there are masks of several networks, so that theirs must be named.
        threshold: of the area.
    """
    network, mask = row["network"], row["mask"]
    lines = [*([Line(text=network)] if several else []), Line(text=_called(mask))]
    if not row["pictures"]:
        return Panel(kind="text", lines=[*lines, Line(text="no picture")], values={"network": network})
    lines.append(Line(text=f"mean {row['mean']:.2f}"))
    lines.append(Line(text=f"above {threshold:g}: {100 * row['area']:.0f}%"))
    marks = []
    if row["x"] is not None:
        lines.append(Line(text=f"x {row['x']:.2f}, y {row['y']:.2f}"))
        marks.append(Point(x=min(row["x"], 1.0), y=min(row["y"], 1.0)))
    if row["entropy"] is not None:
        lines.append(Line(text=f"entropy {row['entropy']:.3f}"))
    return Panel(
        kind="map",
        picture=_id(place),
        map=MapRef(checkpoint=network, name=mask, group="mask"),
        lines=lines,
        marks=marks,
        values={key: row[key] for key in ("network", "mask", *TOLD)},
    )

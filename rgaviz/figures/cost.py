"""How good networks are against what they cost: one point per network, its name beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from rgaviz.errors import RgavizError
from rgaviz.figures.chart_legend import NARROWEST, shortened
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, LINE, SMALL, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches
from rgaviz.results.reader import Results, number, number_or_none

HEIGHT = 0.72  # of the width, at most TALLEST inches
TALLEST = 3.5
COVERED = 0.12  # of the axes, by names
LONGEST = 0.45  # of a name, in units of the width of the axes
MARKER = 4.0  # points
DISTANCES = (5.0, 9.0, 14.0, 20.0, 28.0)  # points from a point to its name
# Where a name may stand, best first: its own side (0 to 1, left to right and bottom to top) that faces the point.
SIDES = ((0, 0.5), (1, 0.5), (0.5, 0), (0.5, 1), (0, 0), (1, 0), (0, 1), (1, 1))


def cost_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: the table ``cost``, its costs and values called as the results say."""
    rows = results.records("cost", label=str, cost=number, value=number, spread=_spread)
    texts = results.manifest.texts
    labels = texts.get("cost", "cost"), texts.get("value", "value")
    yield Page(draw_cost(rows, options, *labels, title=texts.get("title", "")))


def _spread(text: str) -> float | None:
    value = number_or_none(text)
    if value is not None and value < 0:
        raise ValueError(text)
    return value


def draw_cost(
    rows: Sequence[Mapping[str, Any]], options: FigureOptions, xlabel: str, ylabel: str, title: str = ""
) -> Figure:
    """Draw what was measured of networks against their cost; a bar is one standard deviation over seeds either way.

    Names are moved away from each other, from the points and from the edges as far as there is room.

    Args:
        rows: ``label``, ``cost``, ``value``, and ``spread``: its standard deviation, or None.
        options: how it shall look.
        xlabel: what the cost is, and its unit.
        ylabel: what the value is, and its unit.
        title: over the figure, unless ``options.title`` is off.
    """
    if not rows:
        raise RgavizError("No network to draw: give the folder of a training with --runs.")
    with matplotlib.rc_context(style(options)):
        width = options.inches
        figure = sheet(width, min(HEIGHT * width, TALLEST), options, layout="constrained")
        ax = figure.subplots()
        for index, row in enumerate(few(rows, "networks")):
            colour = COLOURS[index % len(COLOURS)]
            ax.errorbar(
                row["cost"],
                row["value"],
                yerr=row["spread"],
                color=colour,
                marker="o",
                markersize=MARKER,
                capsize=2.0,
                elinewidth=0.6,
                capthick=0.6,
                linestyle="none",
            )
        ax.margins(0.15)
        ax.grid(color="#dddddd", linewidth=0.4)
        ax.set_axisbelow(True)
        ax.set(xlabel=printable(xlabel), ylabel=printable(ylabel))
        if title and options.title:
            ax.set_title(printable(title))
        figure.draw_without_rendering()  # the layout, and with it where the points are, is settled now
        figure.set_layout_engine("none")
        _write_names(ax, rows)
    return figure


def _write_names(ax: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """The name of every row beside its point, where it covers least."""
    scale = ax.figure.dpi / 72  # pixels per point
    frame = ax.get_window_extent()
    spots = ax.transData.transform([(row["cost"], row["value"]) for row in rows])  # (n, 2) pixels
    taken = [_marks(ax, row, scale) for row in rows]
    for index, (row, spot, name) in enumerate(zip(rows, spots, _names(ax, rows), strict=True)):
        size = np.array([text_inches(name, SMALL) * 72, SMALL * LINE]) * scale  # (2,) pixels
        boxes = {
            (side, distance): _place(spot, size, side, distance * scale)
            for distance, side in itertools.product(DISTANCES, SIDES)
        }
        chosen = min(boxes, key=lambda key: _covered(boxes[key], taken, frame))  # the first of equals
        taken.append(boxes[chosen])
        (across, up), distance = chosen
        offset = np.array([_away(across), _away(up)]) * distance
        ax.annotate(
            name,
            (row["cost"], row["value"]),
            xytext=tuple(offset),
            textcoords="offset points",
            ha=("left", "center", "right")[int(2 * across)],
            va=("bottom", "center", "top")[int(2 * up)],
            size=SMALL,
            arrowprops=_leader(index) if distance > DISTANCES[1] else None,
        )


def _names(ax: Axes, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the rows are called, as short as it takes to leave room between the names."""
    width, height = np.array(ax.get_window_extent().size) / ax.figure.dpi  # inches
    room = COVERED * width * height / (len(rows) * SMALL * LINE / 72)
    names = [printable(str(row["label"])) for row in rows]
    return shortened(names, [min(max(room, NARROWEST), LONGEST * width)] * len(names))


def _away(side: float) -> float:
    """The direction from the point in which a name with this side towards it stands: -1, 0 or 1."""
    return 1 - 2 * side


def _leader(index: int) -> dict[str, Any]:
    """A thin line to a name that stands far off."""
    return {
        "arrowstyle": "-",
        "color": COLOURS[index % len(COLOURS)],
        "linewidth": 0.4,
        "shrinkA": 0,
        "shrinkB": 2,
    }


def _marks(ax: Axes, row: Mapping[str, Any], scale: float) -> Bbox:
    """The pixels of a point and its error bar."""
    spread = row["spread"] or 0.0
    ends = [(row["cost"], row["value"] + sign * spread) for sign in (-1, 1)]
    return Bbox(ax.transData.transform(ends)).padded(0.75 * MARKER * scale)


def _place(spot: np.ndarray, size: np.ndarray, side: tuple[float, float], distance: float) -> Bbox:
    """The pixels (x0, y0, x1, y1) of a name of this size, its ``side`` at the distance from the spot."""
    across, up = side
    corner = spot + np.array([_away(across), _away(up)]) * distance - np.array([across, up]) * size
    return Bbox([corner, corner + size])


def _covered(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> float:
    """How much of what is there a name would cover, in square pixels, and how much of it would be cut."""
    shared = (Bbox.intersection(box, other) for other in taken)
    overlaps = sum(each.width * each.height for each in shared if each is not None)
    inside = Bbox.intersection(box, frame)
    outside = box.width * box.height - (inside.width * inside.height if inside is not None else 0.0)
    return overlaps + max(outside, 0.0)

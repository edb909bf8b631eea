"""How scores follow maps: curves with bands against the share of the pixels, the floors of chance beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, LINE, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches, wrap_text
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, number, number_or_none

PANEL_HEIGHT = 1.35
CURVES = {  # as in the table -> what a panel is called, and its axis
    "deletion": ("deletion", "pixels deleted (%)"),
    "insertion": ("insertion", "pixels inserted (%)"),
    "road": ("ROAD, half the gap", "pixels removed (%)"),
}
FLOORS = {"randomcam": ("Random-CAM", (0, (4, 1.5))), "random": ("random order", (0, (1, 1)))}
SCORE = "score"  # the text that says what it is


class Curve(NamedTuple):
    """Points of a curve, (P,) each: share of the pixels, mean, ends of its interval or NaN where there is none."""

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Followed:
    """What is drawn.

    Attributes:
        networks: in the order of their colours.
        curves: keys of ``CURVES``.
        panels: title of a kind of map -> curve and network -> points.
        floors: key of ``FLOORS`` -> curve and network -> points.
        score: what the score is.
    """

    networks: Sequence[str]
    curves: Sequence[str]
    panels: Mapping[str, Mapping[tuple[str, str], Curve]]
    floors: Mapping[str, Mapping[tuple[str, str], Curve]]
    score: str


def faithfulness_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: a panel for each kind of map and curve of the table ``curves``."""
    texts: dict[str, Any] = dict.fromkeys(("network", "group", "map", "curve"), str)
    numbers = {"fraction": number, "mean": number, "low": number_or_none, "high": number_or_none}
    rows = [row for row in results.records("curves", **texts, **numbers) if row["curve"] in CURVES]
    points: dict[tuple[str, ...], list[list[float]]] = {}
    for row in rows:
        values = [np.nan if row[name] is None else row[name] for name in numbers]
        points.setdefault(tuple(row[name] for name in texts), []).append(values)
    titles, panels, floors = results.manifest.texts, {}, {}
    for (network, group, name, curve), values in points.items():
        where = floors if group == "floor" else panels
        own = where.setdefault(name if group == "floor" else titles.get(name, name), {})
        own[curve, network] = Curve(*np.array(sorted(values)).T)
    if not panels:
        raise ResultsError(f"{results.folder} holds no curve to draw: run the command that made it again.")
    networks = list(dict.fromkeys(row["network"] for row in rows if row["group"] != "floor"))
    for entries, what in ((networks, "networks"), (list(panels), "kinds of maps")):
        few(entries, what)
    curves = [curve for curve in CURVES if any(row["curve"] == curve for row in rows)]
    yield Page(draw_followed(Followed(networks, curves, panels, floors, titles.get(SCORE, SCORE)), options))


def draw_followed(followed: Followed, options: FigureOptions) -> Figure:
    """Draw the curves: a row for each kind of map, in a narrow figure a column for each of two and rows of curves.

    Args:
        followed: what to draw.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width = options.inches
        places, shape = _places(list(followed.panels), followed.curves, narrow=width < STACKED)
        entries = _entries(followed, 0.85 * width)
        widest = max(
            text_inches(line, SMALL) for each in entries for line in str(each.get_label()).split("\n")
        )
        across = max(1, min(len(entries), int(width / (widest + 0.45))))
        legend = -(-len(entries) // across) * SMALL * LINE * 1.3 / 72
        figure = sheet(width, shape[0] * PANEL_HEIGHT + legend + 0.2, options, layout="constrained")
        figure.get_layout_engine().set(h_pad=0.03, w_pad=0.03)  # pyright: ignore[reportCallIssue, reportOptionalMemberAccess]
        grid: Any = figure.subplots(*shape, squeeze=False)
        axes: dict[str, list[Axes]] = {}
        for (title, curve), place in places.items():
            ax = grid[place]
            _draw_panel(ax, followed, title, curve)
            axes.setdefault(curve, []).append(ax)
            called, below = CURVES[curve]
            if options.title:
                size = matplotlib.rcParams["axes.titlesize"]
                ax.set_title(
                    "\n".join(wrap_text(f"{title}: {called}", 0.95 * width / shape[1] - 0.3, size, 2))
                )
            ax.set_xlabel(below)
            if place[1] == 0 and curve != "road":
                size = matplotlib.rcParams["axes.labelsize"]
                ax.set_ylabel("\n".join(wrap_text(followed.score, 0.65 * PANEL_HEIGHT, size, 2)))
        for own in axes.values():  # one scale for what is compared
            ends = [ax.get_ylim() for ax in own]
            for ax in own:
                ax.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
        for place in np.ndindex(*shape):
            if place not in places.values():
                grid[place].set_axis_off()
        figure.legend(handles=entries, loc="outside lower center", ncols=across, columnspacing=1.2)
    return figure


def _places(
    titles: Sequence[str], curves: Sequence[str], *, narrow: bool
) -> tuple[dict[tuple[str, str], tuple[int, int]], tuple[int, int]]:
    """Where each panel stands, row and column, and how many rows and columns there are."""
    if not narrow:
        places = {(t, c): (row, column) for row, t in enumerate(titles) for column, c in enumerate(curves)}
        return places, (len(titles), len(curves))
    across = min(2, len(titles))
    places = {
        (title, curve): (index // across * len(curves) + row, index % across)
        for index, title in enumerate(titles)
        for row, curve in enumerate(curves)
    }
    return places, (-(-len(titles) // across) * len(curves), across)


def _draw_panel(ax: Axes, followed: Followed, title: str, curve: str) -> None:
    for index, network in enumerate(followed.networks):
        colour = COLOURS[index % len(COLOURS)]
        own = followed.panels[title].get((curve, network))
        if own is None:
            continue
        ax.fill_between(100 * own.x, own.low, own.high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(100 * own.x, own.mean, color=colour, linewidth=1.2, zorder=4)
        for name, (_, dashes) in FLOORS.items():
            floor = followed.floors.get(name, {}).get((curve, network))
            if floor is not None:
                ax.plot(100 * floor.x, floor.mean, color=colour, linestyle=dashes, linewidth=0.9, zorder=3)
    if curve == "road":
        ax.axhline(0, color="#888888", linewidth=0.5, zorder=1)
    ax.set_xlim(0, 100)
    ax.grid(color="#dddddd", linewidth=0.4)
    ax.set_axisbelow(True)


def _entries(followed: Followed, inches: float) -> list[Line2D]:
    """The lines of the legend."""
    entries = []
    for index, network in enumerate(followed.networks):
        label = "\n".join(wrap_text(printable(network), inches, SMALL, lines=2))
        entries.append(Line2D([], [], color=COLOURS[index % len(COLOURS)], linewidth=1.2, label=label))
    for name, (title, dashes) in FLOORS.items():
        if name in followed.floors:
            entries.append(Line2D([], [], color="#555555", linestyle=dashes, linewidth=0.9, label=title))
    return entries

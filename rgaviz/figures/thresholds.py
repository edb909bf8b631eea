"""How well maps outline a part over all thresholds: their pixels, and the box around the largest connected part."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rgaviz.figures.chart_legend import fit_legend
from rgaviz.figures.intervals import FLOORS, RANDOM, TITLES, intervals_pages
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, DASHES, FigureOptions, Page, style
from rgaviz.figures.text import wrap_text
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, number, number_or_none

TABLE = "curves"
COLUMNS = {"iou": "IoU (%)", "maxboxacc50": "BoxAcc, δ = 0.5 (%)"}  # of the table -> how an axis is called
PANEL = 1.25  # inches
SUFFIX = "-thresholds"
RANDOM_DASHES = (0, (3, 1.5))

Curve = tuple[Sequence[float], Sequence[float | None]]  # thresholds, and fractions
Curves = Mapping[str, Mapping[str, Curve]]  # column of the table -> network, or floor -> its curve


@dataclass(frozen=True)
class Outlines:
    """What is drawn.

    Attributes:
        part: that is outlined.
        networks: in the order of their colours.
        panels: title -> whether Random-CAM stands in it, and the curves of networks.
        floors: the curves of the keys of ``FLOORS``.
        random: those of each network's Random-CAM.
    """

    part: str
    networks: Sequence[str]
    panels: Mapping[str, tuple[bool, Curves]]
    floors: Curves
    random: Curves


def localize_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The page of intervals, then that of the curves, where results have these."""
    pages = [*intervals_pages(results, options)]
    if TABLE in results.manifest.tables:
        pages.append(Page(draw_thresholds(_outlines(results), options), *page_of_curves()))
    yield from (page._replace(of=len(pages)) for page in pages)


def page_of_curves() -> tuple[str, str]:
    """What a named figure's file name gets, and the page's own name."""
    return SUFFIX, f"localize{SUFFIX}"


def localize_names(tables: Collection[str]) -> list[tuple[str, str]]:
    """The same of each page, by the tables of the results."""
    return [("", "localize"), *([page_of_curves()] if TABLE in tables else [])]


def _outlines(results: Results) -> Outlines:
    """The curves of the part that maps are about, such as ``car`` of ``car@all``, else of the first in the table."""
    texts: dict[str, Any] = dict.fromkeys(("network", "group", "map", "part"), str)
    rows = results.records(TABLE, **texts, threshold=number, **dict.fromkeys(COLUMNS, number_or_none))
    about = (results.manifest.target or "").partition("@")[0]
    part = next((row["part"] for row in rows if row["part"] == about), rows[0]["part"] if rows else "")
    rows = [row for row in rows if row["part"] == part]
    values = [row[name] for row in rows for name in ("threshold", *COLUMNS) if row[name] is not None]
    if not all(0 <= value <= 1 for value in values):
        raise ResultsError(
            f"The table {TABLE!r} of {results.folder} has shares beyond 0 and 1: run the command that made it again."
        )
    panels: dict[str, tuple[bool, dict[str, dict[str, Curve]]]] = {}
    floors: dict[str, dict[str, Curve]] = {}
    random: dict[str, dict[str, Curve]] = {}
    for row in rows:
        group, name, network = row["group"], row["map"], row["network"]
        title = results.manifest.texts.get(str(name), str(name))
        if group != "floor":
            own, key = panels.setdefault(title, (group == "cam", {}))[1], network
        elif name in FLOORS:
            own, key = floors, name
        else:
            own, key = random, network
        for column in COLUMNS:
            curve = own.setdefault(column, {}).setdefault(key, ([], []))
            curve[0].append(row["threshold"])  # type: ignore[attr-defined]
            curve[1].append(row[column])  # type: ignore[attr-defined]
    if not panels:
        raise ResultsError(f"{results.folder} holds no curve to draw: run the command that made it again.")
    networks = list(dict.fromkeys(row["network"] for row in rows if row["group"] != "floor"))
    for entries, what in ((networks, "networks"), (list(panels), "kinds of maps")):
        few(entries, what)
    return Outlines(part, networks, panels, floors, random)


def draw_thresholds(outlines: Outlines, options: FigureOptions) -> Figure:
    """Draw IoU and the share of right boxes over thresholds, a row for each kind of map; the best is marked.

    Args:
        outlines: what to draw.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width, count = options.inches, len(outlines.panels)
        others = _others(outlines)
        above = count * (PANEL + (0.2 if options.title else 0.0)) + 0.3
        legend = fit_legend(outlines.networks, width, above, others=list(others))
        figure = sheet(width, legend.page, options, layout="constrained")
        grid = figure.subplots(count, len(COLUMNS), sharex=True, sharey="col", squeeze=False)
        for row, (title, (random, curves)) in zip(grid, outlines.panels.items(), strict=True):
            for ax, (column, label) in zip(row, COLUMNS.items(), strict=True):
                _draw_panel(ax, outlines, column, curves, outlines.random if random else {})
                ax.set_ylabel(label)
            if options.title:
                name = wrap_text(title, 0.4 * width, matplotlib.rcParams["axes.titlesize"], 1)[0]
                row[0].set_title(name, loc="left")
        size = matplotlib.rcParams["axes.labelsize"]
        for ax in grid[-1]:
            ax.set_xlabel("\n".join(wrap_text(f"threshold ({outlines.part})", 0.26 * width, size, 2)))
        legend.draw(figure, [*map(_network, range(len(outlines.networks))), *others.values()])
    return figure


def _draw_panel(ax: Axes, outlines: Outlines, column: str, curves: Curves, random: Curves) -> None:
    for name, curve in outlines.floors.get(column, {}).items():
        ax.plot(*_percent(curve), **FLOORS[name], zorder=1)
    for index, network in enumerate(outlines.networks):
        colour, dashes = _look(index)
        if network in random.get(column, {}):
            ax.plot(
                *_percent(random[column][network]),
                color=colour,
                linestyle=RANDOM_DASHES,
                linewidth=0.7,
                zorder=2,
            )
        if network not in curves.get(column, {}):
            continue
        places, values = _percent(curves[column][network])
        ax.plot(places, values, color=colour, linestyle=dashes, zorder=3)
        if not np.isnan(values).all():
            best = int(np.nanargmax(values))
            ax.plot(places[best], values[best], marker="o", markersize=3, color=colour, zorder=4)
    ax.set(xlim=(0, 1))
    ax.set_ylim(bottom=0)
    ax.grid(color="#dddddd", linewidth=0.4)
    ax.set_axisbelow(True)


def _percent(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    places, values = curve
    return np.array(places), np.array([np.nan if value is None else 100 * value for value in values])


def _look(index: int) -> tuple[str, Any]:
    return COLOURS[index % len(COLOURS)], DASHES[index // len(COLOURS) % len(DASHES)]


def _network(index: int) -> Line2D:
    """How a network looks in the legend."""
    colour, dashes = _look(index)
    return Line2D([], [], color=colour, linestyle=dashes, marker="o", markersize=3)


def _others(outlines: Outlines) -> dict[str, Line2D]:
    """Floors by name, and how they look."""
    there = {name for curves in outlines.floors.values() for name in curves}
    found = {
        TITLES[name].partition(" (")[0]: Line2D([], [], **FLOORS[name]) for name in FLOORS if name in there
    }
    if outlines.random and any(random for random, _ in outlines.panels.values()):
        found[TITLES[RANDOM]] = Line2D([], [], color="#555555", linestyle=RANDOM_DASHES, linewidth=0.7)
    return found

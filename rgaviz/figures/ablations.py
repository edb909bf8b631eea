"""How a measure changes when masks are replaced: for each mask and way a point with its interval, about zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, LINE, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches, wrap_text
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, number_or_none

MARKERS = "osD^v<>"
ROW = 0.095  # inches for each way of a mask
GAP = 0.07  # between masks
LEAST = 0.4  # of a panel

Values = tuple[float | None, float | None, float | None]  # change and the ends of its interval


@dataclass(frozen=True)
class Panel:
    """A network and a measure.

    Attributes:
        title: of the panel.
        axis: what the numbers are.
        values: mask -> way -> change and interval.
    """

    title: str
    axis: str
    values: Mapping[str, Mapping[str, Values]]


def ablation_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: a panel for each network and measure of the table ``ablations``, ways as the table ``ways``."""
    texts: dict[str, Any] = dict.fromkeys(("network", "mask", "way", "measure"), str)
    numbers = dict.fromkeys(("change", "low", "high"), number_or_none)
    rows = results.records("ablations", **texts, **numbers)
    titles = {row["way"]: row["title"] for row in results.records("ways", way=str, title=str)}
    found = {row["way"] for row in rows}
    if not rows or not found <= titles.keys():
        raise ResultsError(f"{results.folder} holds no changes to draw: run the command that made it again.")
    named = results.manifest.texts
    panels: dict[tuple[str, str], dict[str, dict[str, Values]]] = {}
    for row in rows:
        own = panels.setdefault((row["network"], row["measure"]), {})
        own.setdefault(row["mask"], {})[row["way"]] = (row["change"], row["low"], row["high"])
    ways = few([way for way in titles if way in found], "ways")
    few(list(dict.fromkeys(row["mask"] for row in rows)), "masks")
    few(list(panels), "networks")
    drawn = [
        Panel(network, named.get(f"measure/{measure}", f"change of {measure}"), values)
        for (network, measure), values in panels.items()
    ]
    yield Page(draw_ablations(drawn, {way: titles[way] for way in ways}, options))


def draw_ablations(panels: Sequence[Panel], ways: Mapping[str, str], options: FigureOptions) -> Figure:
    """Draw the panels beside or below each other.

    Args:
        panels: what to draw.
        ways: what the ways are called, in the order of their colours.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width, count = options.inches, len(panels)
        columns = 1 if width < STACKED else min(count, 3)
        lines = -(-count // columns)
        entries = _entries(ways, 0.85 * width)
        widest = max(
            text_inches(line, SMALL) for each in entries for line in str(each.get_label()).split("\n")
        )
        across = max(1, min(len(entries), int(width / (widest + 0.45))))
        legend = -(-len(entries) // across) * SMALL * LINE * 1.3 / 72
        tallest = max(LEAST, *(_units(panel) for panel in panels))
        labels = max(len(_words(panel, width / columns)[1]) for panel in panels)
        beside = 0.2 + 0.15 * labels + (0.18 if options.title else 0.0)  # title, ticks and axis
        height = lines * (tallest + beside) + legend + 0.1
        figure = sheet(width, height, options, layout="constrained")
        figure.get_layout_engine().set(h_pad=0.02, w_pad=0.03)  # pyright: ignore[reportCallIssue, reportOptionalMemberAccess]
        grid = figure.subplots(lines, columns, squeeze=False).ravel()
        for ax in grid[count:]:
            ax.set_axis_off()
        for ax, panel in zip(grid, panels, strict=False):
            _draw_panel(ax, panel, list(ways))
            names, axis, room = _words(panel, width / columns)
            ax.set_yticklabels(names)
            ax.set_xlabel("\n".join(axis))
            if options.title:
                size = matplotlib.rcParams["axes.titlesize"]
                ax.set_title(wrap_text(printable(panel.title), room, size, 1)[0])
        figure.legend(handles=entries, loc="outside lower center", ncols=across, columnspacing=1.2)
    return figure


def _units(panel: Panel) -> float:
    """Inches that the points of a panel need."""
    return sum(len(own) * ROW + GAP for own in panel.values.values())


def _draw_panel(ax: Axes, panel: Panel, ways: Sequence[str]) -> None:
    ax.axvline(0, color="#555555", linewidth=0.8, zorder=1)
    top, places = 0.0, []
    for number, own in enumerate(panel.values.values()):
        tall = len(own) * ROW + GAP
        if number % 2:
            ax.axhspan(top, top + tall, color="#f3f3f3", linewidth=0, zorder=0)
        for row, way in enumerate(way for way in ways if way in own):
            y = top + GAP / 2 + (row + 0.5) * ROW
            change, low, high = own[way]
            colour, marker = _look(ways.index(way))
            if low is not None and high is not None:
                ax.plot(
                    (low, high), (y, y), marker="|", markersize=4, markeredgewidth=0.8, color=colour, zorder=3
                )
            if change is not None:
                ax.plot(change, y, marker=marker, markersize=2.4, color=colour, linestyle="none", zorder=4)
        places.append(top + tall / 2)
        top += tall
    ax.set_yticks(places)
    ax.set_ylim(top, 0)
    ax.grid(axis="x", color="#dddddd", linewidth=0.4)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)


def _words(panel: Panel, inches: float) -> tuple[list[str], list[str], float]:
    """The names of the masks and the lines of the axis in a panel so wide, and the inches left beside names."""
    names = [wrap_text(printable(name), 0.35 * inches, SMALL, lines=1)[0] for name in panel.values]
    room = 0.9 * (inches - max(text_inches(name, SMALL) for name in names) - 0.15)
    axis = wrap_text(printable(panel.axis), room, matplotlib.rcParams["axes.labelsize"], lines=2)
    return names, axis, room


def _look(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]


def _entries(ways: Mapping[str, str], inches: float) -> list[Line2D]:
    """The lines of the legend."""
    entries = []
    for index, title in enumerate(ways.values()):
        colour, marker = _look(index)
        label = "\n".join(wrap_text(printable(title), inches, SMALL, lines=2))
        entries.append(Line2D([], [], color=colour, marker=marker, markersize=3, linewidth=1.2, label=label))
    return entries

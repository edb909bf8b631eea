"""Where maps lie: for each part of what is in a picture a mean with its interval, and the floors beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rgaviz.figures.chart_legend import fit_legend
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import wrap_text
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, number_or_none

MEASURE = "energy"  # what is drawn of the table
RANDOM = "randomcam"  # a floor with a value for each network, of maps that are no masks
FLOORS: dict[str, dict[str, Any]] = {
    "ones": {"color": "#555555", "linestyle": "solid", "linewidth": 1.4},
    "gaussian": {"color": "#999999", "linestyle": (0, (1.2, 1.0)), "linewidth": 1.4},
}
TITLES = {"ones": "all ones (share of the pixels)", "gaussian": "centred Gaussian", RANDOM: "Random-CAM"}
MARKERS = "osD^v<>"
ROW = 0.105  # inches for each network of a part
GAP = 0.06  # between parts

Values = tuple[float | None, float | None, float | None]  # mean and the ends of its interval


@dataclass(frozen=True)
class Shares:
    """What is drawn; all values are fractions.

    Attributes:
        parts: from top to bottom.
        networks: in the order of their colours.
        panels: title -> whether Random-CAM stands in it, and part -> network -> mean and interval.
        floors: key of ``FLOORS`` -> part -> value.
        random: part -> network -> value.
    """

    parts: Sequence[str]
    networks: Sequence[str]
    panels: Mapping[str, tuple[bool, Mapping[str, Mapping[str, Values]]]]
    floors: Mapping[str, Mapping[str, float | None]]
    random: Mapping[str, Mapping[str, float | None]]


def intervals_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: a panel for each kind of map of the table ``summary``."""
    rows = _rows(results)
    panels: dict[str, tuple[bool, dict[str, dict[str, Values]]]] = {}
    floors: dict[str, dict[str, float | None]] = {}
    random: dict[str, dict[str, float | None]] = {}
    for row in rows:
        part, network = row["part"], row["network"]
        if row["group"] != "floor":
            title = results.manifest.texts.get(str(row["map"]), str(row["map"]))
            _, own = panels.setdefault(title, (row["group"] == "cam", {}))
            own.setdefault(part, {})[network] = (row["mean"], row["low"], row["high"])
        elif row["map"] == RANDOM:
            random.setdefault(part, {})[network] = row["mean"]
        elif row["map"] in FLOORS:
            floors.setdefault(row["map"], {})[part] = row["mean"]
    if not panels:
        raise ResultsError(f"{results.folder} holds no map to draw: run the command that made it again.")
    shown = [row for row in rows if row["group"] != "floor"]
    parts, networks = (list(dict.fromkeys(row[key] for row in shown)) for key in ("part", "network"))
    for entries, what in ((parts, "parts"), (networks, "networks"), (list(panels), "kinds of maps")):
        few(entries, what)
    yield Page(draw_intervals(Shares(parts, networks, panels, floors, random), options))


def _rows(results: Results) -> list[dict[str, Any]]:
    """The rows that are drawn."""
    texts: dict[str, Any] = dict.fromkeys(("network", "group", "map", "part", "measure"), str)
    numbers = dict.fromkeys(("mean", "low", "high"), number_or_none)
    rows = [row for row in results.records("summary", **texts, **numbers) if row["measure"] == MEASURE]
    values = [row[name] for row in rows for name in numbers if row[name] is not None]
    if not all(0 <= value <= 1 for value in values):
        raise ResultsError(
            f"The table 'summary' of {results.folder} has shares beyond 0 and 1: run the command that made it again."
        )
    return rows


def draw_intervals(shares: Shares, options: FigureOptions) -> Figure:
    """Draw a point with its interval for each part and network, a panel for each kind of map, on one scale.

    Args:
        shares: what to draw.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width, count = options.inches, len(shares.panels)
        columns = 1 if width < STACKED else min(count, 3)
        lines = -(-count // columns)
        panel = len(shares.parts) * (len(shares.networks) * ROW + GAP) + (0.22 if options.title else 0.06)
        above = lines * panel + 0.3
        others = _others(shares)
        legend = fit_legend(shares.networks, width, above, others=list(others), handle=2.0)
        figure = sheet(width, legend.page, options, layout="constrained")
        figure.get_layout_engine().set(h_pad=0.02, w_pad=0.03)  # pyright: ignore[reportCallIssue, reportOptionalMemberAccess]
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for ax in grid[count:]:
            ax.set_axis_off()
        for number, (ax, (title, (random, values))) in enumerate(
            zip(grid, shares.panels.items(), strict=False)
        ):
            _draw_panel(ax, shares, values, shares.random if random else {})
            if options.title:
                ax.set_title(
                    wrap_text(title, 0.9 * width / columns, matplotlib.rcParams["axes.titlesize"], 1)[0]
                )
            if number >= count - columns:
                ax.tick_params(labelbottom=True)
                ax.set_xlabel("share of the map's energy (%)")
        names = [wrap_text(name, 0.3 * width / columns, SMALL, lines=1)[0] for name in shares.parts]
        grid[0].set_yticks(range(len(names)), names)
        grid[0].set_ylim(len(names) - 0.5, -0.5)
        legend.draw(figure, [*map(_network, range(len(shares.networks))), *others.values()])
    return figure


def _draw_panel(
    ax: Axes,
    shares: Shares,
    values: Mapping[str, Mapping[str, Values]],
    random: Mapping[str, Mapping[str, float | None]],
) -> None:
    band = len(shares.networks) * ROW / (len(shares.networks) * ROW + GAP)  # of the height of a part
    for row, part in enumerate(shares.parts):
        for name, floor in shares.floors.items():
            value = floor.get(part)
            if value is not None:
                ax.vlines(100 * value, row - band / 2, row + band / 2, **FLOORS[name], zorder=1)
        for index, network in enumerate(shares.networks):
            y = row + band * ((index + 0.5) / len(shares.networks) - 0.5)
            colour, marker = _look(index)
            blind = random.get(part, {}).get(network)
            if blind is not None:
                ax.plot(
                    100 * blind, y, marker="x", markersize=3.2, markeredgewidth=0.8, color=colour, zorder=2
                )
            mean, low, high = values.get(part, {}).get(network, (None, None, None))
            if mean is None:
                continue
            if low is not None and high is not None:
                ends = (100 * low, 100 * high)
                ax.plot(ends, (y, y), marker="|", markersize=4, markeredgewidth=0.8, color=colour, zorder=3)
            ax.plot(100 * mean, y, marker=marker, markersize=2.2, color=colour, linestyle="none", zorder=4)
    ax.set_xlim(left=0)
    ax.grid(axis="x", color="#dddddd", linewidth=0.4)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)


def _look(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], MARKERS[index // len(COLOURS) % len(MARKERS)]


def _network(index: int) -> Line2D:
    """How a network looks."""
    colour, marker = _look(index)
    return Line2D([], [], color=colour, marker=marker, markersize=3, linewidth=1.2)


def _others(shares: Shares) -> dict[str, Line2D]:
    """Floors by name, and how they look."""
    found = {TITLES[name]: Line2D([], [], **FLOORS[name]) for name in FLOORS if name in shares.floors}
    if shares.random and any(random for random, _ in shares.panels.values()):
        found[TITLES[RANDOM]] = Line2D([], [], color="#555555", marker="x", markersize=3.2, linestyle="none")
    return found

"""How alike maps stay as weights are drawn anew: a curve over the parts of a network with its band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, LINE, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches, wrap_text
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, count, number_or_none

CASCADE, SINGLE, LABELS, OTHERS = "cascade", "single", "labels", "others"
TRAINED = "trained"
PANEL_HEIGHT = 1.35
LONGEST = 1.2  # inches of a part's name
GREY = "#555555"
# What the signs mean, of those that are drawn.
SIGNS: dict[str, dict[str, Any]] = {
    CASCADE: {"linestyle": "solid", "linewidth": 1.2, "label": "drawn anew from the head down to here"},
    SINGLE: {
        "linestyle": "none",
        "marker": "o",
        "markersize": 2.6,
        "fillstyle": "none",
        "label": "this part alone",
    },
    LABELS: {"linestyle": "none", "marker": "x", "markersize": 4, "label": "learnt random labels"},
    OTHERS: {"linestyle": (0, (1.2, 1.2)), "linewidth": 0.8, "label": "map of another picture"},
}

Values = tuple[float | None, float | None, float | None]  # mean and the ends of its interval


@dataclass
class Panel:
    """A network and a measure.

    Attributes:
        parts: from the head down.
        curves: map -> order -> of each step from 1 on its values; of labels and others at step 0.
    """

    parts: dict[int, str] = field(default_factory=dict)
    curves: dict[str, dict[str, dict[int, Values]]] = field(default_factory=dict)


def likeness_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: a panel for each network and measure of the table ``likeness``."""
    texts: dict[str, Any] = dict.fromkeys(("network", "map", "order", "part", "measure"), str)
    numbers = dict.fromkeys(("mean", "low", "high"), number_or_none)
    rows = results.records("likeness", **texts, **numbers, step=count)
    named = results.manifest.texts
    panels: dict[tuple[str, str], Panel] = {}
    for row in rows:
        panel = panels.setdefault((row["network"], row["measure"]), Panel())
        if row["order"] == CASCADE:
            panel.parts[row["step"]] = row["part"]
        of_map = panel.curves.setdefault(row["map"], {})
        of_map.setdefault(row["order"], {})[row["step"]] = (row["mean"], row["low"], row["high"])
    maps = few(list(dict.fromkeys(row["map"] for row in rows)), "maps")
    few(list(panels), "networks")
    if not maps or any(not 0 < len(panel.parts) < 1000 for panel in panels.values()):
        raise ResultsError(f"{results.folder} holds no curve to draw: run the command that made it again.")
    titles = {str(each): named.get(str(each), str(each)) for each in maps}
    drawn = {
        (network, named.get(f"measure/{measure}", measure)): panel
        for (network, measure), panel in panels.items()
    }
    yield Page(draw_likeness(drawn, titles, options))


def draw_likeness(
    panels: Mapping[tuple[str, str], Panel], maps: Mapping[str, str], options: FigureOptions
) -> Figure:
    """Draw the panels: a network below the other, measures side by side where there is room.

    Args:
        panels: network and measure -> what to draw.
        maps: what each is called, in the order of their colours.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width = options.inches
        columns = 1 if width < STACKED else min(2, len(panels))
        lines = -(-len(panels) // columns)
        handles = _entries(panels, maps, 0.85 * width)
        widest = max(
            text_inches(line, SMALL) for each in handles for line in str(each.get_label()).split("\n")
        )
        across = max(1, min(len(handles), int(width / (widest + 0.45))))
        legend = -(-len(handles) // across) * SMALL * LINE * 1.3 / 72
        names = [_names(panel) for panel in panels.values()]
        networks = [network for network, _ in panels]
        # Below each other panels of a network have one axis, written once.
        named = [
            columns > 1 or here != below for here, below in zip(networks, [*networks[1:], ""], strict=True)
        ]
        tall = min(max(text_inches(name, SMALL) for own in names for name in own), LONGEST)
        panel_height = PANEL_HEIGHT + (0.2 if options.title else 0.06)
        height = lines * panel_height + -(-sum(named) // columns) * tall + legend + 0.15
        figure = sheet(width, height, options, layout="constrained")
        figure.get_layout_engine().set(h_pad=0.02, w_pad=0.03)  # pyright: ignore[reportCallIssue, reportOptionalMemberAccess]
        grid = figure.subplots(lines, columns, squeeze=False).ravel()
        for ax in grid[len(panels) :]:
            ax.set_axis_off()
        for ax, ((network, measure), panel), own, shown in zip(
            grid, panels.items(), names, named, strict=False
        ):
            for index, each in enumerate(maps):
                _draw_map(ax, panel, panel.curves.get(each, {}), index)
            ax.set_xticks(range(len(own)), own if shown else [""] * len(own), rotation=90)
            ax.set_ylabel("\n".join(wrap_text(printable(measure), 1.2, SMALL, lines=2)))
            ax.set_xlim(-0.4, len(own) - 0.2)
            ax.grid(axis="y", color="#dddddd", linewidth=0.4)
            ax.set_axisbelow(True)
            if options.title:
                size = matplotlib.rcParams["axes.titlesize"]
                ax.set_title(wrap_text(printable(network), 0.9 * width / columns, size, 1)[0])
        figure.legend(handles=handles, loc="outside lower center", ncols=across, columnspacing=1.2)
    return figure


def _names(panel: Panel) -> list[str]:
    """What stands below a panel, from left to right."""
    parts = (printable(panel.parts[step]) for step in sorted(panel.parts))
    return [TRAINED, *(wrap_text(part, LONGEST, SMALL, lines=1)[0] for part in parts)]


def _draw_map(ax: Axes, panel: Panel, orders: Mapping[str, Mapping[int, Values]], index: int) -> None:
    colour = _look(index)
    steps = sorted(panel.parts)
    place = {step: number for number, step in enumerate(steps, start=1)}
    cascade = {place[step]: values for step, values in orders.get(CASCADE, {}).items() if step in place}
    known = [(0, (1.0, 1.0, 1.0)), *((x, each) for x, each in sorted(cascade.items()) if each[0] is not None)]
    if cascade:
        ax.plot([x for x, _ in known], [each[0] for _, each in known], color=colour, linewidth=1.2, zorder=3)
        band = [(x, low, high) for x, (_, low, high) in known if low is not None and high is not None]
        places, lows, highs = (list(each) for each in zip(*band, strict=True))
        ax.fill_between(places, lows, highs, color=colour, alpha=0.18, linewidth=0, zorder=2)
    shift = 0.07 * index
    single = [(place[step], each[0]) for step, each in orders.get(SINGLE, {}).items() if step in place]
    looks = {order: {**SIGNS[order], "color": colour, "label": None} for order in SIGNS}
    told = [(x + shift, mean) for x, mean in single if mean is not None]
    ax.plot([x for x, _ in told], [mean for _, mean in told], **looks[SINGLE], zorder=4)
    others, labels = (next(iter(orders.get(order, {}).values()), (None,))[0] for order in (OTHERS, LABELS))
    if others is not None:
        ax.axhline(others, **looks[OTHERS], zorder=1)
    if labels is not None:
        ax.plot(len(steps) + shift, labels, **looks[LABELS], zorder=5)


def _look(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _entries(panels: Mapping[Any, Panel], maps: Mapping[str, str], inches: float) -> list[Line2D]:
    """The lines of the legend: maps by colour, then the signs that are drawn."""
    entries = []
    for index, title in enumerate(maps.values()):
        label = "\n".join(wrap_text(printable(title), inches, SMALL, lines=2))
        entries.append(Line2D([], [], color=_look(index), linewidth=2, label=label))
    there = {order for panel in panels.values() for orders in panel.curves.values() for order in orders}
    return [
        *entries,
        *(Line2D([], [], color=GREY, **signs) for order, signs in SIGNS.items() if order in there),
    ]

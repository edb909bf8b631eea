"""How time and memory grow with the map, on log axes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from rgaviz.errors import RgavizError
from rgaviz.figures.chart_legend import fit_legend
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, count, number, number_or_none

PANEL_HEIGHT = 2.1
ROW = 0.132  # inches of a name with its exponents
MARKERS = "osD^v<>"
DECADES = 1000  # an axis that spans less has ticks between the powers of ten
AXES = {"N": "N = H W, positions of the map", "C": "C, channels of the map"}
PANELS = {"latency_ms": "time (ms)", "memory_mib": "memory (MiB)"}
QUARTILES = ("latency_q1_ms", "latency_q3_ms")


def growth_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: a curve for each row of the table ``exponents``, its points in the table ``growth``."""
    measured = {"latency_ms": _positive, "memory_mib": _logarithmic, **dict.fromkeys(QUARTILES, _positive)}
    points = results.records("growth", attention=str, x=_size, **measured)
    curves = []
    for row in few(
        results.records("exponents", attention=str, **dict.fromkeys(PANELS, number_or_none)), "attentions"
    ):
        own = [point for point in points if point["attention"] == row["attention"]]
        if not own:
            continue
        curves.append(
            {
                "label": row["attention"],
                "x": [point["x"] for point in own],
                **{key: [point[key] for point in own] for key in PANELS},
                "quartiles": [[point[key] for point in own] for key in QUARTILES],
                "exponents": tuple(row[key] for key in PANELS),
                "direct": str(row["attention"]).endswith("(direct)"),
            }
        )
    axis = results.manifest.texts.get("axis", "N")
    if axis not in AXES:
        raise ResultsError(
            f"{results.folder} grows along {axis[:60]!r}, not N or C: run the command that made it again."
        )
    yield Page(draw_scaling(curves, options, axis))


def _positive(text: str) -> float:
    """A number on a logarithmic axis."""
    value = number(text)
    if value <= 0:
        raise ValueError(text)
    return value


def _logarithmic(text: str) -> float | None:
    """The same, or None of what has no place there."""
    value = number_or_none(text)
    return value if value and value > 0 else None


def _size(text: str) -> int:
    _positive(text)
    return count(text)


def draw_scaling(curves: Sequence[Mapping[str, Any]], options: FigureOptions, axis: str) -> Figure:
    """Draw time and memory of modules against their size; the legend has the exponents.

    Args:
        curves: ``label``; ``x``, ascending; ``latency_ms`` and ``memory_mib`` of as many values, or None in
            their place; ``exponents``: of either, or None; ``direct``: whether it is dashed, in the colour of
            the curve before it; ``quartiles``, if known: the first and the third ones of the time.
        options: how it shall look.
        axis: ``"N"`` or ``"C"``.
    """
    if not curves:
        raise RgavizError("No curve to draw: name an attention, e.g. --attention rga-sc.")
    with matplotlib.rc_context(style(options)):
        width = options.inches
        note = "exponents: log-log least squares, larger half of sizes"
        note += "; bars: quartiles" if any("quartiles" in curve for curve in curves) else ""
        shape = (2, 1) if width < STACKED else (1, 2)
        above = shape[0] * PANEL_HEIGHT + 0.1
        growing = [_growing(curve, axis) for curve in curves]
        legend = fit_legend(
            [str(curve["label"]) for curve in curves],
            width,
            above,
            tails=list(map(_plain, growing)),
            handle=2.6,
            title=note,
            row=ROW,
        )
        figure = sheet(width, legend.page, options, layout="constrained")
        panels = dict(zip(PANELS, figure.subplots(*shape), strict=True))
        shade = -1
        for curve, tail in zip(curves, growing, strict=True):
            shade += not curve["direct"]
            for key, ax in panels.items():
                ax.loglog(
                    curve["x"],
                    [_number(value) for value in curve[key]],
                    color=COLOURS[shade % len(COLOURS)],
                    linestyle=(0, (3, 1.5)) if curve["direct"] else "solid",
                    marker=MARKERS[
                        (shade + shade // len(COLOURS)) % len(MARKERS)
                    ],  # another one where colours recur
                    markerfacecolor="white" if curve["direct"] else None,
                    markersize=3,
                    label=_escaped(printable(str(curve["label"]))) + tail,
                )
            if "quartiles" in curve:
                panels["latency_ms"].vlines(
                    curve["x"],
                    *curve["quartiles"],
                    color=COLOURS[shade % len(COLOURS)],
                    linewidth=2.5,
                    alpha=0.5,
                    zorder=1.5,  # below the markers
                )
        sizes = sorted({x for curve in curves for x in curve["x"]})
        for key, ax in panels.items():
            ax.set(xlabel=AXES[axis], ylabel=PANELS[key])
            ax.set_xticks(sizes)
            ax.xaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_minor_locator(NullLocator())
            low, high = ax.get_ylim()
            if high < DECADES * low:
                ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            for each in (ax.xaxis, ax.yaxis):
                each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.set_axisbelow(True)
            ax.grid(color="#dddddd", linewidth=0.4)
            if options.title:
                ax.set_title(PANELS[key].partition(" (")[0])
        names = map(_escaped, legend.names)
        labels = [name + tail for name, tail in zip(names, growing, strict=False)]
        drawn = legend.draw(figure, panels["latency_ms"].lines, labels)
        for text in drawn.get_texts():
            text.set_parse_math(True)  # of the exponents
    return figure


def _growing(curve: Mapping[str, Any], axis: str) -> str:
    """How its time and its memory grow, to stand behind its name."""
    grows = [
        f"{what} ${axis}^{{{round(exponent, 1) + 0.0:.1f}}}$"  # never -0.0
        for what, exponent in zip(("time", "memory"), curve["exponents"], strict=True)
        if exponent is not None
    ]
    return f": {', '.join(grows)}" if grows else ""


def _escaped(name: str) -> str:
    """A name that is no formula."""
    return name.replace("$", r"\$")


def _plain(tail: str) -> str:
    """As wide as it is drawn, or a little wider: without the signs of its formulas."""
    return re.sub("[$^{}]", "", tail)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value

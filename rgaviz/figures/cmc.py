"""Cumulated matching characteristic: for how many queries a match stands within the first ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rgaviz.figures.chart_legend import legend_of_numbers
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, DASHES, FigureOptions, Page, style
from rgaviz.figures.text import printable
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, count, number

CORNER, MATCHED = "rank", "matched (%)"  # how a table of matches begins
FLATTEST, TALLEST = 0.68, 3.2  # height of the axes: in units of the width, in inches
FLOOR = 10.0  # percent: the axis begins at a multiple of it

Curve = Sequence[tuple[int, float]]  # rank, percent of the queries


def cmc_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: a curve for every table of matches."""
    curves: dict[str, Curve] = {}
    for name in few(list(results.manifest.tables), "tables"):
        if results.table(name)[0][:2] == [CORNER, MATCHED]:
            ranks, rates = results.column(name, CORNER, count), results.column(name, MATCHED, number)
            curves[results.manifest.texts.get(name, name)] = list(zip(ranks, rates, strict=True))
    if not any(curves.values()):
        raise ResultsError(f"{results.folder} holds no curve of matches: run the command that made it again.")
    yield Page(draw_cmc(curves, options))


def draw_cmc(curves: Mapping[str, Curve], options: FigureOptions) -> Figure:
    """Draw the share of queries with a match within each rank, a curve for every network, on one pair of axes.

    Args:
        curves: what stands in the legend -> ranks and percentages.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width = options.inches
        above = min(FLATTEST * width, TALLEST)
        legend = legend_of_numbers(curves, width, above)
        figure = sheet(width, legend.page, options, layout="constrained")
        ax = figure.subplots()
        for index, (label, curve) in enumerate(curves.items()):
            ax.plot(
                *zip(*curve, strict=True),
                color=COLOURS[index % len(COLOURS)],
                linestyle=DASHES[index // len(COLOURS) % len(DASHES)],
                marker="o",
                markersize=2,
                label=printable(label),
            )
        low = min(rate for curve in curves.values() for _, rate in curve)
        last = max(rank for curve in curves.values() for rank, _ in curve)
        ax.set(xlabel="rank", ylabel="queries matched (%)", xlim=(0.5, last + 0.5))
        ax.set_ylim(FLOOR * (max(low - 1, 0) // FLOOR), 101)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(color="#dddddd", linewidth=0.4)
        legend.draw(figure, ax.lines)
    return figure

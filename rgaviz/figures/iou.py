"""Intersection over union of every class, networks beside each other, and what each class is taken for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from rgaviz.figures.chart_legend import legend_of_numbers
from rgaviz.figures.confusion import CORNER as OF_COUNTS
from rgaviz.figures.confusion import confusion_page
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, FigureOptions, Page, style
from rgaviz.figures.text import printable
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, number_or_none

CORNER, SHARE = "class", "IoU (%)"  # how a table of classes begins
COUNTS = "-confusion"  # behind a network's name: its table of counts
BAR = 0.09  # inches of a bar
BETWEEN = 0.07  # inches between classes
MOST_BARS = 120  # whose values are written; more, and the page ends
TALLEST = 8.5  # inches
NAME = "iou"

Shares = Mapping[str, Sequence[float | None]]  # what stands in the legend -> percent of every class


def iou_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """A page with the bars of all networks, then one of counts for each network that has them."""
    tables = results.manifest.tables
    networks = [name for name in few(list(tables), "tables") if results.table(name)[0][:2] == [CORNER, SHARE]]
    shares = {
        results.manifest.texts.get(name, name): results.column(name, SHARE, number_or_none)
        for name in networks
    }
    classes = [results.column(name, CORNER, str) for name in networks]
    if not networks or not classes[0] or any(each != classes[0] for each in classes):
        raise ResultsError(
            f"{results.folder} holds no tables of the same classes: run the command that made it again."
        )
    yield Page(draw_iou(classes[0], shares, options), "", NAME)
    for name in networks:
        if f"{name}{COUNTS}" in tables and results.table(f"{name}{COUNTS}")[0][0] == OF_COUNTS:
            title = results.manifest.texts.get(name)
            yield Page(confusion_page(results, f"{name}{COUNTS}", options, title), *_names(name))


def _names(network: str) -> tuple[str, str]:
    return f"-{network}{COUNTS}", f"{network}{COUNTS}"


def iou_names(tables: Collection[str]) -> list[tuple[str, str]]:
    """Of each page what a named figure's file name gets and its own name, as :func:`iou_pages` has them.

    Args:
        tables: of the results; or, before there are results, the names of the networks.
    """
    counts = {name for name in tables if name.endswith(COUNTS) and name.removesuffix(COUNTS) in tables}
    networks = [name.removesuffix(COUNTS) for name in tables if name in counts] or list(tables)
    return [("", NAME), *map(_names, networks)]


def draw_iou(classes: Sequence[str], shares: Shares, options: FigureOptions) -> Figure:
    """Draw the intersection over union of every class as bars, those of several networks below each other.

    Args:
        classes: names.
        shares: what stands in the legend -> of each class percent, None where it is neither there nor predicted.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width, count = options.inches, len(shares)
        room = len(classes) * (count * BAR + BETWEEN)
        above = min(room, TALLEST) + 0.35
        legend = legend_of_numbers(shares, width, above, handle=1.2)
        figure = sheet(width, legend.page, options, layout="constrained")
        ax = figure.subplots()
        thick = BAR / (count * BAR + BETWEEN)  # of the place of a class, which is 1
        written = len(classes) * count <= MOST_BARS
        handles = []
        for index, (label, values) in enumerate(shares.items()):
            places = np.arange(len(classes)) + (index - (count - 1) / 2) * thick
            lengths = [0.0 if value is None else value for value in values]
            colour = COLOURS[index % len(COLOURS)]
            handles.append(
                ax.barh(places, lengths, thick, color=colour, linewidth=0, label=printable(label))[0]
            )
            for place, value in zip(places, values, strict=True) if written else ():
                text = "–" if value is None else f"{value:.1f}"
                ax.annotate(
                    text, (value or 0.0, place), (2, 0), textcoords="offset points", va="center", size=6
                )
        ax.set(xlabel="IoU (%)", xlim=(0, 100), ylim=(len(classes) - 0.5, -0.5))
        ax.set_yticks(range(len(classes)), [printable(str(name)) for name in classes])
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="#dddddd", linewidth=0.4)
        ax.set_axisbelow(True)
        legend.draw(figure, handles)
    return figure

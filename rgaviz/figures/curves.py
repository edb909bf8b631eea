"""Training curves: what was measured of the networks, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rgaviz.errors import RgavizError
from rgaviz.figures.chart_legend import fit_legend
from rgaviz.figures.histogram import PANEL_HEIGHT
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable
from rgaviz.results.reader import Results, count, number_or_none

LINES = {"train": (0, (3, 1.5)), "test": "solid"}


def curves_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: the table ``curves``, a row per network and epoch; the results say what is drawn."""
    header, texts = results.table("curves")[0], results.manifest.texts
    measured = (name.partition("_") for name in header)  # in the order of the columns
    labels = {what: texts.get(what, what) for part, _, what in measured if part in LINES}
    values = {name: number_or_none for what in labels for name in _columns(what) if name in header}
    yield Page(draw_curves(results.records("curves", network=str, epoch=count, **values), options, labels))


def draw_curves(
    rows: Sequence[Mapping[str, Any]], options: FigureOptions, labels: Mapping[str, str]
) -> Figure:
    """Draw values against the epoch, a panel each: one colour per network, training dashed, test solid.

    Args:
        rows: ``network``, ``epoch``, and of a value X ``train_X``, ``test_X`` or both; the line goes past epochs where
            it is None or "".
        options: how it shall look.
        labels: X -> what its axis is called, with its unit in brackets; what no row has gets no panel.
    """
    there = {name for row in rows for name in row}
    shown = few([what for what in labels if there.intersection(_columns(what))], "measures")
    if not shown:
        raise RgavizError("No epoch to draw: train for at least one.")
    networks = few(list(dict.fromkeys(row["network"] for row in rows)), "networks")
    with matplotlib.rc_context(style(options)):
        width = options.inches
        across = 1 if width < STACKED else min(2, len(shown))
        down = -(-len(shown) // across)
        above = down * PANEL_HEIGHT + 0.2
        legend = fit_legend([str(network) for network in networks], width, above, others=list(LINES))
        figure = sheet(width, legend.page, options, layout="constrained")
        grid = figure.subplots(down, across, squeeze=False).ravel().tolist()
        panels = dict(zip(shown, grid, strict=False))
        for ax in grid[len(shown) :]:
            ax.remove()
        for index, network in enumerate(networks):
            own = sorted(
                (row for row in rows if row["network"] == network), key=lambda row: int(row["epoch"])
            )
            for what, ax in panels.items():
                for part, name in zip(LINES, _columns(what), strict=True):
                    measured = [row for row in own if row.get(name) not in (None, "")]
                    ax.plot(
                        [int(row["epoch"]) for row in measured],
                        [float(row[name]) for row in measured],
                        color=COLOURS[index % len(COLOURS)],
                        linestyle=LINES[part],
                        marker="o" if len(measured) == 1 else None,
                        markersize=3,
                        label=f"{printable(str(network))} {part}",
                    )
        for what, ax in panels.items():
            label = printable(labels[what])
            ax.set(xlabel="epoch", ylabel=label)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.grid(axis="y", color="#dddddd", linewidth=0.4)
            if options.title:
                ax.set_title(label.partition(" (")[0])  # without its unit
        shades = [Line2D([], [], color=COLOURS[i % len(COLOURS)]) for i in range(len(networks))]
        dashes = [Line2D([], [], color="black", linestyle=dash) for dash in LINES.values()]
        legend.draw(figure, shades + dashes)
    return figure


def _columns(what: str) -> list[str]:
    """The columns of a value."""
    return [f"{part}_{what}" for part in LINES]

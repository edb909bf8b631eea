"""How maps change over a training: strips of epochs, and where the maps lie, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rgaviz.figures.grid import draw_grid
from rgaviz.figures.histogram import PANEL_HEIGHT
from rgaviz.figures.layout import Arrangement
from rgaviz.figures.rank import BROKEN, NARROW_GAP, WIDEST
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, DASHES, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches
from rgaviz.results.reader import Results, count, number_or_none

LOCATED = "located"  # the table of where maps lie
MEASURES = {"energy": "energy share (%)", "pointing": "pointing game (%)"}
NARROWEST, TALLEST = 0.45, 1.2  # inches of a panel


def evolve_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The pages of the strips, a row for each picture and kind of map; then one of numbers, where there are any."""
    made, rows = 0, results.manifest.rows
    strips = len([row for row in rows if row and rows[0] and row[0].picture == rows[0][0].picture])
    arrangement = Arrangement(NARROWEST, BROKEN, WIDEST * 1.5, TALLEST, NARROW_GAP, max(strips, 1))
    for page in draw_grid(results, options, arrangement):
        made = page.of
        yield page
    if LOCATED in results.manifest.tables:
        yield located_page(results, options)._replace(of=made + 1)


def located_page(results: Results, options: FigureOptions) -> Page:
    """The page of where maps lie."""
    kinds = {"mean": number_or_none, "low": number_or_none, "high": number_or_none}
    texts = dict.fromkeys(("network", "map", "part", "measure"), str)
    rows = results.records(LOCATED, epoch=count, **texts, **kinds)
    return Page(draw_located(rows, options, results.manifest.texts), f"-{LOCATED}")


def page_names(tables: Sequence[str]) -> list[tuple[str, str]]:
    """Of the pages that have a name of their own what the figure's file name gets."""
    return [("", ""), *([(f"-{LOCATED}", "")] if LOCATED in tables else [])]


def draw_located(
    rows: Sequence[Mapping[str, Any]], options: FigureOptions, texts: Mapping[str, str]
) -> Figure:
    """Draw where maps lie against the epoch, a panel for each measure.

    Args:
        rows: ``network``, ``map``, ``part``, ``measure``, ``epoch``, and ``mean``, ``low`` and ``high`` as fractions or
            None; of no network is what a map of ones would have.
        options: how it shall look.
        texts: map -> what it is called.
    """
    lines: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        lines.setdefault((row["network"], row["map"]), []).append(row)
    ordered = few(sorted(lines.items(), key=lambda line: not line[0][0]), "kinds of map")  # floors last
    shown = [each for each in MEASURES if any(row["measure"] == each for row in rows)]
    part = next((row["part"] for row in rows), "")
    names = {key: printable(" ".join(filter(None, [key[0], texts.get(key[1], key[1])]))) for key in lines}
    with matplotlib.rc_context(style(options)):
        width = options.inches
        across = 1 if width < STACKED else max(len(shown), 1)
        down = -(-max(len(shown), 1) // across)
        figure = sheet(width, down * PANEL_HEIGHT + 0.5, options, layout="constrained")
        axes = figure.subplots(down, across, squeeze=False).ravel().tolist()
        for measure, ax in zip(shown, axes, strict=False):
            for index, (key, own) in enumerate(ordered):
                drawn = sorted(
                    (row for row in own if row["measure"] == measure and row["mean"] is not None),
                    key=lambda row: row["epoch"],
                )
                epochs = [row["epoch"] for row in drawn]
                look: dict[str, Any] = {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[0]}
                if not key[0]:
                    look = {"color": "#777777", "linestyle": DASHES[2]}
                ax.plot(epochs, [100 * row["mean"] for row in drawn], label=names[key], **look)
                banded = [row for row in drawn if row["low"] is not None and row["high"] is not None]
                bounds = ([100 * row[end] for row in banded] for end in ("low", "high"))
                ax.fill_between(
                    [row["epoch"] for row in banded], *bounds, color=look["color"], alpha=0.15, linewidth=0
                )
            ax.set(xlabel="epoch", ylabel=MEASURES[measure])
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.grid(axis="y", color="#dddddd", linewidth=0.4)
            if options.title:
                ax.set_title(printable(f"on {part}"))
        widest = max(text_inches(name, SMALL) for name in names.values()) + 0.4
        columns = min(len(names), max(1, int(width / widest)))
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.0)
    return figure

"""Matrices side by side on one scale: the relations of all channels with all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from rgaviz.figures.names import called, renamed
from rgaviz.figures.panels import draw_colour_bar, write_line
from rgaviz.figures.scales import ColourBar
from rgaviz.figures.sheet import MOST, axes_maker, sheet
from rgaviz.figures.style import (
    FLAG,
    LINE,
    LINE_SMALL,
    PAD,
    SMALL,
    VENUES,
    FigureOptions,
    Page,
    parse_scale,
    style,
)
from rgaviz.figures.text import wrap_text
from rgaviz.results.manifest import Panel, ResultsError
from rgaviz.results.reader import Results

GAP, WIDEST, NARROWEST = 0.12, 3.2, 0.9  # inches
TICKS = 0.09  # room for the marks above a matrix, inches
BAR_HEIGHT, BAR_WIDTH = 0.07, 1.9
MARK = "#b2182b"
CMAP = "viridis"  # not over a photograph: lightness says it


def matrix_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """One page: a matrix for each network, with marks above the channels of highest attention."""
    results = renamed(results, options)
    panels = [panel for row in results.manifest.rows for panel in row]
    if not panels or len(panels) > MOST or any(panel.kind != "matrix" for panel in panels):
        raise ResultsError(f"{results.folder} holds no matrices: run the command that made it again.")
    with matplotlib.rc_context(style(options)):
        yield Page(_draw(results, panels, options))


def _matrix(results: Results, panel: Panel) -> np.ndarray:
    assert panel.map is not None
    values = results.map(str(panel.picture), panel.map.checkpoint, panel.map.name)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ResultsError(
            f"The map {panel.map.name!r} of {results.folder} is no square: run the command that made it again."
        )
    return values


def _draw(results: Results, panels: list[Panel], options: FigureOptions) -> Figure:
    width, points = options.inches, VENUES[options.venue]().points
    columns = max(1, min(len(panels), int((width + GAP) / (NARROWEST + GAP))))
    side = min((width - (columns - 1) * GAP) / columns - 0.02, WIDEST)
    left = (width - columns * side - (columns - 1) * GAP) / 2
    titles = [wrap_text(title, side, points, lines=3) for title in results.manifest.titles]
    title = max(map(len, titles), default=0) * points * LINE / 72 if options.title else 0.0
    under = max((len(panel.lines) for panel in panels), default=0) * LINE_SMALL
    tall = title + TICKS + side + under + 2 * PAD
    matrices = [_matrix(results, panel) for panel in panels]
    bars, limits = _bars(matrices, panels, options, called(results, options))
    labels = [wrap_text(bar.label, 0.9 * width, SMALL, lines=4) for bar in bars]
    rows = -(-len(panels) // columns)
    below = PAD + BAR_HEIGHT + (1 + max(map(len, labels))) * LINE_SMALL + 0.06
    height = rows * tall + below
    page = sheet(width, height, options)
    axes = axes_maker(page, width, height, options.dpi)
    for place, panel in enumerate(panels):
        x = left + place % columns * (side + GAP)
        y = place // columns * tall + title + TICKS + PAD
        ax = axes(x, y, side, side)
        low, high = limits[place]
        pixels = round(side * options.dpi)
        values = _sized(_matrix(results, panel), pixels)
        ax.imshow(values, cmap=_cmap(options), vmin=low, vmax=high, aspect="auto")
        ax.set(xticks=[], yticks=[])
        ax.spines[["top", "right"]].set_visible(True)
        for mark in panel.marks:
            ax.plot([mark.x], [1.02], "v", color=MARK, markersize=2, transform=ax.transAxes, clip_on=False)
        if options.title:
            for number, text in enumerate(reversed(titles[place % len(titles)])):
                up = TICKS + PAD + (number + 0.25) * points * LINE / 72
                write_line(ax, text, (0.5, 1), up)
        for number, line in enumerate(panel.lines):
            text = f"! {line.text}" if line.role == "flag" else line.text
            shade = FLAG if line.role == "flag" else "black"
            write_line(ax, text, (0.5, 0), -PAD - (number + 0.75) * LINE_SMALL, size=SMALL, color=shade)
    bar = min(BAR_WIDTH, width - 0.4)
    draw_colour_bar(page, axes((width - bar) / 2, rows * tall + PAD, bar, BAR_HEIGHT), bars[0], labels[0])
    return page


def _cmap(options: FigureOptions) -> str:
    return CMAP if options.cmap == FigureOptions().cmap else options.cmap


def _sized(values: np.ndarray, pixels: int) -> np.ndarray:
    """A matrix as it fits into so many pixels a side: averaged where it is larger, else as it is."""
    if len(values) <= pixels:
        return values
    return cv2.resize(values, (pixels, pixels), interpolation=cv2.INTER_AREA)


def _bars(
    matrices: list[np.ndarray], panels: list[Panel], options: FigureOptions, names: Mapping[str, str]
) -> tuple[list[ColourBar], list[tuple[float, float]]]:
    """The colour bar, and the ends of the scale of each matrix."""
    name, low, high = parse_scale(options.scales["relation"])
    maxima = [float(np.nanmax(np.where(np.isfinite(each), each, np.nan), initial=0.0)) for each in matrices]
    if name == "fixed":
        label = "relation, raw value, fixed scale for all; marks: the channels of highest attention"
        return [ColourBar(_cmap(options), low, high, label)], [(low, high)] * len(matrices)
    if name == "shared" or len(matrices) == 1:
        top = max(maxima) or 1.0
        label = "relation, raw value; marks: the channels of highest attention"
        return [ColourBar(_cmap(options), 0.0, top, label)], [(0.0, top)] * len(matrices)
    shown = [panel.map.checkpoint if panel.map else "" for panel in panels]
    stated = ", ".join(
        f"{names.get(each, each)} {most:.3g}" for each, most in zip(shown, maxima, strict=True)
    )
    label = (
        f"relation, fraction of each network's maximum ({stated}); marks: the channels of highest attention"
    )
    return [ColourBar(_cmap(options), 0.0, 1.0, label)], [(0.0, most or 1.0) for most in maxima]

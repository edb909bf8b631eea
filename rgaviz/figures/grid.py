"""The comparison figure: a row per picture, a column per map, and colour bars that state their scale.

Where the page has no room for all columns side by side, a picture's row breaks into lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from rgaviz.errors import OutputError
from rgaviz.figures.layout import BAR_HEIGHT, BAR_WIDTH, GAP, LINE_SMALL, PAD, TICKS, Layout, Row
from rgaviz.figures.overlay import overlay
from rgaviz.figures.panels import draw_bar, draw_bars, panel, raster_size, write
from rgaviz.figures.scales import Entry, Scales
from rgaviz.figures.style import SMALL, FigureOptions, save_figure, style
from rgaviz.outputs import atomic_write
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results


class Drawn(NamedTuple):
    """The files of a figure, and how many of its pages were left out: those beyond the option ``pages``."""

    paths: list[Path]
    left_out: int = 0


def draw_grid(results: Results, options: FigureOptions) -> Iterator[tuple[str, Figure]]:
    """Draw the figure page by page; one page is in memory at a time.

    Args:
        results: what an rgaviz command found.
        options: how it shall look.

    Yields:
        What to append to the file's stem (``""`` for a single page, else ``"-1"``, ``"-2"``), and the page.

    Raises:
        RgavizError: no picture.
    """
    layout, pages = _plan(results, options)
    yield from _pages(layout, pages, options)


def save_grid(results: Results, stem: Path, options: FigureOptions) -> Drawn:
    """Draw and save: ``stem.pdf`` for one page, ``stem-1.pdf``, ``stem-2.pdf``, ... for several."""
    layout, pages = _plan(results, options)
    paths = [
        path
        for suffix, figure in _pages(layout, pages, options)
        for path in save_figure(figure, stem.with_name(stem.name + suffix), options)
    ]
    return Drawn(paths, len(pages) - len(pages[: options.pages or None]))


def _plan(results: Results, options: FigureOptions) -> tuple[Layout, list[list[Row]]]:
    if not results.manifest["pictures"] or not results.manifest["columns"]:
        raise ResultsError(f"{results.folder} holds no pictures: run the command again with some.")
    with matplotlib.rc_context(style(options)):
        layout = Layout(Scales(results, options), options)
        return layout, layout.pages()


def _pages(layout: Layout, pages: list[list[Row]], options: FigureOptions) -> Iterator[tuple[str, Figure]]:
    for number, rows in enumerate(pages[: options.pages or None], start=1):
        with matplotlib.rc_context(style(options)):
            page = _draw_page(layout, rows)
        yield (f"-{number}" if len(pages) > 1 else ""), page


def save_overlays(results: Results, folder: Path, options: FigureOptions) -> list[Path]:
    """One PNG for each picture and map column, at the size shown, on the same scales as the figure.

    The name is ``<picture without suffix>-<checkpoint>-<map>.png``, in the picture's own sub-folder.

    Raises:
        OutputError: two pictures would write one file, or the folder cannot be written.
    """
    scales = Scales(results, options)
    columns = [column for column in scales.columns if column["kind"] == "map"]
    targets: dict[Path, tuple[Entry, Entry]] = {}
    for picture in scales.pictures:
        for column in columns:
            stem = folder / PurePosixPath(picture["path"]).with_suffix("")
            path = stem.with_name(f"{stem.name}-{column['checkpoint']}-{column['map'].replace('/', '-')}.png")
            taken = targets.setdefault(path, (picture, column))[0]
            if taken is not picture:
                raise OutputError(
                    f"{taken['path']} and {picture['path']} would both write {path}: rename one of them."
                )
    for path, (picture, column) in targets.items():
        shown = overlay(
            results.picture(picture["id"]),
            scales.read(picture, column),
            options.cmap,
            *scales.limits(picture, column),
            options.alpha,
        )
        atomic_write(path, lambda file, shown=shown: Image.fromarray(shown).save(file, format="PNG"))
    return list(targets)


def _draw_page(layout: Layout, rows: list[Row]) -> Figure:
    height = layout.snap(layout.top + sum(row.inches for row in rows) + layout.legend_height, math.ceil)
    page = Figure(figsize=(layout.width, height))

    def axes(x: float, y: float, width: float, tall: float) -> Axes:
        """Axes by the distance of their top left corner from the page's."""
        x, y = layout.snap(x), layout.snap(y)
        return page.add_axes((x / layout.width, 1 - (y + tall) / height, width / layout.width, tall / height))

    y = layout.top
    for row in rows:
        picture = layout.scales.results.picture(row.picture["id"])
        y += row.above
        for place, (index, tall) in enumerate(zip(row.columns, row.heights, strict=True)):
            column = layout.columns[index]
            x = layout.left + place * (layout.panel + GAP)
            if column["kind"] == "bars":
                ax = axes(x + TICKS, y, layout.snap(layout.axes_width(column)), tall)
                draw_bars(ax, layout.scales.read(row.picture, column, rank=1))
            else:
                ax = axes(x + (layout.panel - row.width) / 2, y, row.width, tall)
                raster = raster_size(row.width, tall, layout.options.dpi)
                ax.imshow(panel(layout, row.picture, picture, column, raster), aspect="auto")
                ax.set_axis_off()
            if layout.options.title and (layout.broken or row is rows[0]):
                for line, text in enumerate(reversed(layout.titles[index])):
                    write(ax, text, (0.5, 1), PAD + (line + 0.25) * layout.title_line)
            for line, (text, shade) in enumerate(row.captions[place]):
                write(ax, text, (0.5, 0), -PAD - (line + 0.75) * LINE_SMALL, size=SMALL, color=shade)
        y += row.inches - row.above
    for index, (cmap, low, high, _) in enumerate(layout.bars):
        first, place = index - index % layout.cells, index % layout.cells
        width = min(BAR_WIDTH, layout.cell - 0.35)
        x = place * layout.cell + (layout.cell - width) / 2
        draw_bar(page, axes(x, y + PAD, width, BAR_HEIGHT), cmap, low, high, layout.labels[index])
        if place == layout.cells - 1:
            y += layout.legend_row_height(first)
    return page

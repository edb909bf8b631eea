"""The comparison figure: rows of panels under their titles, and colour bars that state their scale.

Where the page has no room for all columns side by side, a row breaks into lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from rgaviz.errors import OutputError
from rgaviz.figures.layout import BAR_HEIGHT, BAR_WIDTH, GAP, LINE_SMALL, PAD, TICKS, Layout, PanelLine
from rgaviz.figures.overlay import overlay
from rgaviz.figures.panels import (
    draw_channels,
    draw_colour_bar,
    draw_frame,
    draw_marks,
    panel_pixels,
    raster_size,
    write_line,
)
from rgaviz.figures.scales import Scales
from rgaviz.figures.sheet import sheet
from rgaviz.figures.style import SMALL, FigureOptions, Page, style
from rgaviz.regular import stays_within
from rgaviz.results.manifest import Panel, Picture, ResultsError
from rgaviz.results.reader import Results
from rgaviz.writing import atomic_write

DRAWN = ("picture", "map", "difference", "bars")  # kinds of panel


def draw_grid(results: Results, options: FigureOptions) -> Iterator[Page]:
    """Draw the figure page by page, as many as the options allow; one page is in memory at a time.

    Args:
        results: what an rgaviz command found.
        options: how it shall look.

    Yields:
        The pages, with the suffix ``""`` for a single one, else ``"-1"``, ``"-2"``.

    Raises:
        RgavizError: no picture.
    """
    if not any(results.manifest.rows):
        raise ResultsError(f"{results.folder} holds no pictures: run the command again with some.")
    _check_kinds(results)
    with matplotlib.rc_context(style(options)):
        layout = Layout(Scales(results, options), options)
        pages, count = layout.pages(options.pages)
    for number, lines in enumerate(pages, start=1):
        with matplotlib.rc_context(style(options)):
            page = _draw_page(layout, lines)
        yield Page(page, f"-{number}" if count > 1 else "", of=count)


def save_overlays(results: Results, folder: Path, options: FigureOptions) -> Iterator[Path]:
    """Write a PNG for each panel with a map, at the size of its picture, on the same scales as the figure.

    The name is ``<picture without suffix>-<checkpoint>-<map>.png``, in the picture's own sub-folder. What is refused is
    refused when this is called, before anything is written.

    Returns:
        The files, each written when it is asked for.

    Raises:
        OutputError: two pictures would write one file, or the folder cannot be written.
        ResultsError: a kind of panel that is not drawn yet.
    """
    _check_kinds(results)
    scales = Scales(results, options)
    pictures = {picture.id: picture for picture in results.manifest.pictures}
    targets: dict[Path, tuple[Picture, Panel]] = {}
    for panel in scales.panels:
        if panel.kind != "map" or panel.map is None or panel.picture is None:
            continue
        picture = pictures[panel.picture]
        stem = folder / PurePosixPath(picture.path).with_suffix("")
        path = stem.with_name(f"{stem.name}-{panel.map.checkpoint}-{panel.map.name.replace('/', '-')}.png")
        taken = targets.setdefault(path, (picture, panel))[0]
        if taken is not picture:
            raise OutputError(f"{taken.path} and {picture.path} would both write {path}: rename one of them.")
    first = {path.parent: path for path in reversed(targets)}
    for place, path in first.items():
        if not stays_within(place, folder.parent):
            raise OutputError(
                f"{path} leads out of {folder.parent} by a link: remove that, or choose another place with -o."
            )

    def written() -> Iterator[Path]:
        for path, (picture, panel) in targets.items():
            shown = overlay(
                results.picture(picture.id),
                scales.read(panel, panel.map),
                options.cmap,
                *scales.limits(panel),
                options.alpha,
                options.interpolation,
            )
            atomic_write(path, lambda file, shown=shown: Image.fromarray(shown).save(file, format="PNG"))
            yield path

    return written()


def _check_kinds(results: Results) -> None:
    """Before anything is written: what a later version has found may be newer than what this one draws."""
    for panel in (panel for row in results.manifest.rows for panel in row):
        if panel.kind not in DRAWN:
            raise ResultsError(
                f"{results.folder} has panels of kind {panel.kind!r}, which this version does not draw: "
                "upgrade rgaviz."
            )


def _draw_page(layout: Layout, lines: list[PanelLine]) -> Figure:
    height = layout.snap(layout.top + sum(line.inches for line in lines) + layout.legend_height, math.ceil)
    page = sheet(layout.width, height, layout.options)

    def axes(x: float, y: float, width: float, tall: float) -> Axes:
        """Axes by the distance of their top left corner from the page's."""
        x, y = layout.snap(x), layout.snap(y)
        return page.add_axes((x / layout.width, 1 - (y + tall) / height, width / layout.width, tall / height))

    y = layout.top
    for line in lines:
        names = dict.fromkeys(panel.picture for panel in line.panels if panel.picture is not None)
        pictures = {name: layout.scales.results.picture(name) for name in names}
        y += line.above
        for place, (panel, (width, tall)) in enumerate(zip(line.panels, line.sizes, strict=True)):
            x = layout.left + place * (layout.panel + GAP)
            if panel.kind == "bars":
                ax = axes(x + TICKS, y, width, tall)
                draw_channels(ax, layout.scales.read(panel, panel.map, rank=1))
            else:
                ax = axes(x + (layout.panel - width) / 2, y, width, tall)
                raster = raster_size(width, tall, layout.options.dpi)
                ax.imshow(panel_pixels(layout, panel, pictures[str(panel.picture)], raster), aspect="auto")
                ax.set_axis_off()
            if panel.frame:
                draw_frame(ax, panel.frame)
            if panel.marks:
                draw_marks(ax, panel.marks)
            if layout.options.title and (layout.broken or line is lines[0]):
                for number, text in enumerate(reversed(layout.titles[line.first + place])):
                    write_line(ax, text, (0.5, 1), PAD + (number + 0.25) * layout.title_line)
            for number, (text, shade) in enumerate(line.captions[place]):
                write_line(ax, text, (0.5, 0), -PAD - (number + 0.75) * LINE_SMALL, size=SMALL, color=shade)
        y += line.inches - line.above
    for index, bar in enumerate(layout.bars):
        first, place = index - index % layout.cells, index % layout.cells
        width = min(BAR_WIDTH, layout.cell - 0.35)
        x = place * layout.cell + (layout.cell - width) / 2
        draw_colour_bar(page, axes(x, y + PAD, width, BAR_HEIGHT), bar, layout.labels[index])
        if place == layout.cells - 1:
            y += layout.legend_row_height(first)
    return page

"""The comparison figure: rows of panels under their titles, and colour bars that state their scale.

Where the page has no room for all columns side by side, a row breaks into lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import matplotlib
from matplotlib.figure import Figure

from rgaviz.figures.layout import TEXT, TICKS, USUAL, Arrangement, Layout, PanelLine
from rgaviz.figures.names import renamed
from rgaviz.figures.panels import draw_panel, write_line
from rgaviz.figures.scales import Scales
from rgaviz.figures.sheet import axes_maker, sheet
from rgaviz.figures.strips import draw_strips
from rgaviz.figures.style import LINE_SMALL, PAD, SMALL, FigureOptions, Page, style
from rgaviz.figures.titles import shortened
from rgaviz.results.manifest import OF_LABELS, ResultsError
from rgaviz.results.reader import Results

OF_PICTURES = ("picture", "map", "difference", "bars", *OF_LABELS)  # kinds of panel
DRAWN = (*OF_PICTURES, TEXT)


def draw_grid(results: Results, options: FigureOptions, arrangement: Arrangement = USUAL) -> Iterator[Page]:
    """Draw the figure page by page, as many as the options allow; one page is in memory at a time.

    Args:
        results: what an rgaviz command found.
        options: how it shall look.
        arrangement: how wide and tall its panels may be.

    Yields:
        The pages, with the suffix ``""`` for a single one, else ``"-1"``, ``"-2"``.

    Raises:
        RgavizError: no picture, or no room for the panels of one.
    """
    if not any(results.manifest.rows):
        raise ResultsError(f"{results.folder} holds no pictures: run the command again with some.")
    results = renamed(results, options)
    check_kinds(results, OF_PICTURES if options.preset == "figure3" else DRAWN)
    if options.preset == "figure3":
        yield from draw_strips(results, options)
        return
    results, said = shortened(results)
    with matplotlib.rc_context(style(options)):
        layout = Layout(Scales(results, options, said), options, arrangement)
        pages, count = layout.pages(options.pages)
    for number, lines in enumerate(pages, start=1):
        with matplotlib.rc_context(style(options)):
            page = _draw_page(layout, lines)
        yield Page(page, f"-{number}" if count > 1 else "", of=count)


def check_kinds(results: Results, drawn: Sequence[str] = DRAWN) -> None:
    """Before anything is written: what a later version has found may be newer than what this one draws."""
    for panel in (panel for row in results.manifest.rows for panel in row):
        if panel.kind not in drawn:
            raise ResultsError(
                f"{results.folder} has panels of kind {panel.kind!r}, which this version does not draw: "
                "upgrade rgaviz."
            )


def _draw_page(layout: Layout, lines: list[PanelLine]) -> Figure:
    legend = layout.legend_of([panel for line in lines for panel in line.panels])
    height = layout.snap(layout.top + sum(line.inches for line in lines) + legend.height, math.ceil)
    page = sheet(layout.width, height, layout.options)

    axes = axes_maker(page, layout.width, height, layout.options.dpi)

    y = layout.top
    for line in lines:
        names = dict.fromkeys(panel.picture for panel in line.panels if panel.picture is not None)
        pictures = {name: layout.scales.results.picture(name) for name in names}
        y += line.above
        for place, (panel, (width, tall)) in enumerate(zip(line.panels, line.sizes, strict=True)):
            x = layout.left + place * (layout.panel + layout.arrangement.gap)
            right = TICKS if panel.kind == "bars" else (layout.panel - width) / 2
            ax = axes(x + right, y, width, tall, bare=panel.kind != "bars")
            if panel.kind != TEXT:
                shown = pictures[str(panel.picture)]
                draw_panel(ax, layout.scales, layout.options, panel, shown, (width, tall))
            if layout.options.title and (layout.broken or line is lines[0]):
                for number, text in enumerate(reversed(layout.titles[line.first + place])):
                    write_line(ax, text, (0.5, 1), PAD + (number + 0.25) * layout.title_line)
            caption = line.captions[place]
            at, up = (0.5, len(caption) * LINE_SMALL / 2) if panel.kind == TEXT else (0, -PAD)
            for number, (text, shade) in enumerate(caption):
                write_line(ax, text, (0.5, at), up - (number + 0.75) * LINE_SMALL, size=SMALL, color=shade)
        y += line.inches - line.above
    legend.draw(page, axes, y)
    return page

"""The comparison figure: rows of panels under their titles, and colour bars that state their scale.

Where the page has no room for all columns side by side, a row breaks into lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from rgaviz.errors import OutputError
from rgaviz.figures.layout import GAP, TICKS, USUAL, Arrangement, Layout, PanelLine
from rgaviz.figures.panels import draw_panel, laid_over, write_line
from rgaviz.figures.scales import Scales
from rgaviz.figures.sheet import axes_maker, sheet
from rgaviz.figures.strips import draw_strips
from rgaviz.figures.style import LINE_SMALL, PAD, SMALL, FigureOptions, Page, style
from rgaviz.regular import stays_within
from rgaviz.results.manifest import OF_LABELS, Panel, Picture, ResultsError
from rgaviz.results.reader import Results
from rgaviz.writing import atomic_write

DRAWN = ("picture", "map", "difference", "bars", *OF_LABELS)  # kinds of panel
SINGLE = ("map", *OF_LABELS)  # of those, what single overlays are of


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
    _check_kinds(results)
    if options.preset == "figure3":
        yield from draw_strips(results, options)
        return
    with matplotlib.rc_context(style(options)):
        layout = Layout(Scales(results, options), options, arrangement)
        pages, count = layout.pages(options.pages)
    for number, lines in enumerate(pages, start=1):
        with matplotlib.rc_context(style(options)):
            page = _draw_page(layout, lines)
        yield Page(page, f"-{number}" if count > 1 else "", of=count)


Overlays = dict[Path, tuple[Picture, Panel]]  # file -> what it shows


def overlay_panels(results: Results, folder: Path) -> Overlays:
    """The single overlays: a file for each panel with a map.

    The name is ``<picture without suffix>-<checkpoint>-<map>.png``, in the picture's own sub-folder of ``folder``.

    Raises:
        OutputError: two pictures would write one file, or a link leads it out of the output.
        ResultsError: a kind of panel that is not drawn yet.
    """
    _check_kinds(results)
    pictures = {picture.id: picture for picture in results.manifest.pictures}
    targets: Overlays = {}
    for panel in (panel for row in results.manifest.rows for panel in row):
        if panel.kind not in SINGLE or panel.map is None or panel.picture is None:
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
    return targets


def save_overlays(results: Results, overlays: Overlays, options: FigureOptions) -> Iterator[Path]:
    """Write the single overlays as PNGs, at the size of their pictures, on the same scales as the figure.

    Yields:
        The files, as they are written.

    Raises:
        OutputError: the folder cannot be written.
    """
    scales = Scales(results, options)
    for path, (picture, panel) in overlays.items():
        shown = laid_over(scales, options, panel, results.picture(picture.id))
        atomic_write(path, lambda file, shown=shown: Image.fromarray(shown).save(file, format="PNG"))
        yield path


def _check_kinds(results: Results) -> None:
    """Before anything is written: what a later version has found may be newer than what this one draws."""
    for panel in (panel for row in results.manifest.rows for panel in row):
        if panel.kind not in DRAWN:
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
            x = layout.left + place * (layout.panel + GAP)
            right = TICKS if panel.kind == "bars" else (layout.panel - width) / 2
            ax = axes(x + right, y, width, tall)
            shown = pictures[str(panel.picture)]
            draw_panel(ax, layout.scales, layout.options, panel, shown, (width, tall))
            if layout.options.title and (layout.broken or line is lines[0]):
                for number, text in enumerate(reversed(layout.titles[line.first + place])):
                    write_line(ax, text, (0.5, 1), PAD + (number + 0.25) * layout.title_line)
            for number, (text, shade) in enumerate(line.captions[place]):
                write_line(ax, text, (0.5, 0), -PAD - (number + 0.75) * LINE_SMALL, size=SMALL, color=shade)
        y += line.inches - line.above
    legend.draw(page, axes, y)
    return page

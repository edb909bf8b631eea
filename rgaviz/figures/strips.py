"""``--preset figure3``: many narrow panels in a row, as in Figure 3 of the paper.

The figure has two parts, (a) pictures with their class activation maps and (b) pictures with their masks; before them
stands one of labels, where there are some. In a part the
pictures stand beside each other, each with its maps; the parts do, too, or where they have no room one below the other.
What the panels show is said once, below their part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import matplotlib
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rgaviz.errors import RgavizError
from rgaviz.figures.legend import Legend
from rgaviz.figures.panels import draw_panel
from rgaviz.figures.parts import Part, flag_notes, flags_of, parts_of
from rgaviz.figures.scales import Scales
from rgaviz.figures.sheet import MakeAxes, axes_maker, sheet
from rgaviz.figures.style import FLAG, LINE_SMALL, PAD, SMALL, VENUES, FigureOptions, Page, style
from rgaviz.figures.swatches import SwatchLegend, swatches_of
from rgaviz.figures.text import wrap_text
from rgaviz.results.manifest import Panel
from rgaviz.results.reader import Results

# Inches
MARGIN = 0.02
INNER, BETWEEN, APART = 0.015, 0.06, 0.14  # between panels of a picture, pictures, parts
# The width of panels that are twice as high; others have the same area.
NARROWEST, TIGHTEST, WIDEST = 0.28, 0.16, 0.75  # where the columns are chosen here; in any case; at most
FLATTEST, TALLEST = 0.4, 3.0  # height over width
MOST_LINES = 8  # of a part's caption


@dataclass(frozen=True)
class Section:
    """Parts beside each other.

    Attributes:
        parts: with so many panels for a picture as they have columns.
        count: of pictures beside each other in each part.
        panel: inches, the width of a panel.
    """

    parts: list[Part]
    count: int
    panel: float

    def width(self, part: Part, count: int | None = None) -> float:
        """Of a part with so many pictures beside each other, in inches."""
        count, panels = count or self.count, len(part.columns)
        return count * (panels * (self.panel + INNER) - INNER) + (count - 1) * BETWEEN

    @property
    def inches(self) -> float:
        """The width of all of it."""
        return sum(map(self.width, self.parts)) + (len(self.parts) - 1) * APART


class StripLayout:
    """Where everything goes, in inches from the top left corner; made in the figure's style."""

    def __init__(self, scales: Scales, options: FigureOptions) -> None:
        self.scales, self.options, self.width = scales, options, options.inches
        self.rows = [row for row in scales.rows if row]
        sizes = [picture.size for picture in scales.results.manifest.pictures]
        self.sizes = {picture.id: picture.size for picture in scales.results.manifest.pictures}
        self.aspect = min(max(median(height / width for height, width in sizes), FLATTEST), TALLEST)
        self.sections = self._sections(parts_of(scales))
        self.captions = {
            part.columns: self._caption(section, part) for section in self.sections for part in section.parts
        }
        self.legend = self.legend_of(scales.panels)
        self.notes = [
            line
            for note in flag_notes(scales)
            for line in wrap_text(note, self.width - 2 * MARGIN, SMALL, lines=2)
        ]

    def legend_of(self, panels: Sequence[Panel]) -> Legend:
        """What stands below a page with these panels; below one of all of them is no less."""
        points = VENUES[self.options.venue]().points
        swatches = SwatchLegend(swatches_of(self.scales, panels), self.width, points)
        return Legend(swatches, self.scales.bars(), self.width)

    def snap(self, inches: float) -> float:
        """The length in whole pixels."""
        return round(inches * self.options.dpi) / self.options.dpi

    def _sections(self, parts: list[Part]) -> list[Section]:
        """The parts beside each other, else one below the other.

        Raises:
            RgavizError: there is no room.
        """
        usual = math.sqrt(2 / self.aspect)
        given = min(self.options.columns, len(self.rows))
        for least in [TIGHTEST] if given else [NARROWEST, TIGHTEST]:
            for groups in ([parts], [[part] for part in parts]):
                counts = [given or self._fitting(group, least * usual) for group in groups]
                widths = [self._panel(group, count) for group, count in zip(groups, counts, strict=True)]
                if min(widths) >= least * usual:
                    return [
                        Section(
                            group,
                            count,
                            math.floor(min(width, WIDEST * usual) * self.options.dpi) / self.options.dpi,
                        )
                        for group, count, width in zip(groups, counts, widths, strict=True)
                    ]
        panels = max(len(part.columns) for part in parts)
        most = min(self._fitting([part], TIGHTEST * usual) for part in parts)
        if given > most:
            raise RgavizError(
                f"--columns {given} leaves {panels * given} panels no room: choose at most {most}, a larger --width "
                "or --preset rows."
            )
        raise RgavizError(
            f"--preset figure3 has no room for the {panels} panels of a picture beside each other: choose a larger "
            "--width, fewer networks or methods, or --preset rows."
        )

    def _panel(self, parts: Sequence[Part], count: int) -> float:
        """The width of a panel where so many pictures stand beside each other."""
        gaps = Section(list(parts), count, 0.0).inches
        return (self.width - 2 * MARGIN - gaps) / (count * sum(len(part.columns) for part in parts))

    def _fitting(self, parts: Sequence[Part], least: float) -> int:
        """How many pictures stand beside each other, 1 at least; as many in each line, where there are several."""
        most = 1
        while most < len(self.rows) and self._panel(parts, most + 1) >= least:
            most += 1
        return math.ceil(len(self.rows) / math.ceil(len(self.rows) / most))

    def _caption(self, section: Section, part: Part) -> list[str]:
        text = f"{part.mark} {part.caption}" if self.options.title else part.mark
        return wrap_text(text, section.width(part), SMALL, lines=MOST_LINES) if text else []

    def panel_height(self, section: Section) -> float:
        """Of all panels of a section, in inches."""
        return max(self.snap(section.panel * self.aspect), 1 / self.options.dpi)

    def height(self, section: Section, count: int) -> float:
        """Of a section with so many pictures, with its captions."""
        lines = math.ceil(count / section.count)
        said = max(len(self.captions[part.columns]) for part in section.parts)
        return lines * (self.panel_height(section) + BETWEEN) - BETWEEN + PAD + said * LINE_SMALL + 2 * PAD

    def page_height(self, count: int, legend: Legend | None = None) -> float:
        """Of a page with so many pictures, with a legend of its own or that of all."""
        notes = len(self.notes) * LINE_SMALL
        below = (legend or self.legend).height
        return MARGIN + sum(self.height(section, count) for section in self.sections) + notes + below

    @property
    def per_page(self) -> int:
        """How many pictures a page has room for, whole lines of them and one line at least."""
        room = VENUES[self.options.venue]().height
        step = math.lcm(*(section.count for section in self.sections))
        step = step if self.page_height(step) <= room else max(section.count for section in self.sections)
        count = step
        while count < len(self.rows) and self.page_height(count + step) <= room:
            count += step
        return count


def draw_strips(results: Results, options: FigureOptions) -> Iterator[Page]:
    """Draw the figure page by page; one page is in memory at a time.

    Args:
        results: what an rgaviz command found.
        options: how it shall look.

    Yields:
        The pages, with the suffix ``""`` for a single one, else ``"-1"``, ``"-2"``.

    Raises:
        RgavizError: there is no room for the panels of a picture.
    """
    with matplotlib.rc_context(style(options)):
        layout = StripLayout(Scales(results, options), options)
        size = layout.per_page
    count = math.ceil(len(layout.rows) / size)
    for number in range(min(count, options.pages or count)):
        with matplotlib.rc_context(style(options)):
            page = _draw_page(layout, layout.rows[number * size : (number + 1) * size])
        yield Page(page, f"-{number + 1}" if count > 1 else "", of=count)


def _draw_page(layout: StripLayout, rows: Sequence[Sequence[Panel]]) -> Figure:
    legend = layout.legend_of([panel for row in rows for panel in row])
    height = math.ceil(layout.page_height(len(rows), legend) * layout.options.dpi) / layout.options.dpi
    page = sheet(layout.width, height, layout.options)

    axes = axes_maker(page, layout.width, height, layout.options.dpi)

    def write(text: str, x: float, y: float, **look: Any) -> None:
        page.text(x / layout.width, 1 - y / height, text, ha="center", va="baseline", size=SMALL, **look)

    y = MARGIN
    for section in layout.sections:
        x = (layout.width - section.inches) / 2
        below = y + layout.height(section, len(rows)) - 2 * PAD
        for part in section.parts:
            _draw_part(layout, section, part, rows, (x, y), axes)
            lines = layout.captions[part.columns]
            said = max(len(layout.captions[each.columns]) for each in section.parts)
            for number, line in enumerate(lines):
                write(line, x + section.width(part) / 2, below - (said - number - 0.75) * LINE_SMALL)
            x += section.width(part) + APART
        y += layout.height(section, len(rows))
    for number, note in enumerate(layout.notes):
        write(note, layout.width / 2, y + (number + 0.75) * LINE_SMALL, color=FLAG)
    legend.draw(page, axes, y + len(layout.notes) * LINE_SMALL)
    return page


def _draw_part(
    layout: StripLayout,
    section: Section,
    part: Part,
    rows: Sequence[Sequence[Panel]],
    corner: tuple[float, float],
    axes: MakeAxes,
) -> None:
    """The panels of a part from its top left corner on."""
    tall = layout.panel_height(section)
    wide = section.width(part, 1) + BETWEEN
    for number, row in enumerate(rows):
        line, place = divmod(number, section.count)
        panels = part.panels(row)
        pictures = {
            name: layout.scales.results.picture(name) for name in {str(each.picture) for each in panels}
        }
        for index, panel in enumerate(panels):
            x = corner[0] + place * wide + index * (section.panel + INNER)
            y = corner[1] + line * (tall + BETWEEN)
            width, own = _fitted(layout, panel, section.panel, tall)
            bare = panel.kind != "bars"
            ax = axes(x + (section.panel - width) / 2, y + (tall - own) / 2, width, own, bare=bare)
            draw_panel(ax, layout.scales, layout.options, panel, pictures[str(panel.picture)], (width, own))
            if panel.kind == "bars":
                ax.set_yticklabels([])
            if flags_of(layout.scales, panel):
                _mark(ax)


def _fitted(layout: StripLayout, panel: Panel, width: float, height: float) -> tuple[float, float]:
    """Width and height of a panel at its picture's own aspect ratio, within those of all."""
    if panel.kind == "bars":
        return width, height
    high, wide = layout.sizes[str(panel.picture)]
    one = 1 / layout.options.dpi
    if abs(high / wide - layout.aspect) * width < one:
        return width, height
    scale = min(width / wide, height / high)
    return max(layout.snap(wide * scale), one), max(layout.snap(high * scale), one)


def _mark(ax: Axes) -> None:
    """A warning's sign in the corner of a panel; what it warns of stands below."""
    sign = ax.text(
        0.05, 0.97, "!", transform=ax.transAxes, ha="left", va="top", color=FLAG, weight="bold", size=SMALL
    )
    sign.set_path_effects([patheffects.withStroke(linewidth=1.5, foreground="white")])

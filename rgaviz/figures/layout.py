"""Where everything goes on the pages of the comparison figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rgaviz.figures.legend import Legend
from rgaviz.figures.panels import is_sorted
from rgaviz.figures.scales import Scales
from rgaviz.figures.style import (
    FLAG,
    LINE,
    LINE_SMALL,
    PAD,
    RIGHT,
    SMALL,
    VENUES,
    WRONG,
    FigureOptions,
)
from rgaviz.figures.swatches import SwatchLegend, swatches_of
from rgaviz.figures.text import wrap_text
from rgaviz.results.manifest import Line, Panel

ROLES = {"plain": ("{}", "black"), "right": ("{} ✓", RIGHT), "wrong": ("{} ✗", WRONG), "flag": ("! {}", FLAG)}
TEXT = "text"  # the kind of panel that has no picture
ROWS_PER_PAGE = 6
MEASURED = 300  # rows
MOST_LINES = 30  # of text under a panel

# Inches
MARGIN, GAP = 0.02, 0.06
TICKS = 0.17  # room for the numbers beside channel bars
SHORTEST_BARS = 0.5  # a wide, low picture leaves channel bars this much


@dataclass(frozen=True)
class Arrangement:
    """How wide and tall panels may be, and which rows belong together.

    Attributes:
        narrowest: the least width of a panel in inches, where all stand side by side.
        broken: the least width in a row that breaks into lines.
        widest: the greatest width.
        tallest: the greatest height in units of the column width.
        gap: between panels side by side.
        together: so many rows are parted by no end of a page that has room for them.
    """

    narrowest: float = 0.55
    broken: float = 0.85
    widest: float = 2.2
    tallest: float = 1.6
    gap: float = GAP
    together: int = 1


USUAL = Arrangement()


@dataclass(frozen=True)
class PanelLine:
    """One line of a row's panels: from which column on, their sizes (width, height) in inches and their captions.

    A panel of text alone is as tall as the pictures beside it, and has its caption inside. ``above`` is the room for
    titles of its own, which it has where rows break into lines.
    """

    panels: list[Panel]
    first: int
    above: float
    sizes: list[tuple[float, float]]
    captions: list[list[tuple[str, str]]]

    @property
    def inches(self) -> float:
        """The height with the titles and the captions, which are lines of (text, colour)."""
        panels = zip(self.panels, self.sizes, self.captions, strict=True)
        under = ((height, 0 if panel.kind == TEXT else len(lines)) for panel, (_, height), lines in panels)
        return self.above + max(height + PAD + lines * LINE_SMALL for height, lines in under) + GAP


def columns_per_line(count: int, inches: float, arrangement: Arrangement = USUAL) -> int:
    """All columns side by side, or, where they were too narrow, as many on each of as few lines as it takes."""

    def fitting(narrowest: float) -> int:
        return max(1, int((inches - 2 * MARGIN + arrangement.gap) / (narrowest + arrangement.gap)))

    if count <= fitting(arrangement.narrowest):
        return count
    return math.ceil(count / math.ceil(count / fitting(arrangement.broken)))


class Layout:
    """Where everything goes, in inches from the top left corner; positions fall on whole pixels."""

    def __init__(self, scales: Scales, options: FigureOptions, arrangement: Arrangement = USUAL) -> None:
        self.scales, self.options, self.arrangement = scales, options, arrangement
        manifest = scales.results.manifest
        self.pictures = {picture.id: picture for picture in manifest.pictures}
        self.width = options.inches
        count = columns_per_line(len(manifest.titles), self.width, arrangement)
        room = (self.width - 2 * MARGIN - (count - 1) * arrangement.gap) / count
        self.panel = self.snap(min(room, arrangement.widest), math.floor)
        self.left = (self.width - count * self.panel - (count - 1) * arrangement.gap) / 2
        points = VENUES[options.venue]().points
        self.with_bars = {
            index for row in scales.rows for index, panel in enumerate(row) if panel.kind == "bars"
        }
        self.titles = [
            wrap_text(title, self.column_width(index), points, lines=5)
            for index, title in enumerate(manifest.titles)
        ]
        self.title_line = points * LINE / 72
        self.broken = len(manifest.titles) > count
        self.top = PAD if self.broken else self.title_height(0, count)
        self.legend = self.legend_of(scales.panels)
        self.count = count

    def legend_of(self, panels: Sequence[Panel]) -> Legend:
        """What stands below a page with these panels; below one of all of them is no less."""
        swatches = swatches_of(self.scales, panels)
        points = VENUES[self.options.venue]().points
        return Legend(SwatchLegend(swatches, self.width, points), self.scales.bars(), self.width)

    def snap(self, inches: float, to: Any = round) -> float:
        """The length in whole pixels."""
        return to(inches * self.options.dpi) / self.options.dpi

    def axes_width(self, panel: Panel) -> float:
        """The width of a panel where its picture is not tall."""
        return self.panel - (TICKS if panel.kind == "bars" else 0)

    def column_width(self, index: int) -> float:
        """The room for a column's title: that of its narrowest panel."""
        return self.panel - (TICKS if index in self.with_bars else 0)

    def title_height(self, first: int, count: int) -> float:
        """The room for the titles of so many columns."""
        lines = max(map(len, self.titles[first : first + count])) if self.options.title else 0
        return lines * self.title_line + PAD

    def line(self, panels: list[Panel], first: int) -> PanelLine:
        """Fit the pictures of panels side by side and gather what stands under them."""
        above = self.title_height(first, len(panels)) if self.broken else 0.0
        captions = [self.caption(panel) for panel in panels]
        fitted = {place: self.fit(panel) for place, panel in enumerate(panels) if panel.kind != TEXT}
        tall = max((height for _, height in fitted.values()), default=0.0)
        sizes = [
            fitted.get(place) or (self.panel, max(tall, self.snap(PAD + len(lines) * LINE_SMALL)))
            for place, lines in enumerate(captions)
        ]
        return PanelLine(panels, first, above, sizes, captions)

    def fit(self, panel: Panel) -> tuple[float, float]:
        """Width and height of a panel, at its picture's own aspect ratio."""
        assert panel.picture is not None
        height_px, width_px = self.pictures[panel.picture].size
        height = min(self.panel * height_px / width_px, self.arrangement.tallest * self.panel)
        width = height * width_px / height_px
        one = 1 / self.options.dpi
        height = max(self.snap(height), one)
        if panel.kind == "bars":
            return self.snap(self.axes_width(panel)), max(height, self.snap(SHORTEST_BARS))
        return max(self.snap(width), one), height

    def caption(self, panel: Panel) -> list[tuple[str, str]]:
        """The lines under a panel, as they fit: those of the results, and what is to be said of its map."""
        lines = self._told(panel)
        lines += [Line(text=text, role="flag") for text in self.scales.flags(panel)]
        shown = [(ROLES[line.role][0].format(line.text), ROLES[line.role][1]) for line in lines]
        if len(shown) > MOST_LINES:
            shown = [*shown[:MOST_LINES], (f"and {len(shown) - MOST_LINES} more", FLAG)]
        room = self.axes_width(panel)
        return [(line, shade) for text, shade in shown for line in wrap_text(text, room, SMALL, lines=2)]

    def _told(self, panel: Panel) -> list[Line]:
        """As many of the lines of the results as the options ask for; warnings in any case."""
        lines = [*self._about_bars(panel), *panel.lines]
        kept = {"full": len(lines), "short": 1, "none": 0}[self.options.captions]
        plain = [line for line in lines if line.role != "flag"]
        return [line for line in lines if line.role == "flag" or line in plain[:kept]]

    def _about_bars(self, panel: Panel) -> list[Line]:
        if panel.kind != "bars":
            return []
        values = self.scales.read(panel, panel.map, rank=1)
        order = ", sorted" if is_sorted(values) else ""
        return [Line(text=f"{values.size} channels{order}"), Line(text=f"mean {values.mean():.2f}")]

    def pages(self, most: int = 0) -> tuple[list[list[PanelLine]], int]:
        """The lines by page: at most six, no page taller than the venue allows, those that belong together on one.

        Args:
            most: how many pages are wanted; 0 for all.

        Returns:
            Those pages, and how many there are in all: estimated where very many rows stand on the others, for to know
            how tall a row is takes as long as to draw half of it.
        """
        room = VENUES[self.options.venue]().height - self.top - self.legend.height
        rows, count = [panels for panels in self.scales.rows if panels], self.arrangement.together
        groups = [rows[first : first + count] for first in range(0, len(rows), count)]
        pages: list[list[PanelLine]] = []
        left = 0.0
        for number, group in enumerate(groups):
            if 0 < most < len(pages) and number * count >= MEASURED:
                return pages[:most], math.ceil(len(pages) * len(groups) / number)
            for lines in self._together(group, room):
                tall = sum(line.inches for line in lines)
                if not pages or len(pages[-1]) + len(lines) > ROWS_PER_PAGE or tall > left:
                    pages.append([])
                    left = room
                pages[-1] += lines
                left -= tall
        return pages[: most or None], len(pages)

    def _together(self, rows: list[list[Panel]], room: float) -> list[list[PanelLine]]:
        """The lines of rows; row by row where a page has no room for all of them, then one by one."""
        lines = [
            self.line(panels[first : first + self.count], first)
            for panels in rows
            for first in range(0, len(panels), self.count)
        ]
        if len(lines) <= ROWS_PER_PAGE and sum(line.inches for line in lines) <= room:
            return [lines]
        if len(rows) > 1:
            return [part for panels in rows for part in self._together([panels], room)]
        return [[line] for line in lines]

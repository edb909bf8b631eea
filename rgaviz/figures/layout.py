"""Where everything goes on the pages of the comparison figure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rgaviz.figures.scales import Entry, Scales
from rgaviz.figures.style import LINE, SMALL, VENUES, FigureOptions
from rgaviz.figures.text import wrap_text

RIGHT, WRONG, FLAG = "#006d2c", "#b2182b", "#b35900"
ROWS_PER_PAGE = 6
TALLEST = 1.6  # a panel's height in units of the column width, at most

# Inches
MARGIN, GAP, PAD = 0.02, 0.06, 0.03
WIDEST, NARROWEST = 2.2, 0.55
BROKEN = 0.85  # a panel is at least as wide in a row that breaks into lines
TICKS = 0.17  # room for the numbers beside channel bars
SHORTEST_BARS = 0.5  # a wide, low picture leaves channel bars this much
BAR_HEIGHT, BAR_WIDTH, BAR_CELL = 0.07, 1.9, 1.05
LINE_SMALL = SMALL * LINE / 72


@dataclass(frozen=True)
class Row:
    """One line of a picture's panels: which columns, the panels' width in inches, their heights and captions.

    ``above`` is the room for titles of its own, which it has where rows break into lines.
    """

    picture: Entry
    columns: list[int]
    above: float
    width: float
    heights: list[float]
    captions: list[list[tuple[str, str]]]

    @property
    def inches(self) -> float:
        """The height with the titles and the captions, which are lines of (text, colour)."""
        panels = zip(self.heights, self.captions, strict=True)
        return self.above + max(height + PAD + len(lines) * LINE_SMALL for height, lines in panels) + GAP


def columns_per_line(count: int, inches: float) -> int:
    """All columns side by side, or, where they were too narrow, as many on each of as few lines as it takes."""

    def fitting(narrowest: float) -> int:
        return max(1, int((inches - 2 * MARGIN + GAP) / (narrowest + GAP)))

    if count <= fitting(NARROWEST):
        return count
    return math.ceil(count / math.ceil(count / fitting(BROKEN)))


class Layout:
    """Where everything goes, in inches from the top left corner; positions fall on whole pixels."""

    def __init__(self, scales: Scales, options: FigureOptions) -> None:
        self.scales, self.options = scales, options
        self.columns = scales.columns
        self.width = options.inches
        count = columns_per_line(len(self.columns), self.width)
        numbers = list(range(len(self.columns)))
        self.lines = [numbers[first : first + count] for first in range(0, len(numbers), count)]
        room = (self.width - 2 * MARGIN - (count - 1) * GAP) / count
        self.panel = self.snap(min(room, WIDEST), math.floor)
        self.left = (self.width - count * self.panel - (count - 1) * GAP) / 2
        points = VENUES[options.venue]().points
        self.titles = [wrap_text(c["title"], self.axes_width(c), points, lines=5) for c in self.columns]
        self.title_line = points * LINE / 72
        self.broken = len(self.lines) > 1
        self.top = PAD if self.broken else self.title_height(numbers)
        self.bars = scales.bars()
        self.cells = min(len(self.bars), max(1, int(self.width / BAR_CELL))) if self.bars else 1
        self.cell = self.width / self.cells
        self.labels = [
            [line for part in label.split("\n") for line in wrap_text(part, 0.94 * self.cell, SMALL, lines=6)]
            for *_, label in self.bars
        ]
        self.rows = [self.row(picture, columns) for picture in scales.pictures for columns in self.lines]

    def snap(self, inches: float, to: Any = round) -> float:
        """The length in whole pixels."""
        return to(inches * self.options.dpi) / self.options.dpi

    def axes_width(self, column: Entry) -> float:
        """The width of a column's panels where the picture is not tall."""
        return self.panel - (TICKS if column["kind"] == "bars" else 0)

    def title_height(self, columns: list[int]) -> float:
        """The room for the titles of these columns."""
        lines = max(len(self.titles[index]) for index in columns) if self.options.title else 0
        return lines * self.title_line + PAD

    def row(self, picture: Entry, columns: list[int]) -> Row:
        """Fit a picture at its own aspect ratio and gather what stands under its panels."""
        height_px, width_px = picture["size"]
        height = min(self.panel * height_px / width_px, TALLEST * self.panel)
        width = height * width_px / height_px
        one = 1 / self.options.dpi
        captions = [self.caption(picture, index) for index in columns]
        height = max(self.snap(height), one)
        bars = max(height, self.snap(SHORTEST_BARS))
        heights = [bars if self.columns[index]["kind"] == "bars" else height for index in columns]
        above = self.title_height(columns) if self.broken else 0.0
        return Row(picture, columns, above, max(self.snap(width), one), heights, captions)

    def caption(self, picture: Entry, index: int) -> list[tuple[str, str]]:
        """The lines under a panel: name and label, prediction, target, warnings."""
        column, panel = self.columns[index], picture.get("panels", {}).get(str(index), {})
        parts = []
        if index == 0:
            label = picture.get("label")
            parts += [(picture["path"], "black")] + (
                [(f"label: {label}", "black")] if label is not None else []
            )
        if column["kind"] == "bars":
            values = self.scales.read(picture, column, rank=1)
            parts += [(f"{values.size} channels", "black"), (f"mean {values.mean():.2f}", "black")]
        if panel.get("prediction") is not None:
            mark, shade = {True: (" ✓", RIGHT), False: (" ✗", WRONG)}.get(panel.get("correct"), ("", "black"))
            confidence = panel.get("confidence")
            sure = "" if confidence is None else f" {100 * confidence:.0f}%"
            parts.append((f"{panel['prediction']}{sure}{mark}", shade))
        if panel.get("target") not in (None, panel.get("prediction")):
            parts.append((f"target: {panel['target']}", "black"))
        parts += [(f"! {flag}", FLAG) for flag in self.scales.flags(picture, column)]
        room = self.axes_width(column)
        return [(line, shade) for text, shade in parts for line in wrap_text(text, room, SMALL, lines=2)]

    @property
    def legend_height(self) -> float:
        """The colour bars with their numbers and labels."""
        return sum(self.legend_row_height(first) for first in range(0, len(self.bars), self.cells))

    def legend_row_height(self, first: int) -> float:
        """The height of the row of colour bars that starts with the given one."""
        lines = max(len(label) for label in self.labels[first : first + self.cells])
        return PAD + BAR_HEIGHT + (1 + lines) * LINE_SMALL + 0.06

    def pages(self) -> list[list[Row]]:
        """The rows by page: at most six lines, no page taller than the venue allows, a picture's lines together."""
        room = VENUES[self.options.venue]().height - self.top - self.legend_height
        pages: list[list[Row]] = []
        left = 0.0
        for lines in self._together(room):
            tall = sum(row.inches for row in lines)
            if not pages or len(pages[-1]) + len(lines) > ROWS_PER_PAGE or tall > left:
                pages.append([])
                left = room
            pages[-1] += lines
            left -= tall
        return pages

    def _together(self, room: float) -> Iterator[list[Row]]:
        """The lines of one picture after the other; one by one where a page has no room for all of them."""
        count = len(self.lines)
        for first in range(0, len(self.rows), count):
            lines = self.rows[first : first + count]
            if count <= ROWS_PER_PAGE and sum(row.inches for row in lines) <= room:
                yield lines
            else:
                yield from ([row] for row in lines)

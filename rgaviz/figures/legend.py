"""What stands below a figure of panels: what colours stand for, then colour bars, and how their words break."""

from __future__ import annotations

from matplotlib.figure import Figure

from rgaviz.figures.panels import draw_colour_bar
from rgaviz.figures.scales import ColourBar
from rgaviz.figures.sheet import MakeAxes
from rgaviz.figures.style import LINE_SMALL, PAD, SMALL
from rgaviz.figures.swatches import SwatchLegend
from rgaviz.figures.text import wrap_text

BAR_HEIGHT, BAR_WIDTH, BAR_CELL, BELOW = 0.07, 1.9, 1.05, 0.03  # inches
MOST_LINES = 3  # of a bar's words, where there are briefer ones


class Legend:
    """Where the colour bars of a figure go, below its swatches; made in its style.

    Attributes:
        swatches: the colours that stand for something.
        bars: in order.
        labels: of each bar, as lines that fit.
        height: of all of it in inches, with the numbers and labels of the bars.
    """

    def __init__(self, swatches: SwatchLegend, bars: list[ColourBar], width: float) -> None:
        self.swatches, self.bars = swatches, bars
        self.cells = min(len(bars), max(1, int(width / BAR_CELL))) if bars else 1
        self.cell = width / self.cells
        self.labels = [self._label(bar) for bar in bars]
        rows = sum(self._row_height(first) for first in range(0, len(bars), self.cells))
        self.height = swatches.height + rows

    def _label(self, bar: ColourBar) -> list[str]:
        """Its words as lines that fit: the brief ones where the others take too many lines."""
        label = self._wrapped(bar.label)
        return self._wrapped(bar.brief) if bar.brief and len(label) > MOST_LINES else label

    def _wrapped(self, text: str) -> list[str]:
        room = 0.94 * self.cell
        return [line for part in text.split("\n") for line in wrap_text(part, room, SMALL, lines=6)]

    def _row_height(self, first: int) -> float:
        """The height of the row of colour bars that starts with the given one."""
        lines = max(len(label) for label in self.labels[first : first + self.cells])
        return PAD + BAR_HEIGHT + (1 + lines) * LINE_SMALL + BELOW

    def draw(self, page: Figure, axes: MakeAxes, y: float) -> None:
        """Draw it from ``y`` inches below the top of the page on."""
        self.swatches.draw(page, axes, y)
        y += self.swatches.height
        for index, bar in enumerate(self.bars):
            first, place = index - index % self.cells, index % self.cells
            width = min(BAR_WIDTH, self.cell - 0.35)
            x = place * self.cell + (self.cell - width) / 2
            draw_colour_bar(page, axes(x, y + PAD, width, BAR_HEIGHT), bar, self.labels[index])
            if place == self.cells - 1:
                y += self._row_height(first)

"""Labels as colours: how a class, an error and what is not known look over a picture, and the legend that says so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rgaviz.figures.overlay import grey, painted
from rgaviz.figures.scales import Scales
from rgaviz.figures.sheet import MakeAxes
from rgaviz.figures.style import LINE, PAD, WRONG
from rgaviz.figures.text import text_inches, wrap_text
from rgaviz.results.manifest import OF_LABELS, UNKNOWN, Panel

WHITE = "#ffffff"
OF_ERRORS = (WRONG, "#00ffff", "#ff00ff", "#ffff00", "#ff8000", "#00ff00")
APART_ENOUGH = 100.0  # from the colour of any class, of 255 a channel
VEIL = 0.6  # opacity of what hides where there is no truth
MOST_LINES = 24

# Inches
SQUARE, BESIDE, APART = 0.1, 0.04, 0.12  # a colour's side; to its name; to the next colour


class Swatch(NamedTuple):
    """A colour and what it stands for."""

    name: str
    colour: tuple[float, float, float]  # RGB, 0 to 1


def painted_labels(scales: Scales, panel: Panel, picture: np.ndarray, alpha: float) -> np.ndarray:
    """A panel's labels over its picture, RGB uint8 (H, W, 3): the classes' colours, nothing where no class is known."""
    colours = np.zeros((256, 3))
    opacity = np.full(256, alpha)
    for number, each in enumerate(scales.results.manifest.classes):
        colours[number] = each.colour
    opacity[UNKNOWN] = 0.0
    return painted(picture, scales.numbers(panel), colours, opacity)


def error_colour(scales: Scales) -> tuple[float, float, float]:
    """The first colour for errors that no class has, or nearly; else the one that is farthest from all."""
    taken = np.array([each.colour for each in scales.results.manifest.classes]).reshape(-1, 3)

    def apart(name: str) -> float:
        differences = taken - 255 * np.array(to_rgb(name))
        return float(np.sqrt((differences**2).sum(1)).min(initial=np.inf))

    return to_rgb(
        next((each for each in OF_ERRORS if apart(each) >= APART_ENOUGH), max(OF_ERRORS, key=apart))
    )


def painted_errors(scales: Scales, panel: Panel, picture: np.ndarray, alpha: float) -> np.ndarray:
    """A panel's errors over its picture without colours; what has no truth is pale."""
    colours, opacity = np.full((256, 3), 255.0), np.zeros(256)
    colours[1] = np.rint(255 * np.array(error_colour(scales)))
    opacity[1] = (1 + alpha) / 2  # of one colour, so half as transparent, as differences are
    opacity[UNKNOWN] = VEIL
    return painted(grey(picture), scales.numbers(panel), colours, opacity)


def swatches_of(scales: Scales, panels: Iterable[Panel]) -> list[Swatch]:
    """What the colours of panels stand for: the classes that occur, in their order, then errors."""
    shown = {kind: frozenset[int]() for kind in OF_LABELS}
    for panel in panels:
        if panel.kind in OF_LABELS:
            shown[panel.kind] |= scales.shown_by(panel)
    classes = scales.results.manifest.classes
    found = [
        Swatch(classes[number].name, _fractions(classes[number].colour))
        for number in sorted(shown["labels"] - {UNKNOWN})
    ]
    found += [Swatch("not as the truth", error_colour(scales))] if 1 in shown["errors"] else []
    return found + ([Swatch("no truth", to_rgb(WHITE))] if UNKNOWN in shown["errors"] else [])


def _fractions(colour: Iterable[int]) -> tuple[float, float, float]:
    red, green, blue = (value / 255 for value in colour)
    return red, green, blue


class SwatchLegend:
    """Colours and their names in cells of equal width, line by line; made in the figure's style.

    Attributes:
        height: of all of it in inches, 0 without colours.
    """

    def __init__(self, swatches: list[Swatch], width: float, points: float) -> None:
        self.points, self.line = points, points * LINE / 72
        room = width - 2 * PAD - SQUARE - BESIDE
        named = [(wrap_text(each.name, room, points, lines=1)[0], each.colour) for each in swatches]
        widest = max((text_inches(name, points) for name, _ in named), default=0.0)
        self.cell = SQUARE + BESIDE + widest + APART
        self.columns = min(max(1, int((width - 2 * PAD + APART) / self.cell)), max(len(named), 1))
        most = MOST_LINES * self.columns
        if len(named) > most:
            named = [*named[: most - 1], (f"and {len(named) - most + 1} more", to_rgb(WHITE))]
        self.named, self.width = named, width
        lines = math.ceil(len(named) / self.columns)
        self.height = lines * self.line + 2 * PAD if lines else 0.0

    def draw(self, page: Figure, axes: MakeAxes, y: float) -> None:
        """Draw it from ``y`` inches below the top of the page on."""
        if not self.named:
            return
        ax = axes(0, y, self.width, self.height, bare=True)
        ax.set(xlim=(0, self.width), ylim=(self.height, 0))
        left = (self.width - self.columns * self.cell + APART) / 2
        for number, (name, colour) in enumerate(self.named):
            line, place = divmod(number, self.columns)
            x, base = left + place * self.cell, PAD + (line + 0.78) * self.line
            square = Rectangle((x, base - SQUARE), SQUARE, SQUARE, facecolor=colour, edgecolor="#777777")
            square.set_linewidth(0.4)
            ax.add_patch(square)
            ax.text(x + SQUARE + BESIDE, base, name, size=self.points, va="baseline", ha="left")

"""The page that a figure is drawn on: of a size that can be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rgaviz.errors import RgavizError
from rgaviz.figures.style import FigureOptions

MOST_PIXELS = 2**26  # matplotlib takes some 12 bytes for each
TALLEST = 100.0  # inches
MOST = 100  # networks in one chart
# Axes by the distance of their top left corner from the page's, their width and their height, in inches.
MakeAxes = Callable[[float, float, float, float], Axes]
Entry = TypeVar("Entry", bound=Sequence[Any])


def sheet(width: float, height: float, options: FigureOptions, **settings: Any) -> Figure:
    """An empty figure of so many inches.

    Raises:
        RgavizError: it would be too large to be drawn.
    """
    pixels = width * options.dpi * height * options.dpi
    if height > TALLEST or pixels > MOST_PIXELS:
        dpi = math.floor(math.sqrt(MOST_PIXELS / (width * min(height, TALLEST))))
        raise RgavizError(
            f"The figure would have {width:.1f} x {height:.1f} inches, {pixels / 1e6:.0f} million pixels: choose --dpi "
            f"{min(dpi, options.dpi)} or less, a smaller --width, or draw less in one figure."
        )
    return Figure(figsize=(width, height), **settings)


def axes_maker(page: Figure, width: float, height: float, dpi: int) -> MakeAxes:
    """What makes axes on a page of so many inches; their corners fall on whole pixels."""

    def axes(x: float, y: float, wide: float, tall: float) -> Axes:
        x, y = (round(each * dpi) / dpi for each in (x, y))
        return page.add_axes((x / width, 1 - (y + tall) / height, wide / width, tall / height))

    return axes


def few(entries: Entry, what: str) -> Entry:
    """The entries, if one chart can show them.

    Raises:
        RgavizError: more; the message says what to do.
    """
    if len(entries) > MOST:
        raise RgavizError(
            f"There are {len(entries)} {what} for one chart, which shows {MOST} at most: choose fewer."
        )
    return entries

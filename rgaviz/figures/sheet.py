"""The page that a figure is drawn on: of a size that can be drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure

from rgaviz.errors import RgavizError
from rgaviz.figures.style import FigureOptions, Page

MOST_PIXELS = 2**26  # matplotlib takes some 12 bytes for each
# Of all pages where nobody typed how many or how fine: a manifest is quickly changed, and these take some 15 seconds.
MOST_RECORDED = 2**27
LEAST = 2**22  # pixels that a page counts as at least: its axes take time at any resolution
TALLEST = 100.0  # inches
MOST = 100  # networks in one chart
Entry = TypeVar("Entry", bound=Sequence[Any])


class MakeAxes(Protocol):
    """Makes axes on a page."""

    def __call__(self, x: float, y: float, wide: float, tall: float, *, bare: bool = False) -> Axes:
        """Axes by the distance of their top left corner from the page's, their width and height, in inches.

        Bare ones show neither ticks nor spines, and are made in half the time.
        """
        ...


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


def refuse_long(page: Page, options: FigureOptions) -> None:
    """Refuse a figure with so many pages like the given one that only who types it can mean it.

    Raises:
        RgavizError: it is one; the message says what to type.
    """
    count = min(page.of, options.pages or page.of)
    width, height = page.figure.get_size_inches()
    pixels = max(width * height * options.dpi**2, LEAST)
    if count * pixels > MOST_RECORDED:
        fewer = max(int(MOST_RECORDED / pixels), 1)
        raise RgavizError(
            f"The manifest asks for {count} pages of {pixels / 1e6:.0f} million pixels: choose --pages {fewer} or "
            f"less, a lower --dpi, or --pages {options.pages} to draw all of it."
        )


def axes_maker(page: Figure, width: float, height: float, dpi: int) -> MakeAxes:
    """What makes axes on a page of so many inches; their corners fall on whole pixels."""

    def axes(x: float, y: float, wide: float, tall: float, *, bare: bool = False) -> Axes:
        x, y = (round(each * dpi) / dpi for each in (x, y))
        place = (x / width, 1 - (y + tall) / height, wide / width, tall / height)
        return page.add_axes(place, axes_class=BareAxes if bare else Axes)

    return axes


class BareAxes(Axes):
    """Axes that show nothing but what is drawn over them.

    Half the time of making axes goes into ticks, which matplotlib makes for whatever is said of them all.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.set_axis_off()

    def _init_axis(self) -> None:
        """In place of matplotlib's; where that does not ask for it the axes are right, too, and slower."""
        self.xaxis, self.yaxis = _BareX(self, clear=False), _BareY(self, clear=False)
        for side, axis in {
            "bottom": self.xaxis,
            "top": self.xaxis,
            "left": self.yaxis,
            "right": self.yaxis,
        }.items():
            self.spines[side].register_axis(axis)


class _BareX(XAxis):
    """Says nothing of ticks, so that none is made."""

    def set_tick_params(self, which: str = "major", reset: bool = False, **settings: Any) -> None:
        pass

    def set_clip_path(self, path: Any, transform: Any = None) -> None:
        Artist.set_clip_path(self, path, transform)


class _BareY(YAxis):
    set_tick_params = _BareX.set_tick_params
    set_clip_path = _BareX.set_clip_path


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

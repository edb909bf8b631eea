"""The figure of rankings: in a row a query, what was found and how well; networks of one query below each other."""

from __future__ import annotations

from collections.abc import Iterator

from rgaviz.figures.grid import draw_grid
from rgaviz.figures.layout import Arrangement
from rgaviz.figures.style import FigureOptions, Page
from rgaviz.results.reader import Results

NARROWEST, BROKEN, WIDEST, NARROW_GAP = 0.355, 0.46, 0.8, 0.04  # inches: what stands under a picture is short
TALLEST = 2.3  # a person is twice as tall as wide


def rank_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The pages, as :func:`rgaviz.figures.grid.draw_grid` gives them."""
    networks = max(1, len(results.manifest.checkpoints))
    yield from draw_grid(
        results, options, Arrangement(NARROWEST, BROKEN, WIDEST, TALLEST, NARROW_GAP, networks)
    )

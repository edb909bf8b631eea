"""Loss and error over the epochs of a training."""

from __future__ import annotations

from pathlib import Path


def write_curves(folder: Path) -> None:
    """Loss and error over the epochs, from metrics.csv."""
    import csv

    from rgaviz.figures.curves import draw_curves
    from rgaviz.figures.style import FigureOptions, save_figure

    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    options = FigureOptions(formats=("png",))
    save_figure(draw_curves(rows, options), folder / "curves", options)

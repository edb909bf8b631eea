"""Loss and error over the epochs of a training."""

from __future__ import annotations

from pathlib import Path


def write_curves(folder: Path) -> list[Path]:
    """Draw ``curves.png`` from ``metrics.csv``, with its results in the folder ``curves`` beside it.

    Args:
        folder: of the training.

    Returns:
        The figure's files.

    Raises:
        RgavizError: no epoch, or a place that cannot be written.
    """
    import csv

    from rgaviz.analysis.request import versions
    from rgaviz.figures.draw import draw, record_options
    from rgaviz.figures.style import FigureOptions
    from rgaviz.outputs import output_place
    from rgaviz.results.writer import ResultsWriter

    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    output = output_place(folder / "curves.png", "train")
    options = FigureOptions(formats=("png",))
    head = {"command": "train", "versions": versions(), "figure": record_options(options)}
    with ResultsWriter(output.folder, head) as writer:
        writer.table("curves", rows)
    return draw(output.folder, output, options).paths

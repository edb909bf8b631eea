"""The loss and what the task measures, over the epochs of a training."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rgaviz.figures.style import FigureOptions
    from rgaviz.tasks import Measure

NAME = "curves.png"  # in the folder of the training


def curves_options() -> FigureOptions:
    """How the curves look: ``rgaviz redraw`` draws them in other ways."""
    from rgaviz.figures.style import FigureOptions

    return FigureOptions(formats=("png",))


def claim_curves(folder: Path) -> None:
    """Make sure, before a training, that its curves may be written.

    Raises:
        OutputError: something that is not ours has one of the names.
    """
    from rgaviz.figures.draw import claim_figure
    from rgaviz.outputs import output_place

    claim_figure("train", output_place(folder / NAME, "train"), curves_options())


def write_curves(folder: Path, measures: Iterable[Measure]) -> list[Path]:
    """Draw ``curves.png`` from ``metrics.csv``, with its results in the folder ``curves`` beside it.

    Args:
        folder: of the training.
        measures: of the networks' task; each has a panel, after the loss.

    Returns:
        The figure's files.

    Raises:
        RgavizError: no epoch, or a place that cannot be written.
    """
    import csv

    from rgaviz.analysis.request import versions
    from rgaviz.figures.draw import draw, record_options
    from rgaviz.locks import alone
    from rgaviz.outputs import output_place
    from rgaviz.results.writer import ResultsWriter

    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    output = output_place(folder / NAME, "train")
    options = curves_options()
    head = {
        "command": "train",
        "versions": versions(),
        "figure": record_options(options),
        "texts": {"loss": "loss", **{measure.key: measure.label for measure in measures}},
    }
    with alone(output.folder):
        with ResultsWriter(output.folder, head) as writer:
            writer.table("curves", rows)
        return draw(output.folder, output, options).paths

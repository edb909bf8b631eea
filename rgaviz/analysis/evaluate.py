"""How often a network is wrong, and on what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import RgavizError
from rgaviz.outputs import csv_bytes
from rgaviz.progress import Track, silent

if TYPE_CHECKING:
    from rgaviz.analysis.subject import Subject
    from rgaviz.data.splits import Dataset
    from rgaviz.figures.style import FigureOptions


def measure(
    subject: Subject, dataset: str | None, data_dir: Path | None, track: Track = silent
) -> dict[str, Any]:
    """What its task measures of one network on its test images, as plain data.

    Raises:
        RgavizError: no data, or data of other classes.
    """
    from rgaviz.tasks import TASKS, How

    checkpoint = subject.checkpoint
    images = measured_images(subject, dataset, data_dir, track)
    model = checkpoint.model
    device = next(model.parameters()).device
    how = How(checkpoint.classes, checkpoint.mean, checkpoint.std, device, track=track, title=subject.id)
    found = TASKS[images.task].evaluate(model, images.part, how)
    return {
        "network": subject.id,
        "checkpoint": str(checkpoint.path),
        "dataset": images.name,
        "source": images.source,
        "images": len(images.part("test")),
        **{f"test_{key}": value for key, value in found.figures.items()},
        **{name: table.plain() for name, table in found.tables.items()},
    }


def measured_images(
    subject: Subject, dataset: str | None, data_dir: Path | None, track: Track = silent
) -> Dataset:
    """The images a network is measured on: those its training was measured on, unless others are named."""
    from rgaviz.data.sets import load_dataset

    checkpoint = subject.checkpoint
    trained = checkpoint.training.get("dataset")
    name = dataset or trained
    if name is None:
        raise RgavizError(f"{checkpoint.path} does not say what it was trained on; name it with --dataset.")
    settings = checkpoint.training.get("recipe", {}).get("data", {}) if name == trained else {}
    images = load_dataset(
        name,
        data_dir=data_dir,
        image_size=checkpoint.image_size,
        test_size=settings.get("test_size"),
        held_out=settings.get("held_out", 0.2),
        track=track,
    )
    if list(images.classes) != list(checkpoint.classes):
        raise RgavizError(
            f"{name} has the classes {', '.join(images.classes[:3])}, ..., but {checkpoint.path} was trained on "
            f"{', '.join(checkpoint.classes[:3])}, ...; name its data set with --dataset and --data-dir."
        )
    return images


def write_confusion(
    subject: Subject, answer: dict[str, Any], stem: Path, options: FigureOptions
) -> list[Path]:
    """The confusion matrix of one network as a figure and a table."""
    import numpy as np

    from rgaviz.figures.confusion import draw_confusion
    from rgaviz.figures.style import save_figure
    from rgaviz.outputs import atomic_write, refuse_other_table

    classes = subject.checkpoint.classes
    matrix = np.array(answer["confusion"])
    title = f"{subject.id}: error {answer['test_error']:.2f}%"
    table, corner = stem.with_name(f"{stem.name}.csv"), "true \\ predicted"
    refuse_other_table(table, corner)
    paths = save_figure(draw_confusion(matrix, classes, options, title), stem, options)
    rows = [
        [corner, *classes],
        *([name, *row] for name, row in zip(classes, matrix.tolist(), strict=True)),
    ]
    atomic_write(table, csv_bytes(rows))
    return [*paths, table]

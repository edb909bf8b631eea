"""How often a network is wrong, and on what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import RgavizError
from rgaviz.progress import Track, silent

if TYPE_CHECKING:
    from rgaviz.analysis.subject import Subject
    from rgaviz.data.splits import Dataset
    from rgaviz.figures.style import FigureOptions


def evaluate(
    subjects: Sequence[Subject],
    out: Path | None = None,
    options: FigureOptions | None = None,
    *,
    dataset: str | None = None,
    data_dir: Path | None = None,
    track: Track = silent,
    command_line: str = "",
) -> list[dict[str, Any]]:
    """Measure networks on their test images, write the results and draw a confusion matrix of each.

    Args:
        subjects: from :func:`rgaviz.analysis.subject.load_subjects`.
        out: a figure or a folder; by default ``./rgaviz-evaluate/``.
        options: how the figures shall look.
        dataset: what to measure on; by default what each network was trained on.
        data_dir: where the images are.
        track: wraps the loop over the images, for a progress bar.
        command_line: recorded in the results.

    Returns:
        For each network its errors (%), loss and confusion matrix as plain data, and ``files``: its figure and table.

    Raises:
        RgavizError: no data, data of other classes, or a place that cannot be written.
    """
    from rgaviz.figures.draw import claim_figure, draw
    from rgaviz.figures.style import FigureOptions
    from rgaviz.outputs import output_place

    options = options or FigureOptions(width="column")
    output = output_place(out, "evaluate")
    claim_figure("evaluate", output, options, [subject.id for subject in subjects])
    measured = [measure(subject, dataset, data_dir, track) for subject in subjects]
    write_results(output.folder, subjects, measured, options, command_line)
    drawn = draw(output.folder, output, options)
    return [
        {**answer, "files": [str(path) for path in paths]}
        for answer, paths in zip(measured, drawn.pages, strict=True)
    ]


def write_results(
    folder: Path,
    subjects: Sequence[Subject],
    measured: Sequence[dict[str, Any]],
    options: FigureOptions,
    command_line: str,
) -> None:
    """A results folder with a table of counts for each network."""
    from rgaviz.analysis.request import versions
    from rgaviz.figures.confusion import CORNER
    from rgaviz.figures.draw import record_options
    from rgaviz.results.writer import ResultsWriter

    head = {
        "command": "evaluate",
        "command_line": command_line,
        "versions": versions(),
        "checkpoints": [subject.record() for subject in subjects],
        "figure": record_options(options),
        "texts": {
            each["network"]: f"{each['network']}: error {each['test_error']:.2f}%" for each in measured
        },
    }
    with ResultsWriter(folder, head) as writer:
        for subject, answer in zip(subjects, measured, strict=True):
            classes = subject.checkpoint.classes
            rows = ([name, *row] for name, row in zip(classes, answer["confusion"], strict=True))
            writer.table(subject.id, [[CORNER, *classes], *rows])


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

"""``rgaviz evaluate``: how often a network is wrong, and on what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgaviz.cli import app
from rgaviz.cli.explaining import tell_notes
from rgaviz.cli.options import (
    Arch,
    DataDir,
    Device,
    Dpi,
    Format,
    Json,
    NumClasses,
    Output,
    Title,
    Venue,
    Width,
    figure_changes,
    names_figure,
    output_paths,
)
from rgaviz.cli.progress import track
from rgaviz.errors import RgavizError

if TYPE_CHECKING:
    from rgaviz.data import Dataset
    from rgaviz.figures.style import FigureOptions
    from rgaviz.pipeline import Subject


@app.command()
def evaluate(
    context: typer.Context,
    checkpoints: Annotated[
        list[str], typer.Argument(help="Checkpoints to measure, torchvision:NAME, timm:NAME.")
    ],
    dataset: Annotated[
        str | None, typer.Option(help="By default the data set each was trained on.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    arch: Arch = None,
    num_classes: NumClasses = None,
    device: Device = "auto",
    out: Output = None,
    formats: Format = None,
    venue: Venue = None,
    width: Width = None,
    dpi: Dpi = None,
    title: Title = None,
    as_json: Json = False,
) -> None:
    """Measure error, loss, the error of every class and the confusion matrix on the test images.

    Writes a figure and a table (CSV) of each confusion matrix.
    """
    from rgaviz.devices import choose_device
    from rgaviz.figures.style import FigureOptions
    from rgaviz.pipeline import load_subjects

    options = FigureOptions(**{"width": "column", **figure_changes(context.params)})
    subjects = load_subjects(checkpoints, choose_device(device), arch, num_classes)
    tell_notes(subjects)
    measured = [measure(subject, dataset, data_dir) for subject in subjects]
    for subject, answer in zip(subjects, measured, strict=True):
        stem = confusion_stem(out, subject.id, alone=len(subjects) == 1)
        answer["files"] = [str(path) for path in write_confusion(subject, answer, stem, options)]
    if as_json:
        print(json.dumps(measured, indent=1))
        return
    show(measured)


def measure(subject: Subject, dataset: str | None, data_dir: Path | None) -> dict[str, Any]:
    """Error and loss of one network on its test images, as plain data.

    Raises:
        RgavizError: no data, or data of other classes.
    """
    from rgaviz.data.splits import evaluation_batches
    from rgaviz.training.loop import EVALUATION_BATCH
    from rgaviz.training.metrics import class_errors, summarise
    from rgaviz.training.metrics import evaluate as evaluate_batches

    checkpoint = subject.checkpoint
    images = test_images(subject, dataset, data_dir)
    model = checkpoint.model
    split = images.test.to(next(model.parameters()).device)
    batches = evaluation_batches(split, batch_size=EVALUATION_BATCH, mean=checkpoint.mean, std=checkpoint.std)
    count = -(-len(split) // EVALUATION_BATCH)
    loss, confusion = evaluate_batches(
        model, track(batches, total=count, description=subject.id), len(checkpoint.classes)
    )
    return {
        "network": subject.id,
        "checkpoint": str(checkpoint.path),
        "dataset": images.name,
        "source": images.source,
        "images": len(split),
        **summarise(loss, confusion),
        "class_error": dict(zip(checkpoint.classes, class_errors(confusion), strict=True)),
        "confusion": confusion.tolist(),
    }


def test_images(subject: Subject, dataset: str | None, data_dir: Path | None) -> Dataset:
    """The images a network is measured on: those its training was measured on, unless others are named."""
    from rgaviz.data import load_dataset

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
        train_size=2,  # not needed here: reading all of them would take longer than measuring
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


def confusion_stem(out: Path | None, name: str, *, alone: bool) -> Path:
    """Path without suffix of a network's confusion matrix; several share a figure's name and add their own."""
    folder, stem = output_paths(out, "evaluate")
    if not names_figure(out):
        return folder / f"{name}-confusion"
    return stem if alone else stem.with_name(f"{stem.name}-{name}")


def write_confusion(
    subject: Subject, answer: dict[str, Any], stem: Path, options: FigureOptions
) -> list[Path]:
    """The confusion matrix of one network as a figure and a table."""
    import numpy as np

    from rgaviz.atomic import atomic_write, refuse_other_table
    from rgaviz.figures.confusion import draw_confusion
    from rgaviz.figures.style import save_figure

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


def csv_bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as a CSV file."""
    import csv
    import io

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def show(measured: Sequence[dict[str, Any]]) -> None:
    """The measurements side by side, classes below."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", *(each["network"] for each in measured))
    table.add_row(
        "test images", *(f"{each['images']} ({each['dataset']}, {each['source']})" for each in measured)
    )
    table.add_row("error (%)", *(f"{each['test_error']:.2f}" for each in measured))
    table.add_row("loss", *(f"{each['test_loss']:.3f}" for each in measured), end_section=True)
    for name in dict.fromkeys(name for each in measured for name in each["class_error"]):
        errors = (each["class_error"].get(name) for each in measured)
        table.add_row(name, *("-" if error is None else f"{error:.1f}" for error in errors))
    Console().print(table)
    for path in (path for each in measured for path in each["files"]):
        print(path)

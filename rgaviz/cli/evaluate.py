"""``rgaviz evaluate``: how often a network is wrong, and on what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rgaviz.cli.app import COMMAND_LINE, app
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
)
from rgaviz.cli.show import tell_notes, track


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
    from rgaviz.analysis.evaluate import evaluate as measure_all
    from rgaviz.analysis.subject import load_subjects
    from rgaviz.devices import choose_device
    from rgaviz.figures.style import FigureOptions

    options = FigureOptions(**{"width": "column", **figure_changes(context.params)})
    subjects = load_subjects(checkpoints, choose_device(device), arch, num_classes)
    tell_notes(subjects)
    measured = measure_all(
        subjects,
        out,
        options,
        dataset=dataset,
        data_dir=data_dir,
        track=track,
        command_line=context.meta[COMMAND_LINE],
    )
    if as_json:
        print(json.dumps(measured, indent=1))
        return
    show(measured)


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

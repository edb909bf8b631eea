"""``rgaviz evaluate``: how often a network is wrong, and on what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.options import DATA, DataDir, Figure, Json, Network, Output
from rgaviz.cli.show import say, track

IN_A_COLUMN = Figure(width="column")


@app.command()
@takes_groups
def evaluate(
    context: typer.Context,
    checkpoints: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints to measure, torchvision:NAME, timm:NAME.", autocompletion=completion.checkpoints
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data set: rgaviz list datasets",
            show_default="what each was trained on",
            rich_help_panel=DATA,
            autocompletion=completion.one(completion.DATASETS),
        ),
    ] = None,
    data_dir: DataDir = None,
    *,
    network: Network,
    figure: Figure = IN_A_COLUMN,
    out: Output = None,
    as_json: Json = False,
) -> None:
    """Measure error, loss, the error of every class and the confusion matrix on the test images.

    Writes a figure and a table (CSV) of each confusion matrix.
    """
    from rgaviz.analysis.evaluate import evaluate as measure_all
    from rgaviz.analysis.subject import load_subjects, tell_notes
    from rgaviz.devices import choose_device
    from rgaviz.figures.style import FigureOptions

    options = FigureOptions(**figure.changes(out))
    subjects = load_subjects(checkpoints, choose_device(network.device), network.arch, network.num_classes)
    tell_notes(subjects, say)
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

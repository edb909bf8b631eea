"""``rgaviz evaluate``: how good networks are at their task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.covering import Covering
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.matching import Matching
from rgaviz.cli.option_groups import Network
from rgaviz.cli.options import DATA, DataDir, Json, Out, Pattern
from rgaviz.cli.settings import settings
from rgaviz.cli.show import cells, console, give

if TYPE_CHECKING:
    from rgaviz.analysis.evaluate import Measured

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
    pattern: Pattern = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="Part of a data set of scenes: train, val or test.",
            show_default="val",
            rich_help_panel=DATA,
        ),
    ] = None,
    *,
    matching: Matching,
    covering: Covering,
    network: Network,
    figure: Figure = IN_A_COLUMN,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure networks on the test images: by error, by Rank-1 and mAP, or by mIoU.

    Draws each classifier's confusion matrix with its table (CSV), curves of matches, or the IoU of every class.
    """
    from rgaviz.analysis import evaluate

    choices = {**matching.choices(), **covering.choices(), **({} if part is None else {"part": part})}
    measured = evaluate.evaluate(
        checkpoints,
        out,
        dataset=dataset,
        data_dir=data_dir,
        pattern=pattern,
        choices=choices,
        **settings(context, network, figure),
    )
    if as_json:
        print(json.dumps([each.to_dict() for each in measured], indent=1))
    else:
        show(measured)
    if any(each.left_out for each in measured):
        raise typer.Exit(1)


def show(measured: Sequence[Measured]) -> None:
    """The measurements side by side, tables of one column below."""
    from rich.table import Table

    table = Table("", *cells(each.network for each in measured))
    told = [each.cells() for each in measured]
    for name in dict.fromkeys(name for each in told for name in each):
        columns = [each.get(name, {}) for each in told]
        for row in dict.fromkeys(row for column in columns for row in column):
            table.add_row(*cells([row, *(column.get(row, "-") for column in columns)]))
        table.add_section()
    console().print(table)
    for path in dict.fromkeys(path for each in measured for path in each.files):
        give(path)

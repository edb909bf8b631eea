"""``rgaviz predict``: what every pixel of pictures is, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.covering import COVERING, Covering
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Network
from rgaviz.cli.options import Intensities, Json, Out, flag
from rgaviz.cli.settings import settings
from rgaviz.cli.show import give, tell_failures
from rgaviz.errors import RgavizError


@app.command()
@takes_groups
def predict(
    context: typer.Context,
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="A network that labels pixels.", autocompletion=completion.checkpoints, show_default=False
        ),
    ],
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures, folders or patterns.", show_default=False)
    ],
    *,
    covering: Covering,
    flip: Annotated[
        bool, flag("--flip", help="The mean of what a picture and its mirror image give.", panel=COVERING)
    ] = False,
    intensities: Intensities = "auto",
    network: Network,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Write the class of every pixel as PNGs, in the numbers and colours of the network's data set."""
    from rgaviz.analysis import predict
    from rgaviz.analysis.inputs import split_inputs

    if more := split_inputs([str(path) for path in pictures])[0]:
        raise RgavizError(
            f"{more[0]} is a checkpoint, not a picture: predict takes one at a time; give each a command of its own."
        )
    answer = predict.predict(
        checkpoint,
        [str(path) for path in pictures],
        out,
        choices={**covering.choices(), **({"flip": True} if flip else {})},
        intensities=intensities,
        **settings(context, network),
    )
    tell_failures(answer.failures)
    if as_json:
        print(json.dumps(answer.to_dict(), indent=1))
    else:
        give(f"Labels: {len(answer.files)} in {answer.folder}")
    if answer.failures:
        raise typer.Exit(1)

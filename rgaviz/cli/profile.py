"""``rgaviz profile``: what attention costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.measuring import Measuring, network_table, tell_costs
from rgaviz.cli.option_groups import parse_size
from rgaviz.cli.options import Json, Out
from rgaviz.cli.show import say, track
from rgaviz.errors import RgavizError

EIGHT_IMAGES = Measuring(batch_size=8)


@app.command()
@takes_groups
def profile(
    context: typer.Context,
    arch: Annotated[
        str,
        typer.Option(
            help="Network; see rgaviz list models.", autocompletion=completion.one(completion.MODELS)
        ),
    ] = "resnet50",
    attention: Annotated[
        str,
        typer.Option(
            help="Attentions to compare; the first is the baseline of the ratios.",
            autocompletion=completion.several(completion.ATTENTIONS),
        ),
    ] = "none,se,cbam-cs,nl,rga-sc",
    attention_layers: Annotated[
        str | None,
        typer.Option(help="Stages that get the attention: conv4,conv5.", show_default="the network's"),
    ] = None,
    image_size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the images, or one number.")] = "256x128",
    num_classes: Annotated[int, typer.Option(min=1, help="Outputs of the network.")] = 10,
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folders of finished trainings of these networks: also draw how good they are against what they cost.",
            show_default="no figure",
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            help="Cost in the figure of --runs: macs, latency, memory or parameters.",
            autocompletion=completion.one(completion.COSTS),
        ),
    ] = "macs",
    scale_with: Annotated[str | None, typer.Option(hidden=True)] = None,
    *,
    measuring: Measuring = EIGHT_IMAGES,
    figure: Figure,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure what attention costs: parameters, multiply-accumulates, time and memory.

    Writes a table as CSV and LaTeX, and with --runs a figure.
    """
    from rgaviz.analysis import cost

    if scale_with is not None:
        raise RgavizError(f"rgaviz profile --scale-with {scale_with} is now: rgaviz growth {scale_with}")
    answer = cost.profile(
        arch,
        [name.strip() for name in attention.split(",")],
        out,
        attention_layers=attention_layers,
        image_size=parse_size(image_size),
        num_classes=num_classes,
        **vars(measuring),
        runs=runs or [],
        against=against,
        figure=figure.changes(),
        command_line=context.meta[COMMAND_LINE],
        track=track,
        say=say,
    )
    tell_costs(answer, network_table(answer), as_json=as_json)

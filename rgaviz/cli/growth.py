"""``rgaviz growth``: how the cost of attention grows with the map."""

from __future__ import annotations

from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.measuring import Measuring, growth_table, tell_costs
from rgaviz.cli.options import Json, Out
from rgaviz.cli.show import say, track


@app.command()
@takes_groups
def growth(
    context: typer.Context,
    axis: Annotated[
        str, typer.Argument(help="What grows: N, positions of the map, or C, its channels.")
    ] = "N",
    attention: Annotated[
        str,
        typer.Option(help="Attentions to compare.", autocompletion=completion.several(completion.ATTENTIONS)),
    ] = "se,cbam-cs,nl,rga-sc",
    channels: Annotated[int, typer.Option(min=1, help="Channels of the maps where N grows.")] = 64,
    *,
    measuring: Measuring,
    figure: Figure,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure how time and memory of each attention alone grow with the map; beside RGA stands its direct form.

    Writes a table as CSV and LaTeX and a figure with the exponents.
    """
    from rgaviz.analysis import growth

    answer = growth.growth(
        [name.strip() for name in attention.split(",")],
        axis,
        out,
        channels=channels,
        **vars(measuring),
        figure=figure.changes(),
        command_line=context.meta[COMMAND_LINE],
        track=track,
        say=say,
    )
    tell_costs(answer, growth_table(answer), as_json=as_json)

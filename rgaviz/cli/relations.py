"""``rgaviz relations``: what a position looks at, and what looks at it."""

from __future__ import annotations

from typing import Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.explaining import finish
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Network
from rgaviz.cli.options import Inputs, Json, Out, Window, flag
from rgaviz.cli.settings import settings
from rgaviz.cli.show import tell_failures


@app.command()
@takes_groups
def relations(
    context: typer.Context,
    inputs: Inputs = None,
    *,
    point: Annotated[
        list[str] | None,
        typer.Option(
            help="X,Y in pixels of the pictures, from the left and from the top; again for more.",
            show_default="auto: the centre, the most and the least attended position",
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            help="A stage with RGA or a non-local block, such as conv4, or a dotted module name.",
            show_default="the deepest",
        ),
    ] = None,
    channels: Annotated[
        bool, flag("--channels", help="The relations of all channels with all, as a clustered matrix.")
    ] = False,
    window: Window = "auto",
    network: Network,
    figure: MapFigure,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Draw the relations that attention is made from: what a point looks at, and what looks at it.

    Writes one figure and the numbers; the two differ, and their difference is drawn, too.
    """
    from rgaviz.analysis import relations
    from rgaviz.analysis.inputs import split_inputs

    found = relations.relations(
        *split_inputs(inputs or []),
        out,
        points=point or relations.AUTO,
        layer=layer,
        channels=channels,
        window=window,
        **settings(context, network, figure),
    )
    tell_failures(found.failures)
    finish(found, out, as_json=as_json)

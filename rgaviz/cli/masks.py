"""``rgaviz masks``: where the attention of a network lies."""

from __future__ import annotations

import typer

from rgaviz.cli.app import app
from rgaviz.cli.explaining import labelled_settings, tell
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Network, Picking
from rgaviz.cli.options import Inputs, Json, Label, Layers, Out, Resume, Window


@app.command()
@takes_groups
def masks(
    context: typer.Context,
    inputs: Inputs = None,
    *,
    layer: Layers = None,
    label: Label = None,
    window: Window = "auto",
    picking: Picking,
    network: Network,
    figure: MapFigure,
    out: Out = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Draw the spatial and channel attention masks of attention checkpoints.

    Writes one figure, an overlay for every picture and mask, and the numbers.
    """
    from rgaviz.analysis import masks
    from rgaviz.analysis.inputs import split_inputs

    told = labelled_settings(context, label, picking, network, figure, window, resume)
    answer = masks.masks(*split_inputs(inputs or []), out, layer=layer, **told)
    tell(answer, out, as_json=as_json)

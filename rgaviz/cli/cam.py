"""``rgaviz cam``: class activation maps by any method."""

from __future__ import annotations

import typer

from rgaviz.cli.app import app
from rgaviz.cli.explaining import labelled_settings, tell
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Making, Network, Picking
from rgaviz.cli.options import CamLayer, Inputs, Json, Label, Methods, Out, Resume, Target, Window


@app.command()
@takes_groups
def cam(
    context: typer.Context,
    inputs: Inputs = None,
    *,
    method: Methods = "gradcam",
    target: Target = None,
    layer: CamLayer = None,
    label: Label = None,
    window: Window = "auto",
    making: Making,
    picking: Picking,
    network: Network,
    figure: MapFigure,
    out: Out = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Draw class activation maps: Grad-CAM and the other methods of pytorch-grad-cam.

    Methods that need only activations and gradients share one pass.
    """
    from rgaviz.analysis import cam
    from rgaviz.analysis.inputs import split_inputs

    told = labelled_settings(context, label, picking, network, figure, window, resume)
    checkpoints, pictures = split_inputs(inputs or [])
    methods = cam.parse_methods(method)
    answer = cam.cam(checkpoints, pictures, out, methods=methods, layer=layer, **making.asked(target), **told)
    tell(answer, out, as_json=as_json)

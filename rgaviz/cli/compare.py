"""``rgaviz compare``: the figure of the paper, networks side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.explaining import labelled_settings, tell
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Making, Network, Picking
from rgaviz.cli.options import (
    CamLayer,
    InputsOfTwo,
    Json,
    Label,
    MaskLayer,
    Methods,
    Out,
    Resume,
    Target,
    TruthFolder,
    Window,
    flag,
)


@app.command()
@takes_groups
def compare(
    context: typer.Context,
    inputs: InputsOfTwo = None,
    *,
    method: Methods = "gradcam",
    target: Target = None,
    layer: CamLayer = None,
    mask_layer: MaskLayer = None,
    diff: Annotated[
        bool, flag("--diff", help="Add each network's CAM minus the first one's, signed.")
    ] = False,
    truth: TruthFolder = None,
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
    """Compare networks on pictures: input, each network's Grad-CAM, each attention network's spatial mask.

    Under each panel stand the prediction and its confidence, and right or wrong where the true class is known.
    """
    from rgaviz.analysis import compare
    from rgaviz.analysis.cam import parse_methods
    from rgaviz.analysis.inputs import split_inputs

    answer = compare.compare(
        *split_inputs(inputs or []),
        out,
        methods=parse_methods(method),
        **making.asked(target),
        layer=layer,
        mask_layer=mask_layer,
        diff=diff,
        truth=truth,
        **labelled_settings(context, label, picking, network, figure, window, resume),
    )
    tell(answer, out, as_json=as_json)

"""``rgaviz cam``: class activation maps by any method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.explaining import explain_and_draw
from rgaviz.cli.options import (
    Alpha,
    Arch,
    CamLayer,
    Cmap,
    Device,
    Dpi,
    Format,
    Inputs,
    Json,
    Label,
    NumClasses,
    Output,
    Pages,
    Scale,
    Target,
    Title,
    Venue,
    Width,
)

if TYPE_CHECKING:
    from rgaviz.analysis.request import Request
    from rgaviz.analysis.subject import Subject


@app.command()
def cam(
    context: typer.Context,
    inputs: Inputs = None,
    method: Annotated[str, typer.Option(help="Methods with commas, or all: rgaviz list methods")] = "gradcam",
    target: Target = "top1",
    layer: CamLayer = None,
    label: Label = None,
    arch: Arch = None,
    num_classes: NumClasses = None,
    device: Device = "auto",
    out: Output = None,
    formats: Format = None,
    venue: Venue = None,
    width: Width = None,
    dpi: Dpi = None,
    cmap: Cmap = None,
    alpha: Alpha = None,
    title: Title = None,
    scale: Scale = None,
    pages: Pages = None,
    as_json: Json = False,
) -> None:
    """Draw class activation maps: Grad-CAM and the other methods of pytorch-grad-cam.

    Methods that need only activations and gradients share one pass.
    """
    from rgaviz.analysis.cam import cam_request, parse_methods

    methods = parse_methods(method)

    def request(subjects: list[Subject]) -> Request:
        return cam_request(subjects, methods, target, layer)

    explain_and_draw(context, request)

"""``rgaviz compare``: the figure of the paper, networks side by side."""

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
def compare(
    context: typer.Context,
    inputs: Inputs = None,
    method: Annotated[str, typer.Option(help="CAM methods with commas: rgaviz list methods")] = "gradcam",
    target: Target = "top1",
    layer: CamLayer = None,
    mask_layer: Annotated[
        str | None,
        typer.Option(
            help="Stage of the spatial mask; by default the deepest with attention.", show_default=False
        ),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Add each network's CAM minus the first one's, signed.")
    ] = False,
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
    """Compare networks on pictures: input, each network's Grad-CAM, each attention network's spatial mask.

    Under each panel stand the prediction and its confidence, and right or wrong where the true class is known.
    """
    from rgaviz.analysis.cam import parse_methods
    from rgaviz.analysis.compare import compare_request

    methods = parse_methods(method)

    def request(subjects: list[Subject]) -> Request:
        return compare_request(subjects, methods, target, layer, mask_layer, diff=diff)

    explain_and_draw(context, request, networks=2)

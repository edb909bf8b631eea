"""``rgaviz masks``: where the attention of a network lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.explaining import explain_and_draw
from rgaviz.cli.options import (
    Alpha,
    Arch,
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
    Title,
    Venue,
    Width,
)

if TYPE_CHECKING:
    from rgaviz.analysis.request import Request
    from rgaviz.analysis.subject import Subject


@app.command()
def masks(
    context: typer.Context,
    inputs: Inputs = None,
    layer: Annotated[
        str | None,
        typer.Option(
            help="Stages with attention: conv5, conv4,conv5 or all; by default the deepest.",
            show_default=False,
        ),
    ] = None,
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
    """Draw the spatial and channel attention masks of attention checkpoints.

    Without a checkpoint it takes the newest under runs/, else the bundled one; without pictures the bundled
    photographs. Writes one figure, an overlay for every picture and mask, and the numbers.
    """

    def request(subjects: list[Subject]) -> Request:
        from rgaviz.analysis.masks import masks_request

        return masks_request(subjects, layer)

    explain_and_draw(context, request)

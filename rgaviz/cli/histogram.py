"""``rgaviz histogram``: what channel attention does over a set of pictures."""

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
    Scale,
    Title,
    Venue,
    Width,
)

if TYPE_CHECKING:
    from rgaviz.analysis.request import Request
    from rgaviz.analysis.subject import Subject


@app.command()
def histogram(
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
    as_json: Json = False,
) -> None:
    """Draw the distribution of channel attention over pictures, several networks overlaid.

    All values, each channel's mean and spread, and the fractions of dead and saturated channels; a table (CSV)
    beside the figure.
    """

    def request(subjects: list[Subject]) -> Request:
        from rgaviz.analysis.histogram import histogram_request

        return histogram_request(subjects, layer)

    explain_and_draw(context, request)

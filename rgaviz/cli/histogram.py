"""``rgaviz histogram``: what channel attention does over a set of pictures."""

from __future__ import annotations

import typer

from rgaviz.cli.app import app
from rgaviz.cli.explaining import labelled_settings, tell
from rgaviz.cli.figure_options import NamedFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Network, Picking
from rgaviz.cli.options import Inputs, Json, Label, Layers, Out, Resume, Window


@app.command()
@takes_groups
def histogram(
    context: typer.Context,
    inputs: Inputs = None,
    *,
    layer: Layers = None,
    label: Label = None,
    window: Window = "auto",
    picking: Picking,
    network: Network,
    figure: NamedFigure,
    out: Out = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Draw the distribution of channel attention over pictures, several networks overlaid.

    All values, each channel's mean and spread, dead and saturated channels; a table (CSV) beside the figure.
    """
    from rgaviz.analysis import histogram
    from rgaviz.analysis.inputs import split_inputs

    told = labelled_settings(context, label, picking, network, figure, window, resume)
    answer = histogram.histogram(*split_inputs(inputs or []), out, layer=layer, **told)
    tell(answer, out, as_json=as_json)

"""``rgaviz rank``: whom networks take for whom."""

from __future__ import annotations

from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.explaining import finish
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.matching import Matching
from rgaviz.cli.option_groups import Network
from rgaviz.cli.options import DATA, DataDir, Json, Out, Pattern
from rgaviz.cli.settings import settings
from rgaviz.cli.show import tell_failures


@app.command()
@takes_groups
def rank(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Re-identification networks, and pictures of whom to look for (else queries of the data set).",
            autocompletion=completion.inputs,
        ),
    ],
    gallery: Annotated[
        str | None,
        typer.Option(
            help="Where to look: a data set (rgaviz list datasets) or a folder of crops.",
            show_default="the data set the networks were trained on",
            rich_help_panel=DATA,
            autocompletion=completion.one(completion.DATASETS),
        ),
    ] = None,
    data_dir: DataDir = None,
    pattern: Pattern = None,
    top: Annotated[int, typer.Option(help="How many of the gallery's best to show, 1 to 100.")] = 10,
    overlay: Annotated[
        str,
        typer.Option(
            help="Over the pictures: none, mask (spatial attention) or cam (why each is alike to the query).",
            autocompletion=completion.one(completion.OVERLAYS),
        ),
    ] = "none",
    pick: Annotated[
        str | None,
        typer.Option(
            help="Which queries of the data set: worst, best, improved (by the second network) or random.",
            show_default="random",
            autocompletion=completion.one(completion.PICKS),
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="How many of them.", show_default="4")] = None,
    *,
    matching: Matching,
    network: Network,
    figure: MapFigure,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Rank a gallery for queries: a row for each query and network, right and wrong marked, maps over the pictures.

    Writes the figure, a page for browsers to scroll and filter (rank.html), and the numbers.
    """
    from rgaviz.analysis import rank
    from rgaviz.analysis.inputs import split_inputs

    found = rank.rank(
        *split_inputs(inputs),
        out,
        gallery=gallery,
        data_dir=data_dir,
        pattern=pattern,
        top=top,
        overlay=overlay,
        pick=pick,
        count=count,
        choices=matching.choices(),
        **settings(context, network, figure),
    )
    tell_failures(found.failures)
    finish(found, out, as_json=as_json)

"""``rgaviz evolve``: maps over the epochs of a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Network, parse_names
from rgaviz.cli.options import DATA, CamLayer, Json, MaskLayer, Out, Target
from rgaviz.cli.settings import settings
from rgaviz.cli.show import give, tell_failures


@app.command()
@takes_groups
def evolve(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a training that kept epochs (train.keep_every).")],
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders or quoted patterns.",
            show_default="of the data set, where it says what is where in them; else the bundled photographs",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(help="Networks, with commas: baseline,rga.", show_default="all that kept epochs"),
    ] = None,
    epochs: Annotated[int, typer.Option(help="How many epochs, spread evenly; 0 for all.")] = 8,
    count: Annotated[int, typer.Option(help="How many pictures are shown.", rich_help_panel=DATA)] = 2,
    measured: Annotated[
        int,
        typer.Option(
            help="On how many pictures of the data set it is measured where maps lie.", rich_help_panel=DATA
        ),
    ] = 200,
    *,
    method: Annotated[
        str,
        typer.Option(
            help="CAM method: rgaviz list methods", autocompletion=completion.one(completion.METHODS)
        ),
    ] = "gradcam",
    target: Target = None,
    layer: CamLayer = None,
    mask_layer: MaskLayer = None,
    network: Network,
    figure: MapFigure,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Draw CAMs and masks over the epochs of a training on one scale: a strip for a paper, GIF and WebP for a talk.

    Where the data set says what is where in its pictures, also where the maps lie, epoch by epoch.
    """
    from rgaviz.analysis import evolve

    found = evolve.evolve(
        run,
        pictures or (),
        out,
        only=parse_names(only, "--only") if only else (),
        epochs=epochs,
        count=count,
        measured=measured,
        method=method,
        target=target,
        layer=layer,
        mask_layer=mask_layer,
        **settings(context, network, figure),
    )
    tell_failures(found.failures, len(found.pictures))
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        for path in found.files:
            give(f"{'Movie' if path.suffix in ('.gif', '.webp') else 'Figure'}: {path}")
        give(f"Numbers: {found.folder} (draw again with: rgaviz redraw {found.folder})")
    if found.failures:
        raise typer.Exit(1)

"""``rgaviz redraw``: another look at finished results, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.options import out_option
from rgaviz.cli.show import give, say, tell_left_out


@app.command()
@takes_groups
def redraw(
    folder: Annotated[Path, typer.Argument(help="A results folder: one with a manifest.json.")],
    *,
    figure: Annotated[MapFigure, "as it was drawn"],
    out: Annotated[
        Path | None,
        out_option("A figure (.pdf, .png, .svg) or a folder.", show_default="the results folder"),
    ] = None,
) -> None:
    """Draw the figure of a results folder again, with other colours, sizes, scales or formats.

    What is not given stays as it was drawn. Needs neither checkpoint nor pictures, and takes a second.
    """
    from rgaviz.analysis import redraw

    drawn = redraw.redraw(folder, out, figure=figure.changes())
    for path in drawn.paths:
        give(path)
    for note in drawn.notes:
        say(f"Note: {note}")
    tell_left_out(drawn.left_out, folder)

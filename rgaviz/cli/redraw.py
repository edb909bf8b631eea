"""``rgaviz redraw``: another look at finished results, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.options import Alpha, Cmap, Dpi, Format, Pages, Scale, Title, Venue, Width, figure_changes
from rgaviz.cli.show import tell_left_out
from rgaviz.outputs import Output, output_place


@app.command()
def redraw(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A results folder: one with a manifest.json.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A figure (.pdf, .png, .svg) or a folder; by default the results folder.",
            show_default=False,
        ),
    ] = None,
    formats: Format = None,
    venue: Venue = None,
    width: Width = None,
    dpi: Dpi = None,
    cmap: Cmap = None,
    alpha: Alpha = None,
    title: Title = None,
    scale: Scale = None,
    pages: Pages = None,
) -> None:
    """Draw the figure of a results folder again, with other colours, sizes, scales or formats.

    What is not given stays as it was drawn. Needs neither checkpoint nor pictures, and takes a second.
    """
    from rgaviz.figures.draw import draw, figure_options
    from rgaviz.results.reader import read_results

    command = read_results(folder).manifest.command
    output = output_place(out, command) if out else Output(folder, folder / command)
    drawn = draw(folder, output, figure_options(folder, figure_changes(context.params)))
    for path in drawn.paths:
        print(path)
    tell_left_out(drawn.left_out, folder)

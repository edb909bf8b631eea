"""``rgaviz redraw``: another look at finished results, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import app
from rgaviz.cli.options import Alpha, Cmap, Dpi, Format, Output, Scale, Title, Venue, Width, figure_changes


@app.command()
def redraw(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A results folder: one with a manifest.json.")],
    out: Output = None,
    formats: Format = None,
    venue: Venue = None,
    width: Width = None,
    dpi: Dpi = None,
    cmap: Cmap = None,
    alpha: Alpha = None,
    title: Title = None,
    scale: Scale = None,
) -> None:
    """Draw the figure of a results folder again, with other colours, sizes, scales or formats.

    What is not given stays as it was drawn. Needs neither checkpoint nor pictures, and takes a second.
    """
    from rgaviz.cli.explaining import FIGURE_SUFFIXES
    from rgaviz.figures.draw import draw, figure_options
    from rgaviz.results import read_results

    changes = figure_changes(context.params)
    command = str(read_results(folder).manifest.get("command"))
    stem = folder / command
    if out is not None:
        named = out.suffix.lower() in FIGURE_SUFFIXES
        stem = out.with_suffix("") if named else out / command
        if named and "formats" not in changes:
            changes["formats"] = (out.suffix.lower()[1:],)
    for path in draw(folder, stem, figure_options(folder, changes)):
        print(path)

"""``rgaviz report``: trainings and results as one page for browsers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.options import OUTPUT, Json, out_option
from rgaviz.cli.show import give, say


@app.command()
def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of trainings or results; what lies in them is found.")
    ],
    title: Annotated[
        str | None,
        typer.Option(help="Of the page.", show_default="the names of the folders", rich_help_panel=OUTPUT),
    ] = None,
    count: Annotated[
        int, typer.Option(help="Rows of each gallery, at most.", min=1, rich_help_panel=OUTPUT)
    ] = 500,
    out: Annotated[
        Path | None,
        out_option("The page (.html) or a folder.", show_default="./rgaviz-report.html"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write one page for browsers: settings, curves, tables, charts, and galleries with sliders over the raw maps.

    It stands alone: one file, which asks nothing of any network.
    """
    import json

    from rgaviz.analysis.report import report as write

    answer = write(runs, out, title=title, count=count, say=say)
    if as_json:
        print(json.dumps(answer.to_dict(), indent=1))
    else:
        give(f"Page: {answer.file} ({answer.bytes / 1e6:.2g} MB, {answer.rows} rows of pictures)")

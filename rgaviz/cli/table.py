"""``rgaviz table``: the results of many runs as a table for the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.options import OUTPUT, Json, out_option
from rgaviz.cli.show import give, say


@app.command()
def table(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or checkpoints.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="latex, markdown, csv or json.",
            show_default="by the suffix of --out, else markdown",
            rich_help_panel=OUTPUT,
            autocompletion=completion.one(completion.TABLE_FORMATS),
        ),
    ] = None,
    paper: Annotated[
        str | None,
        typer.Option(
            help="Set a table of the paper beside ours: table1 to table5, table7.",
            show_default="ours alone",
            autocompletion=completion.one(completion.paper_tables),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        out_option("File to write.", show_default="standard output"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tabulate finished runs: parameters, and what the task measures as mean and standard deviation over seeds."""
    from rgaviz.runs.tabulate import choose_format, tabulate

    text = tabulate(runs, out, form=choose_format(form, out, as_json=as_json), paper=paper, say=say)
    if out is None:
        print(text, end="")
    else:
        give(f"Table: {out}")

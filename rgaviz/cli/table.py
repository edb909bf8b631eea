"""``rgaviz table``: the results of many runs as a table for the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.option_groups import parse_names
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
    columns: Annotated[
        str | None,
        typer.Option(
            help="Columns behind the network's, in order, with commas: depth, params, epochs, seeds, a measure such as "
            "error, or a data set.",
            show_default="all",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="Of the LaTeX table, for \\ref.", show_default="tab:results", rich_help_panel=OUTPUT
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

    form = choose_format(form, out, as_json=as_json)
    wanted = [] if columns is None else parse_names(columns, "--columns")
    text = tabulate(runs, out, form=form, paper=paper, columns=wanted, label=label, say=say)
    if out is None:
        print(text, end="")
    else:
        give(f"Table: {out}")

"""``rgaviz table``: the results of many runs as a table for the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.options import NETWORK, OUTPUT, Json, OwnAttention, out_option
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
    attention: OwnAttention = None,
    arch: Annotated[
        str | None,
        typer.Option(
            help="Network of your own code that runs have: FILE.py:NAME.",
            show_default="none of that kind",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tabulate finished runs: parameters, and what the task measures as mean and standard deviation over seeds."""
    from rgaviz.own_code import name_own_code
    from rgaviz.runs.tabulate import choose_format, tabulate

    name_own_code(arch, *(attention or "").split(","))
    text = tabulate(runs, out, form=choose_format(form, out, as_json=as_json), paper=paper, say=say)
    if out is None:
        print(text, end="")
    else:
        give(f"Table: {out}")

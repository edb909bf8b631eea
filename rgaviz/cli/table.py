"""``rgaviz table``: the results of many runs as a table for the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli.app import app
from rgaviz.cli.options import Json

SUFFIXES = {".tex": "latex", ".md": "markdown", ".txt": "markdown", ".csv": "csv", ".json": "json"}


@app.command()
def table(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or checkpoints.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="latex, markdown, csv or json.  [default: by the suffix of --out, else markdown]",
            show_default=False,
        ),
    ] = None,
    paper: Annotated[
        str | None, typer.Option(help="Set a table of the paper beside ours: table7.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File; by default standard output.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Tabulate finished runs: parameters, and test error as mean and standard deviation over seeds."""
    import sys

    from rgaviz.outputs import atomic_write, begins, claim_file
    from rgaviz.runs.papers import paper_table
    from rgaviz.runs.read import read_runs
    from rgaviz.runs.table import FORMATS, OPENINGS

    chosen = choose_format(form, out, as_json=as_json)
    if paper:
        paper_table(paper)  # before hundreds of checkpoints are read
    rows, notes = read_runs(runs)
    for note in notes:
        print(f"Note: {note}", file=sys.stderr)
    text = FORMATS[chosen](rows, paper)
    if out is None:
        print(text, end="")
        return
    claim_file(out, begins(OPENINGS[chosen]))
    atomic_write(out, text.encode())
    print(f"Table: {out}")


def choose_format(form: str | None, out: Path | None, *, as_json: bool) -> str:
    """The format that the options ask for; they must agree.

    Raises:
        RgavizError: unknown, or two of them.
    """
    from rgaviz.errors import OutputError, RgavizError, lookup
    from rgaviz.runs.table import FORMATS

    if form is not None:
        lookup(FORMATS, form, "format")
    if out is not None and out.suffix not in SUFFIXES:
        raise OutputError(f"{out} is no name for a table: {', '.join(SUFFIXES)}; choose another with -o.")
    asked = {
        "--format": form,
        "--json": "json" if as_json else None,
        "--out": SUFFIXES[out.suffix] if out is not None and out.suffix != ".txt" else None,
    }
    given = {option: name for option, name in asked.items() if name is not None}
    if len(set(given.values())) > 1:
        raise RgavizError(
            f"{' and '.join(f'{option} ({name})' for option, name in given.items())} ask for different formats; "
            "give one of them."
        )
    return next(iter(given.values()), "markdown")

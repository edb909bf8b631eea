"""``rgaviz table``: the results of many runs as a table for the paper."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgaviz.cli import app
from rgaviz.cli.options import Json

if TYPE_CHECKING:
    from rgaviz.tables import Row

SUFFIXES = (".tex", ".md", ".csv", ".json", ".txt")  # a checkpoint is never written over


@app.command()
def table(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or checkpoints.")],
    form: Annotated[str, typer.Option("--format", help="latex, markdown or csv.")] = "markdown",
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

    from rgaviz.atomic import atomic_write
    from rgaviz.errors import OutputError, lookup
    from rgaviz.tables import FORMATS, lay_out, paper_table, read_runs

    write = lookup(FORMATS, form, "format")
    if out is not None and out.suffix not in SUFFIXES:
        raise OutputError(f"{out} is no name for a table: {', '.join(SUFFIXES)}; choose another with -o.")
    if paper:
        paper_table(paper)  # before hundreds of checkpoints are read
    rows, notes = read_runs(runs)
    for note in notes:
        print(f"Note: {note}", file=sys.stderr)
    text = (
        json.dumps([plain(row) for row in rows], indent=1) + "\n" if as_json else write(lay_out(rows, paper))
    )
    if out is None:
        print(text, end="")
    else:
        atomic_write(out, text.encode())
        print(f"Table: {out}")


def plain(row: Row) -> dict[str, Any]:
    """A row as data."""
    errors = {
        name: {
            "mean": statistics.mean(values.values()),
            "std": statistics.stdev(values.values()) if len(values) > 1 else None,
            "by_seed": {str(seed): error for seed, error in sorted(values.items())},
        }
        for name, values in row.errors.items()
    }
    return {
        "model": row.model,
        "arch": row.arch,
        "attention": row.attention,
        "depth": row.depth,
        "epochs": row.epochs,
        "parameters": row.parameters,
        "error": errors,
    }

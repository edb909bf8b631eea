"""``rgaviz sweep``: every run of a table, what is done already left alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Training
from rgaviz.cli.options import DATA, TRAINING, DataDir, Device, Json, Pattern, out_option
from rgaviz.cli.show import cells, console, give
from rgaviz.cli.train_progress import progress
from rgaviz.errors import printable
from rgaviz.progress import is_main_process


@app.command()
@takes_groups
def sweep(
    context: typer.Context,
    recipes: Annotated[
        list[str],
        typer.Argument(help="Names of recipes, or .toml files.", autocompletion=completion.recipes),
    ],
    seeds: Annotated[str, typer.Option(help="Seeds, with commas.", rich_help_panel=TRAINING)] = "0",
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data sets, with commas.",
            show_default="the one the recipe is called after, else cifar10",
            rich_help_panel=DATA,
            autocompletion=completion.several(completion.DATASETS),
        ),
    ] = None,
    *,
    changes: Training,
    device: Device = "auto",
    data_dir: DataDir = None,
    pattern: Pattern = None,
    out: Annotated[Path, out_option("Folder; each run is in <dataset>/<recipe>/seed<N> below it.")] = Path(
        "runs/sweep"
    ),
    as_json: Json = False,
) -> None:
    """Train every recipe on every data set with every seed; what is done already is left alone.

    The same command goes on after an interruption. A run that fails is reported, the others are done.
    """
    from rgaviz.analysis import sweep
    from rgaviz.training.start import recipe_settings
    from rgaviz.training.sweep import parse_seeds

    with progress() as report:
        swept = sweep.sweep(
            {name: recipe_settings(name, **vars(changes)) for name in recipes},
            out,
            seeds=parse_seeds(seeds),
            dataset=dataset,
            device=device,
            data_dir=data_dir,
            pattern=pattern,
            command_line=context.meta[COMMAND_LINE],
            report=report,
        )
    if not is_main_process():
        return
    if as_json:
        print(json.dumps(swept.to_dict(), indent=1))
    elif swept.networks:
        show(swept.networks, out, report.headlines, report.part)
    if swept.failures:
        raise typer.Exit(1)


def show(rows: Sequence[dict[str, Any]], out: Path, headlines: Mapping[str, Any], part: str) -> None:
    """The last row of every network, measured on that part of its data set."""
    from rich.table import Table

    titles = [f"{part} {measure.label}" for measure in headlines.values()]
    table = Table("data set", "recipe", "seed", "network", *titles, title=printable(f"Written to {out}"))
    for row in rows:
        measured = ((measure, row.get(f"test_{key}")) for key, measure in headlines.items())
        values = ("" if value is None else measure.number(value) for measure, value in measured)
        table.add_row(*cells([row["dataset"], row["recipe"], str(row["seed"]), row["network"], *values]))
    console().print(table)
    give(f"A table with means over the seeds: {shlex.join(['rgaviz', 'table', str(out)])}")

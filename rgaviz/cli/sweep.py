"""``rgaviz sweep``: every run of a table, what is done already left alone."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from rgaviz.cli import COMMAND_LINE, app
from rgaviz.cli.options import (
    Attentions,
    Compile,
    DataDir,
    Device,
    Epochs,
    Json,
    Precision,
    Settings,
)
from rgaviz.cli.progress import is_main_process

if TYPE_CHECKING:
    from rgaviz.training.config import Recipe


class Run(NamedTuple):
    """One training of a sweep, in a folder of its own."""

    dataset: str
    recipe: str
    settings: Recipe
    seed: int
    out: Path


@app.command()
def sweep(
    context: typer.Context,
    recipes: Annotated[list[str], typer.Argument(help="Names of recipes, or .toml files.")],
    seeds: Annotated[str, typer.Option(help="Seeds, with commas.")] = "0",
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data sets, with commas.  [default: the recipe's name if it is one, else cifar10]",
            show_default=False,
        ),
    ] = None,
    attention: Attentions = None,
    setting: Settings = None,
    epochs: Epochs = None,
    precision: Precision = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder; each run is in <dataset>/<recipe>/seed<N> below it.")
    ] = Path("runs/sweep"),
    compile_: Compile = False,
    as_json: Json = False,
) -> None:
    """Train every recipe on every data set with every seed; what is done already is left alone.

    The same command goes on after an interruption. A run that fails is reported, the others are done.
    """
    from rgaviz.cli.train import recipe_settings

    changes = {
        "attention": attention,
        "setting": setting,
        "epochs": epochs,
        "precision": precision,
        "compile_": compile_,
    }
    # All are checked before one is run.
    settings = {name: recipe_settings(name, **changes) for name in recipes}
    runs = list(planned(settings, parse_seeds(seeds), dataset, out))
    rows, failures = train_all(runs, device, data_dir, context.meta[COMMAND_LINE])
    if not is_main_process():
        return
    if as_json:
        print(json.dumps({"out": str(out), "networks": rows, "failures": failures}, indent=1))
    elif rows:
        show(rows, out)
    if failures:
        raise typer.Exit(1)


def parse_seeds(text: str) -> list[int]:
    """``"0,1,2"`` as numbers.

    Raises:
        RgavizError: not whole numbers from 0 on.
    """
    from rgaviz.errors import RgavizError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) < 2**32 for word in words):
        raise RgavizError(f"--seeds {text} are not whole numbers; give them with commas: --seeds 0,1,2")
    return list(dict.fromkeys(int(word) for word in words))


def planned(
    settings: dict[str, Recipe], seeds: Sequence[int], dataset: str | None, out: Path
) -> Iterator[Run]:
    """Every run: seeds outermost, so that an unfinished sweep has whole rows with fewer seeds.

    Raises:
        RgavizError: no such data set, or two recipes that would share a folder.
    """
    from rgaviz.data import DATASETS
    from rgaviz.errors import RgavizError, lookup

    stems = {name: Path(name).stem if name.endswith(".toml") else name for name in settings}
    for name, stem in stems.items():
        if list(stems.values()).count(stem) > 1:
            raise RgavizError(
                f"Two recipes are called {stem}; rename {name}, their runs would share a folder."
            )
    for seed in seeds:
        for name, stem in stems.items():
            own = stem if stem in DATASETS else "cifar10"
            for each in dict.fromkeys(word.strip() for word in (dataset or own).split(",")):
                lookup(DATASETS, each, "dataset")
                yield Run(each, stem, settings[name], seed, out / each / stem / f"seed{seed}")


def train_all(
    runs: Sequence[Run], device: str, data_dir: Path | None, command_line: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """Last rows of all networks, and a line for each run that failed."""
    from rgaviz.cli.train import progress, run_training
    from rgaviz.data import load_dataset
    from rgaviz.errors import RgavizError

    load = functools.lru_cache(maxsize=2)(load_dataset)  # runs share the images
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    with progress() as report:
        for number, run in enumerate(runs, start=1):
            title = f"{run.dataset}, {run.recipe}, seed {run.seed}"
            report.say(f"[{number} of {len(runs)}] {title}")
            try:
                trained, _ = run_training(
                    run.dataset,
                    run.settings,
                    report=report,
                    again=command_line,
                    seed=run.seed,
                    device=device,
                    data_dir=own_folder(data_dir, run.dataset),
                    out=run.out,
                    resume=True,
                    command_line=command_line,
                    load=load,
                )
            except RgavizError as error:
                report.say(f"Error: {title}: {error}")
                failures.append(f"{title}: {error}")
                continue
            where = {"dataset": run.dataset, "recipe": run.recipe, "seed": run.seed}
            rows += [{**where, **row} for row in trained]
    return rows, failures


def own_folder(data_dir: Path | None, dataset: str) -> Path | None:
    """The folder of one data set: below ``--data-dir`` by its name, else that itself."""
    if data_dir is not None and (data_dir / dataset).is_dir():
        return data_dir / dataset
    return data_dir


def show(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """The last row of every network."""
    from rich.console import Console
    from rich.table import Table

    table = Table("data set", "recipe", "seed", "network", "test error (%)", title=f"Written to {out}")
    for row in rows:
        table.add_row(
            row["dataset"], row["recipe"], str(row["seed"]), row["network"], f"{row['test_error']:.2f}"
        )
    Console().print(table)
    print(f"A table with means over the seeds: rgaviz table {out}")

"""``rgaviz train``: a baseline and an attention network, alike in all else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.option_groups import Training
from rgaviz.cli.options import OUTPUT, TRAINING, DataDir, Device, Json, Pattern, flag, out_option
from rgaviz.cli.train_progress import progress
from rgaviz.progress import is_main_process


@app.command()
@takes_groups
def train(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(
            help="shapes (generated), cifar10, folder (your images), ...: rgaviz list datasets",
            autocompletion=completion.one(completion.DATASETS),
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Name or .toml file: rgaviz list recipes",
            show_default="the data set's",
            rich_help_panel=TRAINING,
            autocompletion=completion.recipes,
        ),
    ] = None,
    *,
    changes: Training,
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=2**32 - 1, help="Of weights, order and augmentation.", rich_help_panel=TRAINING
        ),
    ] = 0,
    device: Device = "auto",
    data_dir: DataDir = None,
    pattern: Pattern = None,
    out: Annotated[
        Path | None,
        out_option("Folder.", show_default="runs/<dataset>-<arch>"),
    ] = None,
    resume: Annotated[
        bool, flag("--resume", help="Go on where the run in --out stopped.", panel=OUTPUT)
    ] = False,
    overwrite: Annotated[
        bool, flag("--overwrite", help="Replace the earlier run in --out.", panel=OUTPUT)
    ] = False,
    tensorboard: Annotated[
        bool, flag("--tensorboard", help="Also log to OUT/tensorboard.", panel=OUTPUT)
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a baseline and an attention network: the same seed, initial backbone and order of the data.

    Writes OUT/baseline.pt and OUT/rga.pt (saved as it goes on), OUT/metrics.csv and OUT/curves.png.
    """
    from rgaviz.analysis import train
    from rgaviz.training.start import recipe_settings, usual_recipe

    settings = recipe_settings(recipe or usual_recipe(dataset), **vars(changes))
    with progress() as report:
        trained = train.train(
            dataset,
            settings,
            out,
            seed=seed,
            device=device,
            data_dir=data_dir,
            pattern=pattern,
            resume=resume,
            overwrite=overwrite,
            tensorboard=tensorboard,
            command_line=context.meta[COMMAND_LINE],
            again=resume_command(context.meta[COMMAND_LINE]),
            report=report,
        )
    if not is_main_process():
        return
    if as_json:
        print(json.dumps(trained.to_dict(), indent=1))
    else:
        report.table(trained.networks, trained.out)


def resume_command(command_line: str) -> str:
    """The command that goes on where this one stopped."""
    again = command_line if "--resume" in command_line.split() else f"{command_line} --resume"
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return f"{again}  (under the same torchrun)" if several else again

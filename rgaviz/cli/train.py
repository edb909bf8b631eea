"""``rgaviz train``: a baseline and an attention network, alike in all else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli.app import COMMAND_LINE, app
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
from rgaviz.cli.train_progress import progress
from rgaviz.progress import is_main_process


@app.command()
def train(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(help="cifar10, cifar100, shapes (generated), or folder (your images).")
    ],
    attention: Attentions = None,
    recipe: Annotated[str | None, typer.Option(help="Name or .toml file; by default the data set's.")] = None,
    setting: Settings = None,
    epochs: Epochs = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of weights, order and augmentation.")] = 0,
    precision: Precision = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; by default runs/<dataset>-<arch>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the earlier run in --out.")] = False,
    compile_: Compile = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also log to OUT/tensorboard.")] = False,
    as_json: Json = False,
) -> None:
    """Train a baseline and an attention network: the same seed, initial backbone and order of the data.

    Writes OUT/baseline.pt and OUT/rga.pt (saved as it goes on), OUT/metrics.csv and OUT/curves.png.
    """
    from rgaviz.analysis.curves import write_curves
    from rgaviz.training.start import recipe_settings, run_training

    settings = recipe_settings(
        recipe or dataset,
        attention=attention,
        setting=setting,
        epochs=epochs,
        precision=precision,
        compile_=compile_,
    )
    with progress() as report:
        rows, folder = run_training(
            dataset,
            settings,
            seed=seed,
            device=device,
            data_dir=data_dir,
            out=out,
            resume=resume,
            overwrite=overwrite,
            tensorboard=tensorboard,
            command_line=context.meta[COMMAND_LINE],
            again=resume_command(context.meta[COMMAND_LINE]),
            report=report,
        )
    if not is_main_process():
        return
    write_curves(folder)
    if as_json:
        print(json.dumps({"out": str(folder), "networks": rows}, indent=1))
    else:
        report.table(rows, folder)


def resume_command(command_line: str) -> str:
    """The command that goes on where this one stopped."""
    again = command_line if "--resume" in command_line.split() else f"{command_line} --resume"
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return f"{again}  (under the same torchrun)" if several else again

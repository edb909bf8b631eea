"""``rgaviz train``: a baseline and an attention network, alike in all else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    check_attentions,
)
from rgaviz.cli.progress import is_main_process

if TYPE_CHECKING:
    from rgaviz.data import Dataset
    from rgaviz.training.config import Recipe
    from rgaviz.training.loop import Step


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

    Writes OUT/baseline.pt and OUT/rga.pt after every epoch, OUT/metrics.csv and OUT/curves.png.
    """
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
    if as_json:
        print(json.dumps({"out": str(folder), "networks": rows}, indent=1))
    else:
        report.table(rows, folder)


def recipe_settings(
    name: str,
    *,
    attention: str | None = None,
    setting: Sequence[str] | None = None,
    epochs: int | None = None,
    precision: str | None = None,
    compile_: bool = False,
) -> Recipe:
    """A recipe with what the options change; its attentions exist and differ.

    Raises:
        RgavizError: no such recipe, key or attention, or an attention named twice.
    """
    from dataclasses import replace

    from rgaviz.training.config import load_recipe

    overrides = list(setting or [])
    overrides += [f"train.precision={precision}"] if precision else []
    overrides += ["train.compile=true"] if compile_ else []
    recipe = load_recipe(name, overrides, epochs=epochs)
    if attention is not None:
        names = tuple(each.strip() for each in attention.split(","))
        recipe = replace(recipe, model=replace(recipe.model, attention=names))
    check_attentions(recipe.model.attention)
    return recipe


def run_training(
    dataset: str,
    recipe: Recipe,
    *,
    report: Any,
    again: str,
    seed: int = 0,
    device: str = "auto",
    data_dir: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    tensorboard: bool = False,
    command_line: str = "",
    load: Callable[..., Dataset] | None = None,
) -> tuple[list[dict[str, Any]], Path]:
    """Check everything that is cheap to check, then train; returns the last rows and the folder.

    Args:
        dataset: a key of ``DATASETS``.
        recipe: from :func:`recipe_settings`.
        report: from :func:`progress`.
        again: the command that goes on with this one, told when it is stopped.
        seed: of weights, order and augmentation.
        device: auto, cpu, cuda or mps.
        data_dir: where the images are.
        out: folder; by default ``runs/<dataset>-<arch>``.
        resume: go on where the run in ``out`` stopped.
        overwrite: replace the run in ``out``.
        tensorboard: also log for TensorBoard.
        command_line: recorded in the checkpoints.
        load: in place of ``load_dataset``, where the images are there already.
    """
    from accelerate import PartialState

    from rgaviz.data import DATASETS, load_dataset
    from rgaviz.devices import choose_device
    from rgaviz.errors import lookup
    from rgaviz.training.loop import Interrupted, refuse_earlier_run
    from rgaviz.training.loop import train as train_networks

    lookup(DATASETS, dataset, "dataset")
    attentions = recipe.model.attention
    chosen = choose_device(device)
    folder = out or Path("runs") / f"{dataset}-{recipe.model.arch}"
    if is_main_process():
        if not (resume or overwrite):
            refuse_earlier_run(folder, attentions)  # before the images are loaded
        if tensorboard:
            report.log_to(folder / "tensorboard")
    # The others wait for the main process, which downloads.
    with PartialState(cpu=chosen.type == "cpu").main_process_first():
        images = (load or load_dataset)(
            dataset,
            data_dir=data_dir,
            image_size=(recipe.data.image_size[0], recipe.data.image_size[1]),
            train_size=recipe.data.train_size,
            test_size=recipe.data.test_size,
            held_out=recipe.data.held_out,
            track=report.track,
        )
    try:
        rows = train_networks(
            images,
            recipe,
            attentions,
            folder,
            device=chosen,
            seed=seed,
            resume=resume,
            overwrite=overwrite,
            settings={"command": command_line},
            report=report,
        )
    except KeyboardInterrupt as error:
        lost = "nothing" if isinstance(error, Interrupted) else "at most the current epoch"
        report.say(f"Stopped; {lost} is lost. Go on with:\n  {again}")
        raise
    if is_main_process():
        write_curves(folder)
    return rows, folder


def resume_command(command_line: str) -> str:
    """The command that goes on where this one stopped."""
    again = command_line if "--resume" in command_line.split() else f"{command_line} --resume"
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return f"{again}  (under the same torchrun)" if several else again


def write_curves(folder: Path) -> None:
    """Loss and error over the epochs, from metrics.csv."""
    import csv

    from rgaviz.figures.curves import draw_curves
    from rgaviz.figures.style import FigureOptions, save_figure

    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    options = FigureOptions(formats=("png",))
    save_figure(draw_curves(rows, options), folder / "curves", options)


class Progress:
    """Shows a training on the terminal: a bar while it runs, a line per epoch."""

    def __init__(self, bar: Any) -> None:
        self.bar, self.task, self.writer = bar, None, None

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.bar.console.print(text, highlight=False, soft_wrap=True)

    def track(self, items: Any, *, total: int, description: str) -> Iterator[Any]:
        """A loop with a bar of its own."""
        task = self.bar.add_task(description, total=total, figures="")
        for item in items:
            yield item
            self.bar.advance(task)
        self.bar.remove_task(task)

    def log_to(self, folder: Path) -> None:
        """Also write to TensorBoard."""
        from rgaviz.errors import RgavizError

        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise RgavizError('TensorBoard is not installed: pip install "rgaviz[tensorboard]"') from None
        self.writer = SummaryWriter(folder)

    def start(self, network: str, epoch: int, epochs: int) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
        if epoch == epochs:
            self.say(f"{network}: done already")
        elif epoch:
            self.say(f"{network}: goes on after epoch {epoch} of {epochs}")
        self.task = self.bar.add_task(network, total=epochs, completed=epoch, figures="")

    def step(self, step: Step) -> None:
        figures = (
            f"epoch {step.epoch + 1}/{step.epochs}  step {step.step}/{step.steps}  loss {step.loss:.3f}  "
            f"accuracy {step.accuracy:.1f}%  {step.images_per_second:.0f} images/s"
        )
        self.bar.update(self.task, completed=step.epoch + step.step / step.steps, figures=figures)

    def epoch(self, row: dict[str, Any]) -> None:
        self.say(
            f"{row['network']}: epoch {row['epoch']}, train loss {row['train_loss']:.3f}, test error "
            f"{row['test_error']:.2f}%, {row['images_per_second']:.0f} images/s"
        )
        if self.writer is not None:
            for name in ("train_loss", "train_error", "test_loss", "test_error"):
                self.writer.add_scalar(f"{row['network']}/{name}", row[name], row["epoch"])
            self.writer.flush()

    def table(self, rows: list[dict[str, Any]], folder: Path) -> None:
        """The outcome."""
        from rich.console import Console
        from rich.table import Table

        table = Table(
            "network", "test error (%)", "test loss", "train error (%)", title=f"Written to {folder}"
        )
        for row in rows:
            figures = (f"{row[name]:.2f}" for name in ("test_error", "test_loss", "train_error"))
            table.add_row(row["network"], *figures)
        Console().print(table)


@contextmanager
def progress() -> Iterator[Progress]:
    """A live bar on standard error, on the main process."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, quiet=not is_main_process())
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:  # a log has its lines alone
        yield Progress(bar)

"""``rgaviz train``: a baseline and an attention network, alike in all else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgaviz.cli import COMMAND_LINE, app
from rgaviz.cli.options import DataDir, Device, Json
from rgaviz.cli.progress import is_main_process

if TYPE_CHECKING:
    from rgaviz.training.loop import Step


@app.command()
def train(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(help="cifar10, cifar100, shapes (generated), or folder (your images).")
    ],
    attention: Annotated[
        str, typer.Option(help="Networks to train, by attention; 'none' is the baseline.")
    ] = "none,rga-sc",
    recipe: Annotated[str | None, typer.Option(help="Name or .toml file; by default the data set's.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: --set train.lr=0.1")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs; the schedule is scaled to them.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of weights, order and augmentation.")] = 0,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; by default runs/<dataset>-<arch>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the earlier run in --out.")] = False,
    compile_: Annotated[
        bool, typer.Option("--compile", help="Use torch.compile (pays off on a GPU).")
    ] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also log to OUT/tensorboard.")] = False,
    as_json: Json = False,
) -> None:
    """Train a baseline and an attention network: the same seed, initial backbone and order of the data.

    Writes OUT/baseline.pt and OUT/rga.pt after every epoch, OUT/metrics.csv and OUT/curves.png.
    """
    overrides = list(setting or [])
    overrides += [f"train.precision={precision}"] if precision else []
    overrides += ["train.compile=true"] if compile_ else []
    with progress() as report:
        rows, folder = run_training(
            dataset,
            [name.strip() for name in attention.split(",")],
            recipe=recipe,
            overrides=overrides,
            epochs=epochs,
            seed=seed,
            device=device,
            data_dir=data_dir,
            out=out,
            resume=resume,
            overwrite=overwrite,
            tensorboard=tensorboard,
            command_line=context.meta[COMMAND_LINE],
            report=report,
        )
    if not is_main_process():
        return
    if as_json:
        print(json.dumps({"out": str(folder), "networks": rows}, indent=1))
    else:
        report.table(rows, folder)


def run_training(
    dataset: str,
    attentions: list[str],
    *,
    report: Any,
    recipe: str | None = None,
    overrides: Sequence[str] = (),
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    data_dir: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    tensorboard: bool = False,
    command_line: str = "",
) -> tuple[list[dict[str, Any]], Path]:
    """Check everything that is cheap to check, then train; returns the last rows and the folder."""
    from accelerate import PartialState

    from rgaviz.attention import ATTENTIONS
    from rgaviz.data import DATASETS, load_dataset
    from rgaviz.devices import choose_device
    from rgaviz.errors import RgavizError, lookup
    from rgaviz.training.config import load_recipe
    from rgaviz.training.loop import Interrupted
    from rgaviz.training.loop import train as train_networks

    lookup(DATASETS, dataset, "dataset")
    for name in attentions:
        lookup(ATTENTIONS, name, "attention")
    if len(set(attentions)) < len(attentions):
        raise RgavizError(
            f"--attention {','.join(attentions)} names one twice; both would write the same file."
        )
    settings = load_recipe(recipe or dataset, overrides, epochs=epochs)
    chosen = choose_device(device)
    folder = out or Path("runs") / f"{dataset}-{settings.model.arch}"
    if tensorboard and is_main_process():
        report.log_to(folder / "tensorboard")
    # The others wait for the main process, which downloads.
    with PartialState(cpu=chosen.type == "cpu").main_process_first():
        images = load_dataset(
            dataset,
            data_dir=data_dir,
            image_size=(settings.data.image_size[0], settings.data.image_size[1]),
            train_size=settings.data.train_size,
            test_size=settings.data.test_size,
            held_out=settings.data.held_out,
            track=report.track,
        )
    try:
        rows = train_networks(
            images,
            settings,
            attentions,
            folder,
            device=chosen,
            seed=seed,
            resume=resume,
            overwrite=overwrite,
            settings={"command": command_line, "attention": attentions},
            report=report,
        )
    except KeyboardInterrupt as error:
        lost = "nothing" if isinstance(error, Interrupted) else "at most the current epoch"
        report.say(f"Stopped; {lost} is lost. Go on with:\n  {resume_command(command_line)}")
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

"""A training on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.cli.show import is_main_process

if TYPE_CHECKING:
    from rgaviz.training.report import Step


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

"""A training on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.cli.show import cells, console
from rgaviz.errors import printable, shortened
from rgaviz.progress import is_main_process

if TYPE_CHECKING:
    from rgaviz.tasks import Measure, Task
    from rgaviz.training.report import Step


class Progress:
    """Shows a training on the terminal: a bar while it runs, a line per epoch."""

    def __init__(self, bar: Any) -> None:
        self.bar, self.bar_task = bar, None
        self.networks: list[str] = []  # of this training,
        self.before = 0  # and the epochs of those that are done
        self.measures: dict[str, Measure] = {}  # by key, of all networks so far, each one's headline first
        self.part = "test"  # of a data set, which is measured
        self.headlines: dict[str, Measure] = {}  # those of them that stand in a table

    def say(self, text: str) -> None:
        """A line above the bar; what is to be typed stands in one of its own."""
        line, *typed = text.split("\n")
        text = "\n".join([shortened(line), *cells(typed)])
        self.bar.console.print(text, highlight=False, soft_wrap=True)

    def track(self, items: Any, *, total: int, description: str) -> Iterator[Any]:
        """A loop with a bar of its own."""
        task = self.bar.add_task(description, total=total, figures="")
        for item in items:
            yield item
            self.bar.advance(task)
        self.bar.remove_task(task)

    def plan(self, networks: Sequence[str], epochs: int) -> None:
        self.networks = list(networks)

    def start(self, network: str, epoch: int, epochs: int, task: Task) -> None:
        from rgaviz.tasks.task import measured_part  # who trains has loaded it

        self.part = measured_part(task)
        self.measures |= {each.key: each for each in task.measures}
        self.headlines |= {each.key: each for each in task.measures if each.key in task.tabulated}
        if self.bar_task is not None:
            self.bar.remove_task(self.bar_task)
        if epoch == epochs:
            self.say(f"{network}: done already")
        elif epoch:
            self.say(f"{network}: goes on after epoch {epoch} of {epochs}")
        # One bar for all networks, so that its time is that of the whole run.
        known = network in self.networks
        self.before = self.networks.index(network) * epochs if known else 0
        total = len(self.networks) * epochs if known else epochs
        self.bar_task = self.bar.add_task(network, total=total, completed=self.before + epoch, figures="")

    def step(self, step: Step) -> None:
        means = "  ".join(f"{self.title(key)} {self.text(key, value)}" for key, value in step.means.items())
        figures = (
            f"epoch {step.epoch + 1}/{step.epochs}  step {step.step}/{step.steps}  {means}  "
            f"{step.images_per_second:.0f} images/s"
        )
        self.bar.update(
            self.bar_task, completed=self.before + step.epoch + step.step / step.steps, figures=figures
        )

    def epoch(self, row: dict[str, Any]) -> None:
        told = [f"train loss {row['train_loss']:.3f}"]
        told += [
            f"{self.part} {self.title(key)} {self.text(key, row[f'test_{key}'])}"
            for key in self.headlines
            if f"test_{key}" in row
        ]
        self.say(
            f"{row['network']}: epoch {row['epoch']}, {', '.join(told)}, {row['images_per_second']:.0f} images/s"
        )

    def title(self, key: str) -> str:
        """What a number of the training is called."""
        return self.measures[key].title if key in self.measures else key

    def text(self, key: str, value: float) -> str:
        """Such a number with its unit."""
        return self.measures[key].text(value) if key in self.measures else f"{value:.3f}"

    def number(self, column: str, value: float) -> str:
        """A value of a column ``test_<key>`` or ``train_<key>`` without its unit."""
        return self.measures[column.partition("_")[2]].number(value)

    def table(self, rows: list[dict[str, Any]], folder: Path) -> None:
        """The outcome: all that was measured, and the headlines on the training images."""
        from rich.table import Table

        columns = {f"test_{key}": f"{self.part} {each.label}" for key, each in self.measures.items()}
        columns |= {f"train_{key}": f"train {each.label}" for key, each in self.headlines.items()}
        columns = {key: title for key, title in columns.items() if any(key in row for row in rows)}
        table = Table("network", *columns.values(), title=printable(f"Written to {folder}"))
        for row in rows:
            table.add_row(
                row["network"], *(self.number(key, row[key]) if key in row else "" for key in columns)
            )
        console().print(table)


@contextmanager
def progress() -> Iterator[Progress]:
    """A live bar on standard error, on the main process."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        TextColumn("{task.fields[figures]}", markup=False),
        TimeRemainingColumn(),
    )
    err = console(stderr=True, quiet=not is_main_process())
    bar = Bar(*columns, console=err, disable=not err.is_terminal)
    with bar if err.is_terminal else nullcontext():  # a log has its lines alone
        yield Progress(bar)

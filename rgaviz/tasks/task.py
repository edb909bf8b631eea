"""The contract of a task: all that differs between networks for different purposes.

Training, evaluating, explaining and tabulating know no class and no ranking; they ask the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rgaviz.data.batches import evaluation_batches
from rgaviz.data.splits import Split
from rgaviz.errors import RgavizError, kind_of
from rgaviz.explain.targets import Target
from rgaviz.progress import Track, silent
from rgaviz.tasks.answers import Confidence, Evaluation, Measure, Told

LABEL = "label"  # the target that is what each picture shows
BATCH = 512  # images measured at once

# The images of a part by its name, such as "train" or "test", for the device; read when asked for.
Parts = Callable[[str], Split]


def _alone(value: Tensor) -> Tensor:
    return value


@dataclass(frozen=True)
class How:
    """Where and how a network is measured.

    Attributes:
        classes: names of the classes.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        device: the network's.
        precision: to multiply in; bfloat16 means autocast.
        batch_size: images at once.
        rank: of this process.
        processes: number of processes.
        sum: over all processes, on the CPU.
        track: wraps the loop, for a progress bar.
        title: of the progress bar.
    """

    classes: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]
    device: torch.device
    precision: torch.dtype = torch.float32
    batch_size: int = BATCH
    rank: int = 0
    processes: int = 1
    sum: Callable[[Tensor], Tensor] = _alone
    track: Track = silent
    title: str = ""

    def batches(self, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's share of the images, (b, 3, H, W) normalised, and labels (b, ...), on the split's device."""
        batches = evaluation_batches(
            split,
            batch_size=self.batch_size,
            mean=self.mean,
            std=self.std,
            rank=self.rank,
            processes=self.processes,
        )
        count = -(-len(split) // (self.batch_size * self.processes))
        yield from self.track(batches, total=count, description=self.title)

    def autocast(self) -> torch.autocast:
        """The block in which the network computes."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)


class Task(Protocol):
    """What a network is for.

    Attributes:
        name: a key of ``TASKS``, written into checkpoints.
        heads: the heads of networks that it trains, the usual one first.
        measures: what is measured, the headline first.
        tabulated: keys of those that stand in a table of networks, the headline first.
        targets: words that ``--target`` takes for any network of the task, the usual one first; none where a target
            must be named. Written out, for the shell's completion reads the source.
        settings: keys of a recipe's ``[train]`` that are for the task, of those in ``OF_TASKS``.
        tested: the parts of a data set that :meth:`evaluate` measures on.
        afterwards: a part of a data set on which the headline is measured too, once, when a training ends; "" for none.
        drawn: the table of an evaluation that is drawn; "" of none.
        open_set: whether it may be measured on a data set of other classes than the network was trained on.
        foreign: whether networks of other libraries serve, of which no more is known than ``model(images)``.
        choices: of how it measures, which :meth:`measuring` takes.
        dense: whether a network says what every pixel is, in ``Told.labels``.
    """

    name: str
    heads: tuple[str, ...]
    measures: tuple[Measure, ...]
    tabulated: tuple[str, ...]
    targets: tuple[str, ...]
    settings: tuple[str, ...]
    tested: tuple[str, ...]
    afterwards: str
    drawn: str
    open_set: bool
    foreign: bool
    choices: tuple[str, ...]
    dense: bool

    def measuring(self, **choices: Any) -> Task:
        """The task, measuring in another way than the usual one.

        Raises:
            RgavizError: there is no such choice, or it cannot have that value.
        """
        ...

    def together(self, config: Any) -> int:
        """How many images that follow each other in a batch must not be parted among processes, or computed apart.

        Args:
            config: the recipe's ``[train]``.
        """
        ...

    def check(self, split: Split, classes: Sequence[str]) -> None:
        """Refuse labels that are not of this task.

        Args:
            split: a part of a data set.
            classes: of the data set; what they name is the task's affair.

        Raises:
            RgavizError: they are not.
        """
        ...

    def order(self, split: Split, config: Any, draw: torch.Generator) -> list[Tensor]:
        """The batches of an epoch, indices (batch_size,) each, the last one perhaps fewer.

        Args:
            split: the images to learn from.
            config: the recipe's ``[train]``.
            draw: what to draw from.
        """
        ...

    def outputs(self, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        """All that the loss needs of a network, in one pass over images (b, 3, H, W); runs compiled, under autocast."""
        ...

    def counted(self, targets: Tensor, config: Any) -> int | Tensor:
        """How much some images count in the mean of a whole batch, of which they are a part or a process's share.

        Args:
            targets: labels (b, ...).
            config: the recipe's ``[train]``.

        Returns:
            Their number; or a tensor () of what is known of the labels alone, such as how many pixels have one.
        """
        ...

    def loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: Any) -> dict[str, Tensor]:
        """``loss``, a mean over what is :meth:`counted`, and what else is to be told, summed over the images.

        Sums, for a count of images is exact in float32, and its mean is not.

        Args:
            outputs: of :meth:`outputs`, float32.
            targets: labels (b, ...).
            config: the recipe's ``[train]``.
        """
        ...

    def evaluate(self, model: nn.Module, parts: Parts, how: How) -> Evaluation:
        """Measure a network, which is left in eval mode."""
        ...

    def input_size(self, picture: tuple[int, int], image_size: tuple[int, int]) -> tuple[int, int]:
        """(H, W) at which a network sees a user's picture.

        Args:
            picture: (h, w) of the picture.
            image_size: (H, W) that the network was trained on.
        """
        ...

    def scored(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        """What a target scores: images (B, 3, H, W) -> output (B, ...)."""
        ...

    def target(self, text: str, names: Sequence[str], answer: Callable[[str], Tensor]) -> Target:
        """What ``--target`` names.

        Args:
            text: as typed.
            names: of the network's classes.
            answer: a picture's path -> the network's output (1, ...) for it, where a target is a picture.

        Raises:
            UnknownNameError: no such target.
        """
        ...

    def labelled(self, truth: Sequence[str | None], names: Sequence[str]) -> Target:
        """The target ``label``: what each of some pictures shows, the same for every network.

        Args:
            truth: of the pictures, None where that is not known.
            names: of the network's classes.

        Raises:
            RgavizError: not known, or nothing that a map could be about.
        """
        ...

    def confidence(self, target: Target, output: Tensor) -> Confidence:
        """How far a network holds to what it says, for measuring whether a map shows what it goes by.

        Args:
            target: of one score of one picture, settled.
            output: (1, ...) of :meth:`scored` for the picture as it is.

        Raises:
            RgavizError: the target's score is no confidence.
        """
        ...

    def scores(self, text: str, names: Sequence[str]) -> Sequence[str]:
        """What each score of the target is called that ``text`` names, as titles have it; known before any picture is.

        Args:
            text: as typed; it need not be checked, :meth:`target` does that.
            names: of the network's classes.
        """
        ...

    def truth(self, text: str, names: Sequence[str], *, folder: bool = False) -> None:
        """Refuse a text that does not say what a picture shows.

        Args:
            text: as typed behind ``--label``, or the name of the picture's folder.
            names: of the network's classes.
            folder: whether it is the latter, which often means nothing.

        Raises:
            RgavizError: it does not.
        """
        ...

    def told(self, output: Tensor, names: Sequence[str], truth: Sequence[str | None]) -> list[Told]:
        """What a network says of each picture.

        Args:
            output: (B, ...) of :meth:`scored`.
            names: of the network's classes.
            truth: what each picture shows, None where that is not known; of several networks in a figure some may
                say nothing to it, for :meth:`truth` of one is enough.
        """
        ...


def headline(task: Task) -> Measure:
    """The measure that stands for a network where there is room for one."""
    return task.measures[0]


def measured_part(task: Task) -> str:
    """What the images are called that are measured: the one part of a data set, else ``test``."""
    return task.tested[0] if len(task.tested) == 1 else "test"


def in_tables(task: Task) -> tuple[Measure, ...]:
    """The measures that stand for a network in a table, the headline first."""
    return tuple(each for each in task.measures if each.key in task.tabulated)


def afterwards(task: Task) -> Measure | None:
    """The headline on the part of a data set that is measured once a training ends, by its name in files."""
    first = headline(task)
    if not task.afterwards:
        return None
    return first._replace(key=f"{task.afterwards}_{first.key}", title=f"{first.title} on {task.afterwards}")


def asked(task: Task, target: str | None) -> str:
    """The target as typed, else the task's usual one.

    Raises:
        RgavizError: none was typed and the task has no usual one.
    """
    if target is None and not task.targets:
        raise RgavizError(f"A map of a network for {task.name} needs a target; name one with --target.")
    if not isinstance(target, str | None):
        raise RgavizError(
            f"A target is one text, not {kind_of(target)}; give one such as {[*task.targets, '0'][0]!r}."
        )
    return task.targets[0] if target is None else target

"""What the networks of one command share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgaviz.data.splits import Dataset
from rgaviz.tasks import Task
from rgaviz.training.config import Recipe
from rgaviz.training.processes import Processes
from rgaviz.training.report import Report
from rgaviz.training.signals import Stopped


@dataclass(frozen=True)
class Plan:
    """What the networks of one command share.

    Attributes:
        processes: who computes.
        dataset: the images.
        task: what the networks are for.
        recipe: all settings.
        out: folder for checkpoints.
        seed: of weights, order and augmentation.
        settings: more to record in the checkpoints.
        report: who listens.
        stopped: true once it was told to stop.
        check_every: steps between looks at the loss and at the clock.
        clock: seconds, from any moment on.
    """

    processes: Processes
    dataset: Dataset
    task: Task
    recipe: Recipe
    out: Path
    seed: int
    settings: dict[str, Any]
    report: Report
    stopped: Stopped
    check_every: int
    clock: Callable[[], float]

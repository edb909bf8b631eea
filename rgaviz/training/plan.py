"""What the networks of one command share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

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

    def keeps(self, epoch: int) -> bool:
        """Whether this process keeps a checkpoint of an epoch, counted from 1."""
        every = self.recipe.train.keep_every
        return bool(every) and epoch % every == 0 and self.processes.writes

    def recorded(self, recipe: Recipe, precision: torch.dtype) -> dict[str, Any]:
        """What a checkpoint says of its training: the recipe of its network, and what is computed in."""
        return {
            "dataset": self.dataset.name,
            "source": self.dataset.source,
            "recipe": recipe.to_dict(),
            "precision": "bf16" if precision == torch.bfloat16 else "fp32",
            "processes": self.processes.count,
            **self.dataset.of_labels,
            **self.settings,
        }

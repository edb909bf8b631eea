"""A batch in parts: what each counts in the mean over all of them, in all processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rgaviz.tasks import Task
from rgaviz.training.config import TrainConfig
from rgaviz.training.processes import Processes


def part_weights(
    task: Task, parts: Sequence[Tensor], config: TrainConfig, processes: Processes
) -> list[float | Tensor]:
    """By how much the mean loss of each part of this process's batch counts in that of the whole.

    Gradients are means over the processes. So where each has as many pixels with a label, say, as any other its weights
    sum to 1, and one that has more of them has a larger sum.

    Args:
        task: says what is counted.
        parts: labels (b, ...) of each.
        config: the recipe's ``[train]``.
        processes: those that share the batch.
    """
    counts = [task.counted(own, config) for own in parts]
    total: Any = sum(counts)
    if not isinstance(total, Tensor):  # of images, of which all processes have as many
        return [count / total for count in counts]
    if processes.count > 1:
        total = processes.sum(total).to(total.device) / processes.count
    return [count / total.clamp(min=torch.finfo(total.dtype).tiny) for count in counts]

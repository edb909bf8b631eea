"""What a training measures of its network between two epochs."""

from __future__ import annotations

import torch
from torch import nn

from rgaviz.data.splits import Dataset
from rgaviz.tasks import How, Task
from rgaviz.tasks.task import Parts, afterwards, headline
from rgaviz.training.processes import Processes


def figures(
    task: Task,
    model: nn.Module,
    dataset: Dataset,
    parts: Parts,
    processes: Processes,
    precision: torch.dtype,
    *,
    last: bool,
) -> dict[str, float]:
    """Figures of a network by their names in files, such as ``test_error``.

    Args:
        task: measures.
        model: the network, which is left in eval mode.
        dataset: says what its classes are.
        parts: of the data set, on the device.
        processes: those that share the images.
        precision: to multiply in.
        last: whether the training ends, so that the headline is measured where the task wants it afterwards, too.
    """
    how = How(
        dataset.classes,
        dataset.mean,
        dataset.std,
        processes.device,
        precision,
        rank=processes.rank,
        processes=processes.count,
        sum=processes.sum,
    )
    found = {f"test_{key}": value for key, value in task.evaluate(model, parts, how).figures.items()}
    if last and (measure := afterwards(task)):
        other = task.measuring(part=task.afterwards).evaluate(model, parts, how)
        found[measure.key] = other.figures[headline(task).key]
    return found

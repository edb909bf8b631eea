"""What networks are for, by name."""

from __future__ import annotations

from rgaviz.tasks.answers import Confidence, Evaluation, Line, Measure, Table, Told
from rgaviz.tasks.classification import Classification
from rgaviz.tasks.reid import ReIdentification
from rgaviz.tasks.segmentation import Segmentation
from rgaviz.tasks.task import How, Task

__all__ = ["TASKS", "Confidence", "Evaluation", "How", "Line", "Measure", "Table", "Task", "Told"]

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), ReIdentification(), Segmentation())}

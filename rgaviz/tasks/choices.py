"""Choices of how a network is measured, before it says what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rgaviz.errors import RgavizError, unknown_name
from rgaviz.tasks.task import Task


def check_choices(tasks: Iterable[Task], choices: Mapping[str, Any]) -> None:
    """Refuse choices of a measurement that none of some tasks can have: before networks are read.

    Raises:
        RgavizError: as :meth:`Task.measuring` of one that has choices of these names.
    """
    known = dict.fromkeys(name for task in tasks for name in task.choices)
    for name in choices:
        if name not in known:
            raise unknown_name(name, known, "choice of a measurement")
    fault = None
    for task in (each for each in tasks if choices.keys() <= set(each.choices)):
        try:
            task.measuring(**choices)
            return
        except RgavizError as error:
            fault = error
    raise fault or RgavizError(f"{' and '.join(choices)} are choices of several tasks; give those of one.")

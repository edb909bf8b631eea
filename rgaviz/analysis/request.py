"""What to explain, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from rgaviz import __version__
from rgaviz.analysis.subject import Subject, naming
from rgaviz.data.intensities import Window
from rgaviz.errors import lookup
from rgaviz.explain.making import USUAL, Making
from rgaviz.explain.methods import METHODS
from rgaviz.results.manifest import MapRef
from rgaviz.tasks import Told
from rgaviz.tasks.task import asked


@dataclass(frozen=True)
class Column:
    """A column of panels.

    Attributes:
        title: above it.
        kind: of its panels.
        map: which of a picture's maps; the picture itself has none.
        minus: what a difference subtracts.
    """

    title: str
    kind: Literal["picture", "map", "difference", "bars", "labels", "errors"] = "picture"
    map: MapRef | None = None
    minus: MapRef | None = None


INPUT_COLUMN = Column("input")


def cam_names(method: str, scores: Sequence[str]) -> list[str]:
    """Names of a method's maps, fit for files: the method's own, or one for each of several scores it tells apart."""
    if len(scores) == 1 or lookup(METHODS, method, "CAM method").classless:
        return [method]
    keys = [re.sub(r"[^\w-]", "", score) for score in scores]
    alike = len({key.lower() for key in keys} - {""}) < len(keys)
    return [f"{method}/{place if alike else key}" for place, key in enumerate(keys, start=1)]


def cam_scores(subject: Subject, target: str | None) -> Sequence[str]:
    """What each score is called of a target as typed, or of a network's usual one."""
    task = subject.checkpoint.task
    with naming(subject):
        return task.scores(asked(task, target), subject.checkpoint.classes)


@dataclass(frozen=True)
class Request:
    """What to explain.

    Attributes:
        command: decides the figure: ``masks``, ``cam``, ``compare`` or ``histogram``.
        subjects: the checkpoints.
        columns: the panels of a row, the picture first.
        methods: of ``METHODS``.
        target: what the maps are about, as typed; None is what is usual for each network's task.
        making: how the maps are made.
        boxes: the quantile above which a box is drawn around a map; None for no boxes.
        labels: what the pictures show, where the user said it: one for all, or one each.
        truth: the folder with the true labels of every pixel; None where they lie beside the pictures, if anywhere.
        picked: in words how the pictures were chosen, where they were.
        window: of grey pictures of more than 8 bits, if there are any.
        notes: what a reader must know of all that, told before the pictures are read.
        options: of the figure, recorded for drawing it again.
        command_line: as typed.
    """

    command: str
    subjects: Sequence[Subject]
    columns: Sequence[Column]
    methods: Sequence[str] = ()
    target: str | None = None
    making: Making = USUAL
    boxes: float | None = None
    labels: Sequence[str] = ()
    truth: Path | None = None
    window: Window | None = None
    picked: str = ""
    notes: Sequence[str] = ()
    options: dict[str, Any] = field(default_factory=dict)
    command_line: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes:
        told: picture -> checkpoint id -> what the network says of it.
        failures: one line for each picture that was left out.
        notes: what a reader must know of the others.
        boxes: picture -> ``checkpoint/map`` -> left, top, right and bottom in pixels of the picture, where asked for.
    """

    told: dict[str, dict[str, Told]]
    failures: list[str]
    notes: list[str] = field(default_factory=list)
    boxes: dict[str, dict[str, list[int]]] = field(default_factory=dict)


def versions() -> dict[str, str]:
    """The libraries that numbers come from, as a manifest has them."""
    return {"rgaviz": __version__, "torch": str(torch.__version__), "numpy": np.__version__}

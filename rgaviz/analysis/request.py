"""What to explain, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from rgaviz import __version__
from rgaviz.analysis.subject import Subject
from rgaviz.results.manifest import MapRef
from rgaviz.tasks import Told


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
    kind: Literal["picture", "map", "difference", "bars"] = "picture"
    map: MapRef | None = None
    minus: MapRef | None = None


INPUT_COLUMN = Column("input")


def cam_names(method: str, target: str, classes: int) -> list[str]:
    """Names of a method's maps: one, or one for each of the five most probable classes."""
    return [f"{method}/top{n + 1}" for n in range(min(5, classes))] if target == "top5" else [method]


@dataclass(frozen=True)
class Request:
    """What to explain.

    Attributes:
        command: decides the figure: ``masks``, ``cam``, ``compare`` or ``histogram``.
        subjects: the checkpoints.
        columns: the panels of a row, the picture first.
        methods: of ``METHODS``.
        target: a class name or index, ``top1`` or ``top5``.
        labels: what the pictures show, where the user said it: one for all, or one each.
        options: of the figure, recorded for drawing it again.
        command_line: as typed.
    """

    command: str
    subjects: Sequence[Subject]
    columns: Sequence[Column]
    methods: Sequence[str] = ()
    target: str = "top1"
    labels: Sequence[str] = ()
    options: dict[str, Any] = field(default_factory=dict)
    command_line: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes:
        told: picture -> checkpoint id -> what the network says of it.
        failures: one line for each picture that was left out.
    """

    told: dict[str, dict[str, Told]]
    failures: list[str]


def versions() -> dict[str, str]:
    """The libraries that numbers come from, as a manifest has them."""
    return {"rgaviz": __version__, "torch": str(torch.__version__), "numpy": np.__version__}

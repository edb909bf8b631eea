"""Class activation maps by any method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rgaviz.analysis.request import INPUT_COLUMN, Request
from rgaviz.analysis.subject import Subject, with_cam
from rgaviz.errors import unknown_name
from rgaviz.explain.methods import METHODS


def cam_columns(subject: Subject, methods: Sequence[str], target: str) -> list[dict[str, Any]]:
    """A panel for every method and target."""
    columns = []
    for method in methods:
        for place, name in enumerate(cam_names(method, target, len(subject.checkpoint.classes)), start=1):
            which = f", top {place}" if target == "top5" else ""
            title = f"{subject.id} {METHODS[method].title} ({subject.cam_layer}{which})"
            columns.append(
                {"kind": "map", "title": title, "checkpoint": subject.id, "map": name, "group": "cam"}
            )
    return columns


def cam_names(method: str, target: str, classes: int) -> list[str]:
    """Names of a method's maps: one, or one for each of the five most probable classes."""
    return [f"{method}/top{n + 1}" for n in range(min(5, classes))] if target == "top5" else [method]


def parse_methods(text: str) -> list[str]:
    """``"gradcam,layercam"`` or ``"all"`` as a list.

    Raises:
        UnknownNameError: no such method.
    """
    names = list(METHODS) if text == "all" else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in METHODS:
            raise unknown_name(name, METHODS, "CAM method")
    return list(dict.fromkeys(names))


def cam_request(
    subjects: Sequence[Subject],
    methods: Sequence[str] = ("gradcam",),
    target: str = "top1",
    layer: str | None = None,
) -> Request:
    """Class activation maps of every network, as ``rgaviz cam`` draws them."""
    shown = [with_cam(subject, layer) for subject in subjects]
    columns = [column for subject in shown for column in cam_columns(subject, methods, target)]
    return Request("cam", shown, [INPUT_COLUMN, *columns], methods=methods, target=target)

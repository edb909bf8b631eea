"""Class activation maps by any method."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rgaviz.analysis.answer import Answer, answer
from rgaviz.analysis.pixels import dense_ones, label_column
from rgaviz.analysis.request import INPUT_COLUMN, Column, Request, cam_names, cam_scores
from rgaviz.analysis.settings import LabelledSettings
from rgaviz.analysis.subject import Subject, naming, with_cam
from rgaviz.errors import RgavizError, lookup, words
from rgaviz.explain.making import USUAL, Making
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import ClassTarget
from rgaviz.results.manifest import MapRef
from rgaviz.tasks.task import LABEL

if TYPE_CHECKING:
    from rgaviz.analysis.given import Layer, Networks, Pictures

EVERY = "all"  # in place of a method: those that the target can have


def cam(
    checkpoints: Networks = (),
    pictures: Pictures = (),
    out: Path | str | None = None,
    *,
    methods: str | Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: Layer = None,
    making: Making = USUAL,
    boxes: float | None = None,
    **settings: Unpack[LabelledSettings],
) -> Answer:
    """Draw class activation maps, as ``rgaviz cam`` does.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; by default the newest attention network under
            ``runs/``, else the bundled one.
        pictures: files, folders or patterns; by default the bundled photographs.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-cam/``.
        methods: of ``rgaviz.explain.methods.METHODS``; a text as ``--method`` takes it.
        target: what the maps are about. For classifiers a class, by name or number; ``top1``, each network's own
            prediction; or ``top5``. By default what is usual for each network's task, here ``top1``.
        layer: a stage, a dotted module name or a module of the network; by default the last stage, or the last map;
            ``"conv4+conv5"`` both.
        making: how the maps are made: smoothed, or with their sign.
        boxes: draw the box around each map above this quantile of it.
        settings: of :class:`rgaviz.analysis.settings.LabelledSettings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    ask = partial(
        cam_request, methods=chosen_methods(methods), target=target, layer=layer, making=making, boxes=boxes
    )
    return answer(ask, "cam", checkpoints, pictures, out, **settings)


def cam_columns(
    subject: Subject, methods: Sequence[str], target: str | None, making: Making = USUAL
) -> list[Column]:
    """A panel for every method and score of the target.

    Raises:
        RgavizError: no such method, or no target where none is usual.
    """
    columns = []
    for method in methods:
        scores = cam_scores(subject, target)
        called = lookup(METHODS, method, "CAM method").title
        names = cam_names(method, scores)
        for score, name in zip(scores, names, strict=False):
            which = f", {score}" if len(names) > 1 else ""
            how = "".join(f", {word}" for word in making.words)
            title = f"{subject.id} {called} ({subject.cam_layer}{how}{which})"
            columns.append(Column(title, "map", cam_ref(subject, name, making)))
    return columns


def method_notes(methods: Sequence[str]) -> list[str]:
    """What must be known of the maps of some methods."""
    classless = [name for name in methods if METHODS[name].classless]
    arbitrary = [name for name in methods if METHODS[name].arbitrary_sign]
    notes = []
    if classless:
        notes.append(
            f"{', '.join(classless)}: about no class, so one map for each picture whatever the target."
        )
    if arbitrary:
        notes.append(
            f"{', '.join(arbitrary)}: the sign is arbitrary, so a map may show what another leaves out; do not compare "
            "networks by it."
        )
    return notes


def cam_ref(subject: Subject, name: str, making: Making = USUAL) -> MapRef:
    """A class activation map of a network."""
    return MapRef(checkpoint=subject.id, name=name, group="signed" if making.signed else "cam")


def chosen_methods(methods: str | Sequence[str]) -> list[str]:
    """Methods as a list, of a text as :func:`parse_methods` reads it.

    Raises:
        RgavizError: no such method, or no names at all.
    """
    return parse_methods(methods) if isinstance(methods, str) else words(methods, "Methods", "gradcam")


def parse_methods(text: str) -> list[str]:
    """``"gradcam,layercam"`` as a list, and ``"all"`` as it is: see :func:`possible_methods`.

    Raises:
        UnknownNameError: no such method.
    """
    if text == EVERY:
        return [EVERY]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        lookup(METHODS, name, "CAM method")
    return list(dict.fromkeys(names))


def possible_methods(
    methods: Sequence[str], subjects: Sequence[Subject], target: str | None
) -> tuple[list[str], list[str]]:
    """The methods, in place of ``all`` those that the networks' targets can have, and a note of the others.

    Raises:
        RgavizError: no such target, or none where none is usual.
    """
    if EVERY not in methods:
        return list(methods), []
    if all(_of_classes(subject, target) for subject in subjects):
        return list(METHODS), []
    out = [name for name, method in METHODS.items() if method.classes]
    kept = [name for name in METHODS if name not in out]
    return kept, [
        f"{', '.join(out)}: left out of all methods, for the target is no class to compare with others."
    ]


def _of_classes(subject: Subject, target: str | None) -> bool:
    """Whether maps are about classes of whole pictures; a class that each picture is said to show is one."""
    if target == LABEL:
        return True
    with naming(subject):
        return isinstance(subject.checkpoint.target(target), ClassTarget)


def checked_making(methods: Sequence[str], making: Making, boxes: float | None) -> dict[str, Any]:
    """How maps are made, for a request.

    Raises:
        RgavizError: methods that cannot be made so, or no quantile.
    """
    making.check(methods)
    if boxes is not None and not 0 <= boxes < 1:
        raise RgavizError(f"--quantile {boxes} is out of range: choose 0 to below 1, such as 0.8.")
    return {"making": making, "boxes": boxes}


def cam_request(
    subjects: Sequence[Subject],
    methods: Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: Layer = None,
    making: Making = USUAL,
    boxes: float | None = None,
) -> Request:
    """Class activation maps of every network, as ``rgaviz cam`` draws them; before them their labels of pixels."""
    shown = [with_cam(subject, layer) for subject in subjects]
    methods, left_out = possible_methods(methods, shown, target)
    columns = [*map(label_column, dense_ones(shown))]
    columns += [column for subject in shown for column in cam_columns(subject, methods, target, making)]
    how = checked_making(methods, making, boxes)
    notes = [*left_out, *method_notes(methods)]
    return Request("cam", shown, [INPUT_COLUMN, *columns], methods=methods, target=target, notes=notes, **how)

"""Networks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from rgaviz.analysis.answer import Answer, answer
from rgaviz.analysis.cam import (
    EVERY,
    cam_columns,
    cam_ref,
    checked_making,
    chosen_methods,
    method_notes,
    possible_methods,
)
from rgaviz.analysis.masks import mask_columns
from rgaviz.analysis.pixels import dense_ones, error_column, judged_ones, label_column, truth_column
from rgaviz.analysis.request import INPUT_COLUMN, Column, Request, cam_names, cam_scores
from rgaviz.analysis.settings import LabelledSettings
from rgaviz.analysis.subject import Subject, one_task, with_cam, with_masks
from rgaviz.errors import RgavizError
from rgaviz.explain.making import USUAL, Making
from rgaviz.explain.methods import METHODS
from rgaviz.progress import Say, hush
from rgaviz.tasks import TASKS
from rgaviz.tasks.task import LABEL

if TYPE_CHECKING:
    from rgaviz.analysis.given import Networks, Pictures


def compare(
    checkpoints: Networks = (),
    pictures: Pictures = (),
    out: Path | str | None = None,
    *,
    methods: str | Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: str | None = None,
    mask_layer: str | None = None,
    diff: bool = False,
    truth: Path | str | None = None,
    making: Making = USUAL,
    boxes: float | None = None,
    **settings: Unpack[LabelledSettings],
) -> Answer:
    """Draw networks side by side, as ``rgaviz compare`` does.

    Args:
        checkpoints: at least two, files, ``torchvision:NAME`` or ``timm:NAME``; by default the bundled pair.
        pictures: files, folders or patterns; by default the bundled photographs.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-compare/``.
        methods: of ``rgaviz.explain.methods.METHODS``; a text as ``--method`` takes it.
        target: what the maps are about, as :func:`rgaviz.analysis.cam.cam` takes it.
        layer: of the class activation maps: a stage or a dotted module name; by default the last stage, or the last
            map.
        mask_layer: of the spatial masks; by default the deepest with attention.
        diff: also each network's maps minus the first one's.
        truth: of networks that label pixels, the folder with the true labels, PNGs by the names of the pictures; by
            default they are looked for where data sets have them, in ``labels`` beside ``images``, say.
        making: how the maps are made: smoothed, or with their sign.
        boxes: draw the box around each map above this quantile of it.
        settings: of :class:`rgaviz.analysis.settings.LabelledSettings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    methods = chosen_methods(methods)
    ask = partial(
        compare_request,
        methods=methods,
        target=target,
        layer=layer,
        mask_layer=mask_layer,
        diff=diff,
        truth=None if truth is None else Path(truth),
        making=making,
        boxes=boxes,
    )
    found = answer(ask, "compare", checkpoints, pictures, out, networks=2, **settings)
    chosen = {word for task in TASKS.values() for word in task.targets} - {
        LABEL
    }  # by each network for itself
    of_classes = any(name == EVERY or not METHODS[name].classless for name in methods)
    if diff and of_classes and (target is None or target in chosen):
        tell_mixed_differences(found, settings.get("say", hush))
    return found


def tell_mixed_differences(found: Answer, say: Say) -> None:
    """Say where a difference is one of maps about different classes, each network's own prediction."""
    answers = [{each.says for each in told.values()} for told in found.told.values()]
    if mixed := sum(len(each) > 1 for each in answers):
        say(
            f"Note: for {mixed} of {len(answers)} pictures the networks predict different classes, so --diff subtracts "
            "maps about different classes there; name one class with --target."
        )


def labels_and_errors(subjects: Sequence[Subject]) -> list[Column]:
    """Of networks that label pixels: the truth, what each says, then where those that can be judged by it are wrong."""
    dense = dense_ones(subjects)
    if not dense:
        return []
    return [truth_column(subjects), *map(label_column, dense), *map(error_column, judged_ones(subjects))]


def layer_notes(subjects: Sequence[Subject]) -> list[str]:
    """On which side of their masks networks with attention, and those they are compared with, are looked at."""
    if all(subject.cam_place == "no mask" for subject in subjects):
        return []
    taken = ", ".join(f"{each.id} at {each.cam_layer} ({each.cam_place})" for each in subjects)
    return [f"CAMs are taken of {taken}."]


def difference_columns(
    subjects: Sequence[Subject], methods: Sequence[str], target: str | None, making: Making = USUAL
) -> list[Column]:
    """For every other network its maps minus the first one's."""
    first, *others = subjects
    columns = []
    for other in others:
        for method in methods:
            own, firsts = (cam_names(method, cam_scores(each, target)) for each in (other, first))
            for name in (each for each in own if each in firsts):
                title = f"{other.id} − {first.id} ({METHODS[method].title})"
                refs = cam_ref(other, name, making), cam_ref(first, name, making)
                columns.append(Column(title, "difference", *refs))
    return columns


def compare_request(
    subjects: Sequence[Subject],
    methods: Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: str | None = None,
    mask_layer: str | None = None,
    *,
    diff: bool = False,
    truth: Path | None = None,
    making: Making = USUAL,
    boxes: float | None = None,
) -> Request:
    """Maps of all networks, then their spatial masks, as ``rgaviz compare`` draws them; before them labels of pixels.

    Args:
        subjects: at least two networks.
        methods: of ``METHODS``, or ``all``.
        target: what the maps are about, as typed; None is what is usual for each network's task.
        layer: of the class activation maps.
        mask_layer: of the masks.
        diff: also each network's maps minus the first one's.
        truth: the folder with the true labels of pixels.
        making: how the maps are made.
        boxes: the quantile above which a box is drawn around a map.

    Raises:
        RgavizError: no such layer, or masks asked for where no network has one over positions.
    """
    one_task(subjects, "whose maps are about different things; compare those of one task.")
    shown = [with_masks(with_cam(subject, layer), mask_layer) for subject in subjects]
    methods, left_out = possible_methods(methods, shown, target)
    how = checked_making(methods, making, boxes)
    masks = [column for subject in shown for column in mask_columns(subject, ("spatial",))]
    if mask_layer and not masks:
        raise RgavizError(
            f"--mask-layer {mask_layer}: none of these networks has a spatial mask there; leave it out, or add one "
            "that has."
        )
    columns = [*labels_and_errors(shown)]
    columns += [column for subject in shown for column in cam_columns(subject, methods, target, making)]
    columns += difference_columns(shown, methods, target, making) if diff else []
    columns += masks
    notes = [*layer_notes(shown), *left_out, *method_notes(methods)]
    return Request(
        "compare",
        shown,
        [INPUT_COLUMN, *columns],
        methods=methods,
        target=target,
        truth=truth,
        notes=notes,
        **how,
    )

"""Networks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rgaviz.analysis.cam import cam_columns, cam_names
from rgaviz.analysis.masks import mask_columns
from rgaviz.analysis.request import INPUT_COLUMN, Request
from rgaviz.analysis.subject import Subject, with_cam, with_masks
from rgaviz.errors import RgavizError
from rgaviz.explain.methods import METHODS


def difference_columns(
    subjects: Sequence[Subject], methods: Sequence[str], target: str
) -> list[dict[str, Any]]:
    """For every other network its maps minus the first one's."""
    first, *others = subjects
    columns = []
    for other in others:
        for method in methods:
            classes = min(len(each.checkpoint.classes) for each in (first, other))
            for name in cam_names(method, target, classes):
                columns.append(
                    {
                        "kind": "difference",
                        "title": f"{other.id} − {first.id} ({METHODS[method].title})",
                        "group": "difference",
                        "checkpoint": other.id,
                        "map": name,
                        "minus": {"checkpoint": first.id, "map": name},
                    }
                )
    return columns


def compare_request(
    subjects: Sequence[Subject],
    methods: Sequence[str] = ("gradcam",),
    target: str = "top1",
    layer: str | None = None,
    mask_layer: str | None = None,
    *,
    diff: bool = False,
) -> Request:
    """Maps of all networks, then their spatial masks, as ``rgaviz compare`` draws them.

    Args:
        subjects: at least two networks.
        methods: of ``METHODS``.
        target: a class name or index, ``top1`` or ``top5``.
        layer: of the class activation maps.
        mask_layer: of the masks.
        diff: also each network's maps minus the first one's.

    Raises:
        RgavizError: no such layer, or masks asked for where no network has one over positions.
    """
    shown = [with_masks(with_cam(subject, layer), mask_layer) for subject in subjects]
    masks = [column for subject in shown for column in mask_columns(subject, ("spatial",))]
    if mask_layer and not masks:
        raise RgavizError(
            f"--mask-layer {mask_layer}: none of these networks has a spatial mask there; leave it out, or add one "
            "that has."
        )
    columns = [column for subject in shown for column in cam_columns(subject, methods, target)]
    columns += difference_columns(shown, methods, target) if diff else []
    columns += masks
    return Request("compare", shown, [INPUT_COLUMN, *columns], methods=methods, target=target)

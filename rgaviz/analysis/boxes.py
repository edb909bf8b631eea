"""Boxes around what maps show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rgaviz.analysis.request import Request
from rgaviz.data.pictures import MAX_SHOWN
from rgaviz.explain.making import box_above
from rgaviz.results.manifest import Box

Boxes = dict[str, Box]  # "checkpoint/map" -> its box


def boxes_of(request: Request, maps: Mapping[str, np.ndarray], size: Sequence[int]) -> Boxes:
    """The boxes of a picture's class activation maps, if they are asked for; none of a map without evidence.

    Args:
        request: what to explain.
        maps: the picture's, by ``"checkpoint/name"``.
        size: (H, W) of the picture.
    """
    if request.boxes is None:
        return {}
    scale = min(1.0, MAX_SHOWN / max(size))  # a box is no finer than its map, and a picture may be very large
    height, width = (max(1, round(side * scale)) for side in size)
    refs = [column.map for column in request.columns if column.kind == "map" and column.map]
    found: Boxes = {}
    for key in (f"{ref.checkpoint}/{ref.name}" for ref in refs if ref.group in ("cam", "signed")):
        box = box_above(maps[key], (height, width), request.boxes) if key in maps else None
        if box is not None:
            left, top, right, bottom = box
            found[key] = Box(left=left / width, top=top / height, right=right / width, bottom=bottom / height)
    return found


def pixels_of(boxes: Boxes, size: Sequence[int]) -> dict[str, list[int]]:
    """Boxes as left, top, right and bottom in pixels of a picture (H, W), the last two exclusive."""
    height, width = size
    return {
        key: [
            round(box.left * width),
            round(box.top * height),
            round(box.right * width),
            round(box.bottom * height),
        ]
        for key, box in boxes.items()
    }

"""How well a map outlines a region at every threshold: the pixels above it, and the boxes around these.

Weakly supervised object localisation after Choe et al., Evaluating Weakly Supervised Object Localization Methods Right,
CVPR 2020 (MaxBoxAcc), and Evaluation for Weakly Supervised Object Localization, TPAMI 2022 (MaxBoxAccV2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rgaviz.explain.localisation import VALUES

THRESHOLDS = np.arange(100) / 100  # of a map whose values go from 0 to 1
DELTAS = (0.3, 0.5, 0.7)  # the IoU from which on a box is right
NONE = -1  # in place of a number of deltas
AROUND_ALL = 8  # pixels that touch at a corner belong together


@dataclass(frozen=True)
class Overlaps:
    """Of each of B maps, R regions and T thresholds, (B, R, T).

    Nothing is said of a map without evidence (zero everywhere, or not finite), nor of a region that is not there; nor
    of boxes where a region has none.

    Attributes:
        iou: intersection over union of the pixels at and above the threshold with the region, float32; NaN where
            nothing is said.
        largest: how many of ``DELTAS`` the box around the largest connected part reaches by its IoU with the true box
            that fits it best, int8; ``NONE`` where nothing is said.
        best: likewise of the box that fits best among those around all connected parts.
    """

    iou: np.ndarray
    largest: np.ndarray
    best: np.ndarray


@dataclass(frozen=True)
class Outline:
    """What a map shows at every threshold, whatever it is compared with.

    Attributes:
        levels: (H, W) uint8, the place of the highest threshold that each pixel reaches.
        boxes: for each threshold those of the connected parts (c, 4), that of the largest first: left, top, right and
            bottom in pixels, the last two exclusive.
    """

    levels: np.ndarray
    boxes: Sequence[np.ndarray]


def outline(values: np.ndarray) -> Outline | None:
    """A map at the size at which it is compared, (H, W); None of one without evidence.

    Negative values count as 0, then the map is scaled to go from 0 to 1; one that is the same everywhere is 1.
    """
    flat = np.maximum(values, 0.0)
    if not np.isfinite(values).all() or not flat.max() > 0:
        return None
    low, high = flat.min(), flat.max()
    scaled = (flat - low) / (high - low) if high > low else np.ones_like(flat)
    levels = (np.searchsorted(THRESHOLDS, scaled, side="right") - 1).astype(np.uint8)  # (H, W)
    there = np.bincount(levels.ravel(), minlength=len(THRESHOLDS)) > 0
    boxes: list[np.ndarray] = []
    for level in range(len(THRESHOLDS)):
        same = level > 0 and not there[level - 1]  # no pixel has gone since
        boxes.append(boxes[-1] if same else connected_boxes(levels >= level))
    return Outline(levels, boxes)


def connected_boxes(shown: np.ndarray) -> np.ndarray:
    """The boxes (c, 4) around the connected parts of what is shown (H, W) bool, that of the most pixels first."""
    image = shown.view(np.uint8)
    contours, hierarchy = cv2.findContours(image, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [each for each, (_, _, _, parent) in zip(contours, hierarchy[0], strict=True) if parent < 0]
    found = np.array([cv2.boundingRect(each) for each in outer])  # (c, 4): left, top, width, height
    if len(outer) > 1:
        parts = np.asarray(cv2.connectedComponents(image, connectivity=AROUND_ALL)[1], np.int64)
        sizes = np.bincount(parts.ravel())
        own = [-sizes[parts[y, x]] for x, y in (each[0, 0].tolist() for each in outer)]
        found = found[np.argsort(own, kind="stable")]
    found[:, 2:] += found[:, :2]
    return found


def overlaps(
    outlines: Sequence[Outline | None],
    labels: np.ndarray,
    regions: Sequence[Sequence[int]],
    boxes: Sequence[np.ndarray] | None = None,
) -> Overlaps:
    """How maps outline the regions of their pictures.

    Args:
        outlines: B of maps at the size of the labels.
        labels: (B, H, W) uint8, what each pixel belongs to.
        regions: the labels of each region.
        boxes: of each region its true boxes (k, 4) in pixels of the labels, the same for all B; by default one around
            all of the region's pixels, and none of a region that holds the label 0, the background.
    """
    members = np.array([np.isin(np.arange(VALUES), region) for region in regions])  # (R, 256)
    shape = (len(outlines), len(regions), len(THRESHOLDS))
    found = Overlaps(
        np.full(shape, np.nan, np.float32), np.full(shape, NONE, np.int8), np.full(shape, NONE, np.int8)
    )
    for own, label, iou, largest, best in zip(
        outlines, labels, found.iou, found.largest, found.best, strict=True
    ):
        if own is None:
            continue
        _fill_iou(iou, own.levels, label, members)
        starts = np.cumsum([0, *map(len, own.boxes[:-1])])  # every threshold shows something
        true = true_boxes(label, members) if boxes is None else boxes
        for place, each in enumerate(true):
            if len(each):
                fits = box_iou(np.concatenate(own.boxes), each).max(axis=1)  # (c_1 + ... + c_T,)
                largest[place] = _deltas(fits[starts])
                best[place] = _deltas(np.maximum.reduceat(fits, starts))
    return found


def _fill_iou(iou: np.ndarray, levels: np.ndarray, label: np.ndarray, members: np.ndarray) -> None:
    """The IoU (R, T) of what is shown at each threshold with each region."""
    count = len(THRESHOLDS)
    pairs = levels.ravel().astype(np.int64) * VALUES + label.ravel()  # (H W,)
    table = np.bincount(pairs, minlength=count * VALUES).reshape(count, VALUES)
    shown = table[::-1].cumsum(axis=0)[::-1]  # (T, 256): pixels at and above the threshold
    inside = members @ shown.T  # (R, T)
    whole = members @ table.sum(axis=0)  # (R,)
    union = shown.sum(axis=1)[None] + whole[:, None] - inside
    there = whole > 0
    iou[there] = inside[there] / union[there]


def true_boxes(label: np.ndarray, members: np.ndarray) -> list[np.ndarray]:
    """Of each region the box around its pixels (1, 4), or none (0, 4): of the background, and where it is not there."""
    found = []
    for own in members:
        rows, columns = np.nonzero(own[label]) if not own[0] else ((), ())
        if not len(rows):
            found.append(np.empty((0, 4)))
            continue
        ends = [min(columns), min(rows), max(columns) + 1, max(rows) + 1]
        found.append(np.array([ends], np.float64))
    return found


def box_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The IoU (n, m) of boxes (n, 4) with others (m, 4), each left, top, right and bottom, the last two exclusive."""
    starts = np.maximum(boxes[:, None, :2], others[None, :, :2])
    ends = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    both = np.maximum(ends - starts, 0).prod(axis=2)  # (n, m)
    sizes = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, others)]
    return both / (sizes[0][:, None] + sizes[1][None] - both)


def _deltas(fits: np.ndarray) -> np.ndarray:
    """How many of ``DELTAS`` each of these reaches."""
    return np.searchsorted(DELTAS, fits, side="right")

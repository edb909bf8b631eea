"""What is said of maps over all thresholds: curves, and each picture's numbers at the threshold best for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rgaviz.analysis.locating import Found
from rgaviz.explain.overlap import DELTAS, NONE, THRESHOLDS, Overlaps

IOU, V2 = "iou", "maxboxaccv2"
BOX = {
    f"maxboxacc{100 * delta:.0f}": number for number, delta in enumerate(DELTAS, 1)
}  # -> deltas to be reached
MEASURES = {  # -> what they are called, and by how much they are multiplied where shown
    IOU: ("IoU at the best threshold (%)", 100),
    **{name: (f"MaxBoxAcc, IoU from {DELTAS[BOX[name] - 1]} (%)", 100) for name in BOX},
    V2: ("MaxBoxAccV2 (%)", 100),
}


def at_best(found: Overlaps, place: int, measure: str) -> tuple[np.ndarray, float | None]:
    """Of a region the numbers of n maps at the threshold at which their mean is greatest, and that threshold.

    It is one threshold for all pictures; of several that are equally good the lowest. Boxes are 1 where right, else 0.
    MaxBoxAccV2 is the mean over the IoU that is asked for, each with its own threshold, so it has none.

    Args:
        found: of n maps.
        place: of the region.
        measure: a key of ``MEASURES``.

    Returns:
        (n,) float64, NaN where there is no number.
    """
    if measure == V2:
        each = [_at_best(_right(found.best[:, place], reached))[0] for reached in BOX.values()]
        return np.mean(each, axis=0), None
    values = found.iou[:, place] if measure == IOU else _right(found.largest[:, place], BOX[measure])
    return _at_best(values)


def _right(reached: np.ndarray, deltas: int) -> np.ndarray:
    """Whether boxes (n, T) reach so many deltas, as numbers; NaN where nothing is said."""
    return np.where(reached == NONE, np.nan, reached >= deltas)


def _at_best(values: np.ndarray) -> tuple[np.ndarray, float | None]:
    means = _means(values)
    if np.isnan(means).all():
        return np.full(len(values), np.nan), None
    best = int(np.nanargmax(means))
    return values[:, best].astype(np.float64), float(THRESHOLDS[best])


def _means(values: np.ndarray) -> np.ndarray:
    """Means (T,) of values (n, T) without NaN."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=0, dtype=np.float64) / known.sum(axis=0)


CURVES = ("iou", *BOX, *(f"any{name.removeprefix('max')}" for name in BOX))


def curve_rows(found: Found, parts: Sequence[str]) -> Iterator[list[Any]]:
    """Means over pictures, a row for each kind of map, part and threshold; an empty cell where there is none.

    Of boxes the share that is right: that around the largest connected part, then that which fits best among all.
    """
    yield ["network", "group", "map", "part", "threshold", *CURVES]
    for kind, own in found.overlaps.items():
        for place, part in enumerate(parts):
            curves = [
                _means(own.iou[:, place]),
                *(_means(_right(own.largest[:, place], reached)) for reached in BOX.values()),
                *(_means(_right(own.best[:, place], reached)) for reached in BOX.values()),
            ]
            for threshold, values in zip(THRESHOLDS.tolist(), np.stack(curves, axis=1).tolist(), strict=True):
                shown = [None if value != value else value for value in values]
                yield [kind.network, kind.group, kind.name, part, threshold, *shown]

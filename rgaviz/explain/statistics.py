"""What attention masks do, in numbers: of each mask its mean, entropy, dead and saturated values, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rgaviz.explain.masks import joint_means

DEAD, SATURATED = 0.05, 0.95  # a value below, above
THRESHOLD = 0.5  # a position counts as attended to above it
OF_ALL = ("mean", "deviation", "entropy", "dead", "saturated")
OF_POSITIONS = ("x", "y", "area")


@dataclass(frozen=True)
class MaskNumbers:
    """What some masks do, one of each of B pictures.

    Attributes:
        values: (B, C) or (B, h, w); of a joint mask its mean over the other axes.
        dead: likewise, the share of the mask's values there that are below 0.05: 0 or 1, but of a joint mask.
        saturated: likewise, above 0.95.
        numbers: of each mask (B,) each, NaN where it has no such number; see :func:`mask_numbers`.
    """

    values: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    numbers: dict[str, np.ndarray]

    def rows(self, chosen: np.ndarray) -> MaskNumbers:
        """Those of some of the pictures, by a boolean (B,)."""
        numbers = {name: values[chosen] for name, values in self.numbers.items()}
        return MaskNumbers(self.values[chosen], self.dead[chosen], self.saturated[chosen], numbers)


def mask_numbers(masks: Mapping[str, np.ndarray], threshold: float = THRESHOLD) -> dict[str, MaskNumbers]:
    """The numbers of a batch of masks; each picture's depend on it alone.

    Of each mask, with n values v_i, channels or positions:

    - ``mean``, and ``deviation``, the population deviation over the values;
    - ``entropy``: Shannon's of the shares p_i = v_i / sum v, -sum p_i log p_i / log n: 1 weighs all alike, 0 is a
      single channel or position; none of a mask of zeros, nor of a single value;
    - ``dead`` and ``saturated``: the share of values below 0.05, above 0.95;

    and of spatial ones

    - ``x`` and ``y``: the centre of mass, from the left and from the top, in fractions of the width and height, with
      the centres of positions at (j + 0.5) / w; none of a mask of zeros;
    - ``area``: the share of positions above the threshold.

    Of joint masks, which have a value for each channel at each position, there are the two means that
    :func:`rgaviz.explain.masks.joint_means` makes; what is dead or saturated is counted before.

    Args:
        masks: as :func:`rgaviz.explain.masks.mask_arrays` has them, by layer and kind: (B, h, w), (B, C) or
            (B, C, h, w).
        threshold: of the area.

    Returns:
        By layer and kind: ``"conv5/spatial"``, ``"conv5/channel"``, ``"conv5/joint-spatial"`` and
        ``"conv5/joint-channel"``.
    """
    found: dict[str, MaskNumbers] = {}
    for key, mask in masks.items():
        layer, _, kind = key.rpartition("/")
        mask = mask.astype(np.float64)
        three = {"values": mask, "dead": mask < DEAD, "saturated": mask > SATURATED}
        parts = {name: joint_means(each) if kind == "joint" else {kind: each} for name, each in three.items()}
        for name, values in parts["values"].items():
            dead, saturated = (parts[each][name].astype(np.float64) for each in ("dead", "saturated"))
            numbers = _numbers(values, threshold)
            numbers |= {"dead": _means(dead), "saturated": _means(saturated)}
            found[f"{layer}/{name}"] = MaskNumbers(values, dead, saturated, numbers)
    return found


def _means(values: np.ndarray) -> np.ndarray:
    """The mean of each picture's values, (B, ...) -> (B,)."""
    return values.reshape(len(values), -1).mean(1)


def _numbers(values: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
    """Those that depend on the values (B, n) or (B, h, w) alone."""
    flat = values.reshape(len(values), -1)  # (B, n)
    found = {"mean": flat.mean(1), "deviation": flat.std(1), "entropy": _entropy(flat)}
    if values.ndim == 3:
        shares = _shares(flat).reshape(values.shape)  # (B, h, w)
        height, width = values.shape[1:]
        found["x"] = (shares.sum(1) * (np.arange(width) + 0.5) / width).sum(1)
        found["y"] = (shares.sum(2) * (np.arange(height) + 0.5) / height).sum(1)
        found["area"] = (flat > threshold).mean(1)
    return found


def _shares(values: np.ndarray) -> np.ndarray:
    """Values (B, n) as shares of their sum; NaN where that is 0."""
    total = values.sum(1, keepdims=True)  # (B, 1)
    return np.divide(values, total, out=np.full_like(values, np.nan), where=total > 0)


def _entropy(values: np.ndarray) -> np.ndarray:
    if values.shape[1] < 2:
        return np.full(len(values), np.nan)
    shares = _shares(values)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logs).sum(1) / np.log(values.shape[1])

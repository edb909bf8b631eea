"""Where a map lies on what is known of a picture: its energy inside a region, its means, its maximum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from rgaviz.errors import RgavizError

VALUES = 256  # that a label may have


@dataclass(frozen=True)
class Located:
    """Of each of B maps and R regions, (B, R) float64; NaN where there is no such number.

    There is none of a map without evidence (zero everywhere, or not finite), and none of a region that a picture does
    not show, or shows alone: every map would have the same.

    Attributes:
        pixels: share of the picture's pixels; this one is always there.
        energy: share of the map's sum, by Wang et al., CVPRW 2020 (the energy-based pointing game).
        inside: mean of the map in the region.
        outside: mean of the map elsewhere.
        pointing: whether the map's maximum is in the region, by Zhang et al., ECCV 2016, without a tolerance; of
            several equal maxima the share that is.
    """

    pixels: np.ndarray
    energy: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    pointing: np.ndarray

    @property
    def contrast(self) -> np.ndarray:
        """(inside - outside) / (inside + outside), in [-1, 1], 0 where both are alike: free of a map's unit."""
        return (self.inside - self.outside) / (self.inside + self.outside)


def located(maps: np.ndarray, labels: np.ndarray, regions: Sequence[Sequence[int]]) -> Located:
    """How maps lie on regions of their pictures; each picture's numbers depend on it alone.

    Maps are brought to the labels' size as figures enlarge them, see :func:`enlarged`; then negative values count as 0.

    Args:
        maps: (B, h, w), raw.
        labels: (B, H, W) uint8, what each pixel belongs to.
        regions: the labels of each region.

    Raises:
        RgavizError: shapes or types that do not fit.
    """
    if maps.ndim != 3 or labels.ndim != 3 or len(maps) != len(labels) or labels.dtype != np.uint8:
        raise RgavizError(
            f"Maps {maps.shape} and labels {labels.shape} {labels.dtype} do not fit; give (B, h, w) and "
            "(B, H, W) uint8."
        )
    members = np.array([np.isin(np.arange(VALUES), region) for region in regions])  # (R, 256)
    rows = [_of_one(values[None], label, members) for values, label in zip(maps, labels, strict=True)]
    stacked = np.array(rows).reshape(len(maps), len(fields(Located)), len(regions))  # also of no maps
    return Located(*stacked.transpose(1, 0, 2))  # (B, 5, R) -> (5, B, R)


def _of_one(values: np.ndarray, label: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The numbers (5, R) of one map (1, h, w)."""
    places = label.ravel()
    count = _sums(np.bincount(places, minlength=VALUES), members)  # (R, 2)
    found = np.full((5, len(members)), np.nan)
    found[0] = count[:, 0] / places.size
    shown = count.all(axis=1)  # (R,)
    flat = np.maximum(enlarged(values, label.shape)[0], 0.0).ravel()
    if np.isfinite(values).all() and flat.max() > 0 and shown.any():
        energy = _sums(np.bincount(places, flat, VALUES), members)
        top = _sums(np.bincount(places[flat == flat.max()], minlength=VALUES), members)
        means = energy[shown] / count[shown]  # (r, 2)
        shares = (each[shown, 0] / each[shown].sum(axis=1) for each in (energy, top))
        found[1, shown], found[4, shown] = shares
        found[2:4, shown] = means.T
    return found


def _sums(by_label: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Sums (256,) by label as sums (R, 2) within and without each region."""
    return np.array([[by_label[own].sum(), by_label[~own].sum()] for own in members])


def enlarged(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Maps (B, h, w) at another size (B, H, W) float64: bilinear with half-pixel centres, as figures show them."""
    for axis, length in ((1, size[0]), (2, size[1])):
        maps = _along(maps.astype(np.float64), axis, length)
    return maps


def _along(values: np.ndarray, axis: int, length: int) -> np.ndarray:
    """One axis at another length; its ends go on as they are."""
    old = values.shape[axis]
    if old == length:
        return values
    places = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, old - 1)
    low = np.floor(places).astype(int)
    first, second = (np.take(values, index, axis) for index in (low, np.minimum(low + 1, old - 1)))
    shape = [-1 if each == axis else 1 for each in range(values.ndim)]
    return first + (second - first) * (places - low).reshape(shape)  # exact where both are equal


def gaussian(size: tuple[int, int]) -> np.ndarray:
    """A Gaussian (H, W) about the centre, whose deviation is a quarter of each side: looking ahead."""
    rows, columns = ((np.arange(side) + 0.5) / side - 0.5 for side in size)
    return np.exp(-8 * (rows[:, None] ** 2 + columns[None] ** 2))  # 8 = 1 / (2 / 4 ** 2)


# What needs no network: name -> a map (H, W) of that size. Random-CAM, which needs one, is a method.
FLOORS: dict[str, Callable[[tuple[int, int]], np.ndarray]] = {"gaussian": gaussian, "ones": np.ones}

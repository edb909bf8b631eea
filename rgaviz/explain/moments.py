"""Mean and deviation of arrays that come batch by batch, and how much of the deviation lies between classes.

Each set of values is looked at once and kept as its number, mean and sum of squared deviations (Welford, 1962), which
two sets' are merged from without loss (Chan, Golub and LeVeque, 1979): memory does not grow with the number of values,
and nothing cancels out as it does in a mean of squares less the square of a mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Moments:
    """The number of some arrays of one shape, their mean and the sum of their squared deviations from it, float64.

    Args:
        shape: of each array.
    """

    def __init__(self, shape: Sequence[int] = ()) -> None:
        self.count = 0
        self.mean = np.zeros(tuple(shape))
        self.squares = np.zeros(tuple(shape))

    def add(self, values: np.ndarray) -> None:
        """Take in a batch (b, ...), which may be empty."""
        if not len(values):
            return
        values = values.astype(np.float64)
        batch = Moments(self.mean.shape)
        batch.count = len(values)
        batch.mean = values.mean(0)
        batch.squares = ((values - batch.mean) ** 2).sum(0)
        self.merge(batch)

    def merge(self, other: Moments) -> None:
        """Take in all that the other one has."""
        count = self.count + other.count
        if not other.count:
            return
        step = other.mean - self.mean
        self.mean = self.mean + step * (other.count / count)
        self.squares = self.squares + other.squares + step**2 * (self.count * other.count / count)
        self.count = count

    @property
    def deviation(self) -> np.ndarray:
        """The population deviation; NaN of nothing."""
        return np.sqrt(self.squares / self.count) if self.count else np.full(self.mean.shape, np.nan)


def merged(parts: Iterable[Moments], shape: Sequence[int] = ()) -> Moments:
    """The moments of all that the parts have seen."""
    whole = Moments(shape)
    for part in parts:
        whole.merge(part)
    return whole


class Between(NamedTuple):
    """How much classes differ, by the one-way analysis of variance (Fisher, 1925).

    Of n values in K classes, class g with n_g of mean m_g, and the grand mean m:

    - between = sum_g n_g (m_g - m)^2, within = sum_g sum_i (x_gi - m_g)^2;
    - F = (between / (K - 1)) / (within / (n - K));
    - share = between / (between + within), the correlation ratio eta^2, from 0 to 1.

    Where classes mean nothing the share is (K - 1) / (n - 1) on average: its mean over all ways to deal the same
    values out to classes of the same sizes.

    Attributes:
        share: (...), NaN where all values are equal.
        ratio: F (...), NaN likewise, infinite where all are equal within each class alone.
        pooled: the share of the sums over all elements; NaN likewise.
        chance: what the share is on average where classes mean nothing.
        classes: K, those that were seen.
        count: n.
    """

    share: np.ndarray
    ratio: np.ndarray
    pooled: float
    chance: float
    classes: int
    count: int


def between(groups: Sequence[Moments]) -> Between | None:
    """How much the groups differ; None of fewer than two classes, or where each has a single value.

    Args:
        groups: the moments of each class, of one shape.
    """
    seen = [each for each in groups if each.count]
    count, classes = sum(each.count for each in seen), len(seen)
    if classes < 2 or count <= classes:
        return None
    grand = sum(each.count * each.mean for each in seen) / count
    across = np.asarray(sum(each.count * (each.mean - grand) ** 2 for each in seen))
    inside = np.asarray(sum(each.squares for each in seen))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = across / (across + inside)
        ratio = (across / (classes - 1)) / (inside / (count - classes))
        pooled = float(across.sum() / (across.sum() + inside.sum()))
    return Between(share, ratio, pooled, (classes - 1) / (count - 1), classes, count)

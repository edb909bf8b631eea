"""How sure a mean over pictures is, and whether two networks differ on the same pictures.

Pictures of one person are alike, and so no independent evidence: where it is known who they show, people are drawn with
all their pictures, and tests compare means of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 0
LARGEST = 2**22  # draws at once: memory stays flat with many pictures


class Interval(NamedTuple):
    """A mean with a bootstrap interval; None where there are too few values."""

    mean: float | None
    low: float | None
    high: float | None
    count: int


class Paired(NamedTuple):
    """The mean of paired differences, its interval, and the p-value that there is none."""

    difference: Interval
    p: float | None


def mean_interval(values: np.ndarray, people: np.ndarray | None = None) -> Interval:
    """The mean of values (n,) and its 95 % interval by the percentile bootstrap; NaN is left out.

    Efron and Tibshirani, 1993, chapter 13, as in SciPy, with 2000 resamples from a fixed seed: of the pictures, or, as
    Davison and Hinkley, 1997, section 3.8, of the people with all their pictures.

    Args:
        values: of pictures.
        people: who each of them shows, (n,); by default pictures are independent.
    """
    known = ~np.isnan(values)
    count = int(known.sum())
    if not count:
        return Interval(None, None, None, 0)
    mean = float(values[known].mean())
    sums, sizes = _by_person(values[known], None if people is None else people[known])
    if len(sums) < 2:
        return Interval(mean, None, None, count)
    from scipy.stats import bootstrap

    found = bootstrap(
        (sums, sizes),
        lambda sums, sizes, axis: sums.sum(axis) / sizes.sum(axis),
        paired=True,
        n_resamples=RESAMPLES,
        batch=max(1, LARGEST // len(sums)),
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), count)


def _by_person(values: np.ndarray, people: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the values and number of pictures of each person, (p,) each."""
    if people is None:
        return values, np.ones_like(values)
    _, place = np.unique(people, return_inverse=True)  # (n,)
    return np.bincount(place, values), np.bincount(place).astype(values.dtype)


def paired(
    values: np.ndarray, others: np.ndarray, people: np.ndarray | None = None, *, test: bool = True
) -> Paired:
    """How values (n,) differ from others (n,) of the same pictures, where both are known.

    The p-value is of Wilcoxon's signed-rank test, two-sided, as in SciPy, of the pictures' differences or of each
    person's mean difference; those without a difference are left out of it, and of none it is 1.

    Args:
        values: of one network.
        others: of another one.
        people: who each picture shows, (n,); by default pictures are independent.
        test: whether there is a p-value; the test wants differences that could as well have the other sign.
    """
    both = ~np.isnan(values) & ~np.isnan(others)
    differences, people = values[both] - others[both], None if people is None else people[both]
    interval = mean_interval(differences, people)
    if not len(differences) or not test:
        return Paired(interval, None)
    sums, sizes = _by_person(differences, people)
    means = sums / sizes
    if not means.any():
        return Paired(interval, 1.0)
    from scipy.stats import wilcoxon

    found = wilcoxon(means[means != 0])
    return Paired(interval, float(found.pvalue))  # pyright: ignore[reportAttributeAccessIssue]


def holm(values: Sequence[float | None]) -> list[float | None]:
    """P-values corrected for their number by Holm, 1979: the chance of any false one stays below the level.

    What is None is no test and stays so.
    """
    order = sorted((value, place) for place, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    least = 0.0
    for rank, (value, place) in enumerate(order):
        least = max(least, min(1.0, value * (len(order) - rank)))
        corrected[place] = least
    return corrected

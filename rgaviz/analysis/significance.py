"""How sure a mean over pictures is, and whether two networks differ on the same pictures."""

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


def mean_interval(values: np.ndarray) -> Interval:
    """The mean of values (n,) and its 95 % interval by the percentile bootstrap; NaN is left out.

    Efron and Tibshirani, 1993, chapter 13, as in SciPy, with 2000 resamples of the pictures from a fixed seed.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return Interval(float(known[0]) if len(known) else None, None, None, len(known))
    from scipy.stats import bootstrap

    found = bootstrap(
        (known,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, LARGEST // len(known)),
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Interval(float(known.mean()), float(found.low), float(found.high), len(known))


def paired(values: np.ndarray, others: np.ndarray, *, test: bool = True) -> Paired:
    """How values (n,) differ from others (n,) of the same pictures, where both are known.

    The p-value is of Wilcoxon's signed-rank test, two-sided, as in SciPy; pictures without a difference are left out of
    it, and of none it is 1.

    Args:
        values: of one network.
        others: of another one.
        test: whether there is a p-value; the test wants differences that could as well have the other sign.
    """
    both = ~np.isnan(values) & ~np.isnan(others)
    differences = values[both] - others[both]
    if not len(differences) or not test:
        return Paired(mean_interval(differences), None)
    if not differences.any():
        return Paired(mean_interval(differences), 1.0)
    from scipy.stats import wilcoxon

    found = wilcoxon(differences[differences != 0])
    return Paired(mean_interval(differences), float(found.pvalue))  # pyright: ignore[reportAttributeAccessIssue]


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

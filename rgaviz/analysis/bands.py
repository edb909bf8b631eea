"""How sure the means along a curve are."""

from __future__ import annotations

import numpy as np

from rgaviz.analysis.significance import CONFIDENCE, LARGEST, RESAMPLES, SEED

Band = tuple[np.ndarray, np.ndarray, np.ndarray]  # mean, low and high, (P,) each


def band(curves: np.ndarray, people: np.ndarray | None = None) -> Band | None:
    """The mean of curves (n, P) and its 95 % interval at each point; None of no curve.

    Point by point :func:`rgaviz.analysis.significance.mean_interval`, from one set of resamples: of pictures, or of
    people with all their pictures. Curves with NaN are left out; of a single picture or person low and high are NaN.

    Args:
        curves: of pictures.
        people: who each of them shows, (n,); by default pictures are independent.
    """
    known = ~np.isnan(curves).any(1)
    if not known.any():
        return None
    values = curves[known]
    mean = values.mean(0)
    sums, sizes = values, np.ones(len(values))
    if people is not None:
        _, place = np.unique(people[known], return_inverse=True)  # (n,)
        sizes = np.bincount(place).astype(np.float64)
        sums = np.zeros((len(sizes), values.shape[1]))
        np.add.at(sums, place, values)
    if len(sums) < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    rng = np.random.default_rng(SEED)
    batch = max(1, LARGEST // len(sums))
    means: list[np.ndarray] = []
    for start in range(0, RESAMPLES, batch):
        drawn = rng.integers(0, len(sums), (min(batch, RESAMPLES - start), len(sums)))
        times = np.stack([np.bincount(row, minlength=len(sums)) for row in drawn]).astype(np.float64)
        means.append(times @ sums / (times @ sizes)[:, None])
    ends = (100 * (1 - CONFIDENCE) / 2, 100 * (1 + CONFIDENCE) / 2)
    low, high = np.percentile(np.concatenate(means), ends, axis=0)
    return mean, low, high

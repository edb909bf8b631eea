"""How alike maps are, against SciPy and a slow loop of the formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from rgaviz.explain.likeness import rank_correlation, structural_similarity
from rgaviz.explain.localisation import enlarged

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(6, 5, 4), (3, 12)])
def test_rank_correlation_is_that_of_scipy(shape):
    first, second = RNG.integers(0, 6, shape).astype(np.float32), RNG.random(shape)  # with ties
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(rank_correlation(first, second), expected, atol=1e-12)
    np.testing.assert_allclose(rank_correlation(first, first), 1)
    np.testing.assert_allclose(rank_correlation(second, -second), -1)


def slow(first, second):
    """Equation 13 of Wang et al. at every place where the window is inside."""
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    found = []
    for y in range(5, first.shape[0] - 5):
        for x in range(5, first.shape[1] - 5):
            a, b = (each[y - 5 : y + 6, x - 5 : x + 6] for each in (first, second))
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            both = (weights * (a - mean_a) * (b - mean_b)).sum()
            luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
            found.append(luminance * (2 * both + 9e-4) / (var_a + var_b + 9e-4))
    return np.mean(found)


def stretched(values):
    return (values - values.min()) / (values.max() - values.min())


def test_structural_similarity_is_the_loops():
    first, second = RNG.random((3, 4, 3)) * 5, RNG.random((3, 8, 6)) - 2
    size = (20, 14)
    expected = [
        slow(enlarged(stretched(a)[None], size)[0], enlarged(stretched(b)[None], size)[0])
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(structural_similarity(first, second, size), expected, atol=1e-9)
    np.testing.assert_allclose(structural_similarity(first, 3 * first + 1, size), 1, atol=1e-9)


def test_what_says_nothing_is_like_nothing():
    maps = np.stack([np.zeros((4, 4)), np.full((4, 4), 0.5), np.full((4, 4), np.nan), np.eye(4)])
    maps[2, 0, 0] = 1
    other = np.stack([RNG.random((4, 4))] * 4)
    for values in (rank_correlation(maps, other), structural_similarity(other, maps, (12, 12))):
        assert np.isnan(values).tolist() == [True, True, True, False]
    assert np.isnan(structural_similarity(other, other, (10, 30))).all()  # smaller than the window

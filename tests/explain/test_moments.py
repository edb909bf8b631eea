"""Moments batch by batch against all values at once, and variance between classes against SciPy and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f_oneway

from rgaviz.explain.moments import Moments, between, merged

DRAW = np.random.default_rng(0)
SHAPE = (3, 4)


def moments_of(*batches, shape=SHAPE):
    found = Moments(shape)
    for batch in batches:
        found.add(batch)
    return found


def groups_of(values, labels, classes):
    return [moments_of(values[labels == each], shape=values.shape[1:]) for each in range(classes)]


@pytest.mark.parametrize("ends", [(), (1,), (1, 2, 3), (7, 7, 40), (49,)])
def test_batches_of_any_sizes_give_what_numpy_gives_of_all(ends):
    values = DRAW.random((50, *SHAPE))
    found = moments_of(*np.split(values, ends))
    assert found.count == 50
    np.testing.assert_allclose(found.mean, values.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.deviation, values.std(0), rtol=1e-12)


def test_nothing_cancels_out_far_from_zero():
    """A mean of squares less the square of the mean loses all digits here."""
    values = 1e8 + DRAW.random((1000, 1)) * 1e-2
    found = moments_of(*np.split(values, 100), shape=(1,))
    np.testing.assert_allclose(found.deviation, (values - 1e8).std(0), rtol=1e-4)


def test_merging_is_adding_in_any_order():
    values = DRAW.random((20, *SHAPE)).astype(np.float32)
    parts = [moments_of(part) for part in np.split(values, (3, 3, 11))]
    for order in (parts, parts[::-1]):
        whole = merged(order, SHAPE)
        assert whole.count == 20
        np.testing.assert_allclose(whole.mean, values.astype(np.float64).mean(0), rtol=1e-12)
        np.testing.assert_allclose(whole.deviation, values.astype(np.float64).std(0), rtol=1e-12)


def test_of_nothing_there_is_no_deviation():
    assert np.isnan(moments_of(np.zeros((0, *SHAPE))).deviation).all()
    assert moments_of(np.ones((1, *SHAPE))).deviation.max() == 0


def test_between_is_the_analysis_of_variance():
    labels = DRAW.integers(0, 3, 40)
    values = DRAW.random((40, 5)) + labels[:, None] * np.array([0.0, 0.1, 0.5, 1.0, 2.0])
    found = between(groups_of(values, labels, 3))
    assert (found.classes, found.count) == (3, 40)
    expected = f_oneway(*(values[labels == each] for each in range(3)))
    np.testing.assert_allclose(found.ratio, expected.statistic, rtol=1e-10)
    total = inside = np.zeros(5)
    for value, label in zip(values, labels, strict=True):
        total = total + (value - values.mean(0)) ** 2
        inside = inside + (value - values[labels == label].mean(0)) ** 2
    np.testing.assert_allclose(found.share, 1 - inside / total, rtol=1e-10)
    assert found.pooled == pytest.approx(1 - inside.sum() / total.sum())
    assert found.share.argsort().tolist() == found.ratio.argsort().tolist()


def test_chance_is_the_mean_share_where_classes_are_dealt_out_at_random():
    values, labels = DRAW.random((12, 1)) ** 3, np.repeat([0, 1, 2, 3], [1, 2, 4, 5])
    shares = [between(groups_of(values, DRAW.permutation(labels), 4)) for _ in range(4000)]
    error = np.std([each.share[0] for each in shares]) / np.sqrt(len(shares))
    assert shares[0].chance == 3 / 11
    assert abs(np.mean([each.share[0] for each in shares]) - 3 / 11) < 4 * error


def test_classes_that_were_not_seen_do_not_count():
    values, labels = DRAW.random((9, 2)), np.repeat([0, 3], [4, 5])
    found = between(groups_of(values, labels, 6))
    assert found.classes == 2
    np.testing.assert_allclose(found.ratio, f_oneway(values[:4], values[4:]).statistic, rtol=1e-10)


@pytest.mark.parametrize("counts", [(), (5,), (5, 0), (1, 1, 1)])
def test_too_little_to_compare(counts):
    assert between([moments_of(DRAW.random((count, *SHAPE))) for count in counts]) is None


def test_what_never_changes_has_no_share():
    values = np.stack([np.ones(8), np.repeat([0.0, 1.0], 4), DRAW.random(8)], 1)
    found = between(groups_of(values, np.repeat([0, 1], 4), 2))
    assert np.isnan(found.share[0])
    assert (found.share[1], found.ratio[1]) == (1.0, np.inf)
    assert 0 <= found.share[2] < 1

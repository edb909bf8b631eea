"""Intervals and tests against simple loops and SciPy on the raw values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from rgaviz.analysis import significance
from rgaviz.analysis.significance import Interval, holm, mean_interval, paired

NAN = float("nan")


def test_the_interval_is_that_of_a_simple_loop():
    values = np.random.default_rng(0).exponential(size=40)
    found = mean_interval(np.append(values, NAN))
    draw = np.random.default_rng(significance.SEED)
    means = []
    for _ in range(significance.RESAMPLES):
        means.append(np.mean([values[place] for place in draw.integers(0, 40, 40)]))
    assert found.count == 40
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


PEOPLE = np.array([4, 4, 4, 4, 4, 4, 7, 7, 2, 9, 9, 9, 1, 1, 3, 3, 3, 5])


def test_people_are_drawn_with_all_their_pictures():
    """Against a loop that draws people one by one and takes the mean of all their pictures."""
    values = np.random.default_rng(4).random(len(PEOPLE)) + PEOPLE
    values[[3, 8]] = NAN  # of the second one nothing is left
    known = [number for number in np.unique(PEOPLE) if number != 2]
    of_each = [[v for v, who in zip(values, PEOPLE, strict=True) if who == n and v == v] for n in known]
    draw = np.random.default_rng(significance.SEED)
    means = []
    for _ in range(significance.RESAMPLES):
        drawn = [value for place in draw.integers(0, 6, 6) for value in of_each[place]]
        means.append(np.mean(drawn))
    found = mean_interval(values, PEOPLE)
    assert found.mean == pytest.approx(np.nanmean(values))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))
    assert found.count == 16
    assert mean_interval(values[:6], PEOPLE[:6])[1:3] == (None, None)  # one person says nothing of others
    alone = mean_interval(values, np.arange(len(values)))
    assert alone == mean_interval(values)


def test_copies_of_a_picture_make_nothing_surer():
    values = np.random.default_rng(5).random(30)
    copied, people = np.repeat(values, 10), np.repeat(np.arange(30), 10)
    assert mean_interval(copied, people)[:3] == pytest.approx(mean_interval(values)[:3])
    naive = mean_interval(copied)
    assert naive.high - naive.low < 0.5 * (mean_interval(values).high - mean_interval(values).low)
    others = values + np.random.default_rng(6).normal(0.1, 0.4, 30)
    expected = paired(values, others)
    found = paired(copied, np.repeat(others, 10), people)
    assert found.p == pytest.approx(expected.p)
    assert found.difference[:3] == pytest.approx(expected.difference[:3])


def test_the_paired_test_is_of_the_means_of_people():
    rng = np.random.default_rng(7)
    ours, others = rng.random(len(PEOPLE)) + 0.2, rng.random(len(PEOPLE))
    ours[3] = NAN
    kept = [place for place in range(len(PEOPLE)) if place != 3]
    means = [np.mean([ours[k] - others[k] for k in kept if PEOPLE[k] == who]) for who in np.unique(PEOPLE)]
    assert paired(ours, others, PEOPLE).p == pytest.approx(wilcoxon(means).pvalue)


def test_the_interval_has_the_width_that_theory_says():
    values = np.random.default_rng(1).normal(size=2000)
    found = mean_interval(values)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_little_memory_gives_the_same_interval(monkeypatch):
    values = np.random.default_rng(2).random(30)
    whole = mean_interval(values)
    monkeypatch.setattr(significance, "LARGEST", 100)
    assert mean_interval(values) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Interval(None, None, None, 0)),
        ([NAN], Interval(None, None, None, 0)),
        ([0.25, NAN], Interval(0.25, None, None, 1)),
        ([0.5, 0.5, 0.5], Interval(0.5, 0.5, 0.5, 3)),
    ],
)
def test_few_or_equal_values(values, expected):
    assert mean_interval(np.array(values)) == expected


def test_the_paired_test_is_that_of_scipy_on_the_raw_values():
    rng = np.random.default_rng(3)
    ours, others = rng.random(60) + 0.05, rng.random(60)
    ours[3], others[5] = NAN, NAN
    ours[7] = others[7]
    kept = [place for place in range(60) if place not in (3, 5)]
    found = paired(ours, others)
    assert found.p == pytest.approx(wilcoxon(ours[kept], others[kept]).pvalue)
    assert found.difference == mean_interval((ours - others)[kept])
    assert found.difference.count == 58
    assert paired(ours, others, test=False) == (found.difference, None)
    assert paired(others, ours).p == pytest.approx(found.p)


@pytest.mark.parametrize(("count", "p"), [(0, None), (1, 1.0), (3, 1.0), (60, 1.0)])
def test_nothing_differs(count, p):
    values = np.linspace(0, 1, count)
    assert paired(values, values).p == p


def test_one_of_two_pictures_differs():
    assert paired(np.array([0.5, 0.25]), np.array([0.25, 0.25])).p == pytest.approx(1.0)


def test_binary_values_of_many_pictures():
    ours, others = np.array([1.0] * 30 + [0.0] * 10), np.zeros(40)
    assert paired(ours, others).p == pytest.approx(wilcoxon(ours[:30]).pvalue)


def test_holm_by_hand():
    """0.01 x 4, 0.02 x 3, 0.03 x 2 but not below the one before, 0.9 x 1."""
    assert holm([0.03, None, 0.01, 0.9, 0.02]) == [0.06, None, 0.04, 0.9, pytest.approx(0.06)]
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([None]) == [None]

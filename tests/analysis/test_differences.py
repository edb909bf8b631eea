"""Changes of measures against SciPy, all swaps counted out, and slow loops."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import binom

from rgaviz.analysis import differences
from rgaviz.analysis.differences import changes, measure_interval
from rgaviz.analysis.significance import mean_interval
from rgaviz.tasks.evidence import Evidence, of_images, of_scenes

RNG = np.random.default_rng(0)


def means(values, people=None):
    """Evidence of a plain mean, in percent."""
    parts = np.stack([values, np.ones(len(values))], 1)
    names = [str(number) for number in range(len(values))]
    return Evidence(parts, {"mean": lambda sums: 100 * sums[..., 0] / sums[..., 1]}, names, people)


@pytest.mark.parametrize("people", [None, np.repeat(np.arange(12), 5)])
def test_the_interval_of_a_mean_is_that_of_scipy(people):
    values = RNG.normal(0.3, 1, 60)
    ours, theirs = measure_interval(means(values, people), "mean"), mean_interval(values, people)
    assert ours.mean == pytest.approx(100 * theirs.mean)
    width = 100 * (theirs.high - theirs.low)
    assert ours.low == pytest.approx(100 * theirs.low, abs=0.1 * width)
    assert ours.high == pytest.approx(100 * theirs.high, abs=0.1 * width)
    assert ours.count == 60


def scenes(seed, n=7, classes=3):
    right = np.random.default_rng(seed).integers(0, 20, (n, classes))
    more = np.random.default_rng(seed + 1).integers(0, 9, (2, n, classes))
    return of_scenes(torch.tensor(np.stack([right, right + more[0], right + more[1]], 1)), ())


def miou(parts):
    """Of parts (n, 3 K), by a loop."""
    right, true, predicted = parts.sum(0).reshape(3, -1)
    shares = [r / (t + p - r) for r, t, p in zip(right, true, predicted, strict=True) if t + p > r]
    return 100 * np.mean(shares)


@pytest.mark.parametrize("seed", range(3))
def test_the_test_of_miou_is_that_of_all_swaps(seed):
    """Of 7 pictures there are 128."""
    intact, other = scenes(seed), scenes(seed + 10)
    (found,) = changes(intact, [other], "mIoU")
    observed = miou(other.parts) - miou(intact.parts)
    assert found.value == pytest.approx(miou(other.parts))
    assert found.change == pytest.approx(observed)
    larger = 0
    for swapped in product([False, True], repeat=7):
        pick = np.array(swapped)[:, None]
        sides = np.where(pick, intact.parts, other.parts), np.where(pick, other.parts, intact.parts)
        larger += abs(miou(sides[0]) - miou(sides[1])) >= abs(observed) - 1e-9
    assert found.p == pytest.approx(larger / 128, abs=0.02)


def test_the_test_of_right_and_wrong_is_mcnemars_exact_one():
    before = torch.tensor([True] * 3 + [False] * 37)
    after = torch.tensor([True] * 1 + [False] * 2 + [True] * 9 + [False] * 28)
    (found,) = changes(of_images(before, ()), [of_images(after, ())], "error")
    assert found.change == pytest.approx(100 * 7 / 40)
    assert found.p == pytest.approx(2 * binom.cdf(2, 11, 0.5), abs=0.01)


def test_people_change_together():
    """Of two people there are four swaps, and two change as much: no smaller p-value than a half."""
    before, after = means(np.zeros(40), np.repeat([3, 8], 20)), means(np.ones(40), np.repeat([3, 8], 20))
    (found,) = changes(before, [after], "mean")
    assert found.p == pytest.approx(0.5, abs=0.02)
    assert (found.low, found.high) == (100, 100)
    (alone,) = changes(means(np.zeros(40)), [means(np.ones(40))], "mean")
    assert alone.p == 1 / (1 + differences.SWAPS)


def test_draws_in_parts_are_the_same(monkeypatch):
    intact, others = scenes(1), [scenes(2), scenes(1)]
    whole = changes(intact, others, "mIoU")
    assert whole[1].change == 0
    assert whole[1].p == 1
    assert (whole[1].low, whole[1].high) == (0, 0)
    monkeypatch.setattr(differences, "LARGEST", 700)
    parts = changes(intact, others, "mIoU")
    assert parts == whole
    assert parts[0] == changes(intact, others[:1], "mIoU")[0]


def test_one_picture_has_no_interval_and_no_test():
    (found,) = changes(means(np.zeros(1)), [means(np.ones(1))], "mean")
    assert found == (100, 100, None, None, None)
    assert measure_interval(means(np.zeros(1)), "mean") == (0, None, None, 1)
    assert changes(means(np.zeros(3)), [], "mean") == []

"""Bands of curves are the intervals of their points."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.analysis import bands, significance
from rgaviz.analysis.bands import band
from rgaviz.analysis.significance import mean_interval


@pytest.mark.parametrize("people", [None, [1, 1, 2, 3, 3, 3, -6, 9]])
@pytest.mark.parametrize("largest", [2**22, 200])
def test_each_point_has_the_interval_of_its_values(people, largest, monkeypatch):
    monkeypatch.setattr(bands, "LARGEST", largest)
    monkeypatch.setattr(significance, "LARGEST", largest)
    curves = np.random.default_rng(0).random((8, 4))
    curves[3, 2] = np.nan  # the whole curve is left out
    people = None if people is None else np.array(people)
    mean, low, high = band(curves, people)
    curves[3] = np.nan
    for point, values in enumerate(curves.T):
        expected = mean_interval(values, people)
        assert (mean[point], low[point], high[point]) == pytest.approx(
            (expected.mean, expected.low, expected.high)
        )


def test_of_few_there_is_no_interval():
    assert band(np.full((3, 2), np.nan)) is None
    mean, low, high = band(np.array([[1.0, 2.0], [np.nan, 1.0]]))
    np.testing.assert_array_equal(mean, [1, 2])
    assert np.isnan([low, high]).all()
    mean, low, _ = band(np.array([[1.0, 2.0], [3.0, 2.0]]), np.array([5, 5]))
    np.testing.assert_array_equal(mean, [2, 2])
    assert np.isnan(low).all()

"""Numbers of masks against slow loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rgaviz.explain.statistics import DEAD, SATURATED, mask_numbers
from rgaviz.figures import histogram

DRAW = np.random.default_rng(0)


def slow(values, threshold):
    """The numbers of one mask (C,) or (h, w), value by value."""
    flat = [float(value) for value in values.ravel()]
    count, total = len(flat), sum(flat)
    mean = total / count
    found = {
        "mean": mean,
        "deviation": math.sqrt(sum((value - mean) ** 2 for value in flat) / count),
        "entropy": -sum(v / total * math.log(v / total) for v in flat if v > 0) / math.log(count),
        "dead": sum(value < 0.05 for value in flat) / count,
        "saturated": sum(value > 0.95 for value in flat) / count,
    }
    if values.ndim == 2:
        height, width = values.shape
        places = [(y, x) for y in range(height) for x in range(width)]
        found["x"] = sum(values[y, x] * (x + 0.5) / width for y, x in places) / total
        found["y"] = sum(values[y, x] * (y + 0.5) / height for y, x in places) / total
        found["area"] = sum(value > threshold for value in flat) / count
    return found


def assert_numbers(found, values, threshold=0.5):
    expected = [slow(each, threshold) for each in values]
    assert set(found.numbers) == set(expected[0])
    for name, numbers in found.numbers.items():
        np.testing.assert_allclose(numbers, [each[name] for each in expected], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_spatial_and_channel_masks(threshold):
    masks = {
        "conv4/spatial": DRAW.random((5, 3, 7)).astype(np.float64),
        "conv4/channel": DRAW.random((5, 40)) ** 8,
    }
    found = mask_numbers(masks, threshold)
    assert list(found) == list(masks)
    for key, values in masks.items():
        assert_numbers(found[key], values, threshold)
        np.testing.assert_array_equal(found[key].values, values)
        np.testing.assert_array_equal(found[key].dead, values < 0.05)
        np.testing.assert_array_equal(found[key].saturated, values > 0.95)
    assert found["conv4/channel"].numbers["dead"].min() > 0


def test_of_a_joint_mask_the_means_and_all_values_that_are_dead():
    mask = DRAW.random((2, 6, 3, 4))
    found = mask_numbers({"layer1/joint": mask})
    assert list(found) == ["layer1/joint-spatial", "layer1/joint-channel"]
    for key, axes in {"layer1/joint-spatial": 1, "layer1/joint-channel": (2, 3)}.items():
        own = found[key]
        np.testing.assert_allclose(own.values, mask.mean(axes))
        np.testing.assert_allclose(own.dead, (mask < 0.05).mean(axes))
        np.testing.assert_allclose(own.numbers["dead"], (mask < 0.05).mean((1, 2, 3)))
        np.testing.assert_allclose(own.numbers["saturated"], (mask > 0.95).mean((1, 2, 3)))
        of_means = slow(mask.mean(axes)[0], 0.5)
        for name in set(of_means) - {"dead", "saturated"}:
            assert own.numbers[name][0] == pytest.approx(of_means[name])
    assert (found["layer1/joint-spatial"].numbers["dead"] > 0).any()


def test_each_picture_has_its_own_numbers():
    masks = DRAW.random((4, 5, 5))
    whole = mask_numbers({"a/spatial": masks})["a/spatial"]
    alone = mask_numbers({"a/spatial": masks[2:3]})["a/spatial"]
    for name, values in whole.numbers.items():
        assert values[2] == alone.numbers[name][0]
    chosen = whole.rows(np.array([False, True, False, True]))
    np.testing.assert_array_equal(chosen.values, masks[[1, 3]])
    np.testing.assert_array_equal(chosen.numbers["x"], whole.numbers["x"][[1, 3]])


def test_ends_of_entropy_and_centre():
    point, even = np.zeros((4, 8)), np.full((4, 8), 0.3)
    point[1, 6] = 0.7
    numbers = mask_numbers({"a/spatial": np.stack([point, even])})["a/spatial"].numbers
    np.testing.assert_allclose(numbers["entropy"], [0, 1], atol=1e-12)
    np.testing.assert_allclose(numbers["x"], [6.5 / 8, 0.5])
    np.testing.assert_allclose(numbers["y"], [1.5 / 4, 0.5])
    np.testing.assert_allclose(numbers["area"], [1 / 32, 0])
    np.testing.assert_allclose(numbers["deviation"][1], 0, atol=1e-12)


def test_where_there_is_no_number():
    zeros = mask_numbers({"a/spatial": np.zeros((1, 2, 2))})["a/spatial"].numbers
    assert all(np.isnan(zeros[name][0]) for name in ("entropy", "x", "y"))
    assert (zeros["mean"][0], zeros["dead"][0], zeros["area"][0]) == (0, 1, 0)
    single = mask_numbers({"a/channel": np.full((1, 1), 0.5)})["a/channel"].numbers
    assert np.isnan(single["entropy"][0])
    assert single["mean"][0] == 0.5


def test_dead_is_what_the_histogram_calls_dead():
    assert (DEAD, SATURATED) == (histogram.DEAD, histogram.SATURATED)

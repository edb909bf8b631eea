"""Exact arithmetic of the overlay on arrays small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.figures.overlay import colour, grey, overlay, resize_map

RAMP = np.array([[0.0, 1.0], [2.0, 4.0]], dtype=np.float32)


def test_resize_has_half_pixel_centres():
    # Output centres lie at -0.25, 0.25, 0.75, 1.25 of the input's; beyond the ends the edge value holds.
    row = np.array([0.0, 0.25, 0.75, 1.0])
    expected = 2 * row[:, None] + row[None, :] + row[:, None] * row[None, :]  # bilinear through 0, 1, 2, 4
    result = resize_map(RAMP, (4, 4))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_resize_takes_height_then_width():
    assert resize_map(RAMP, (3, 5)).shape == (3, 5)


def test_colour_is_the_maps_on_the_scale_and_clipped_beyond():
    # matplotlib's "gray" has 256 levels: a fraction x has the level floor(256 x), 1 the last.
    result = colour(np.array([[-1.0, 0.0], [1.0, 3.0]]), "gray", 0.0, 2.0)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result[..., 0], [[0, 0], [128, 255]])
    np.testing.assert_array_equal(result[..., 1], result[..., 0])
    np.testing.assert_array_equal(result[..., 2], result[..., 0])


def test_colour_ends_and_a_low_end_that_is_not_zero():
    result = colour(np.array([[5.0, 7.0]]), "bwr", 5.0, 7.0)
    np.testing.assert_array_equal(result, [[[0, 0, 255], [255, 0, 0]]])


def test_nan_is_grey_and_warned():
    with pytest.warns(RuntimeWarning, match="NaN"):
        result = colour(np.array([[np.nan, 1.0]]), "gray", 0.0, 1.0)
    np.testing.assert_array_equal(result, [[[128] * 3, [255] * 3]])


def test_overlay_blends_exactly():
    picture = np.array([[[100, 0, 50], [10, 20, 30]], [[200, 100, 0], [255, 255, 255]]], dtype=np.uint8)
    values = np.array([[0.0, 1.0], [1.0, 0.0]])  # "bwr": blue, red
    result = overlay(picture, values, "bwr", 0.0, 1.0, 0.25)
    # 0.75 * picture + 0.25 * colour, halves to the even neighbour
    expected = [[[75, 0, 101], [71, 15, 22]], [[214, 75, 0], [191, 191, 255]]]
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected)


def test_overlay_opacity_ends():
    picture = np.full((2, 2, 3), 90, dtype=np.uint8)
    np.testing.assert_array_equal(overlay(picture, RAMP, "turbo", 0, 4, 0.0), picture)
    np.testing.assert_array_equal(overlay(picture, RAMP, "turbo", 0, 4, 1.0), colour(RAMP, "turbo", 0, 4))


def test_overlay_enlarges_the_map_to_the_picture():
    picture = np.zeros((4, 6, 3), dtype=np.uint8)
    expected = colour(resize_map(RAMP, (4, 6)), "turbo", 0, 4)
    np.testing.assert_array_equal(overlay(picture, RAMP, "turbo", 0, 4, 1.0), expected)


def test_grey_by_luma():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [7, 7, 7]]], dtype=np.uint8)
    np.testing.assert_array_equal(grey(picture), [[[76] * 3, [150] * 3, [29] * 3, [7] * 3]])

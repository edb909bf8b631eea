"""Pictures and raw maps as text: what comes back is what went in."""

from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from rgaviz.figures.encoded import WIDEST, colour_table, layer_uri, picture_uri, quantised

NUMBERS = np.random.default_rng(0)


def unpacked(found):
    """As the page does it, number by number."""
    data = base64.b64decode(found["data"])
    values = []
    for place in range(0, len(data), 2):
        number = data[place] + 256 * data[place + 1]
        share = number / 65534
        values.append(np.nan if number == 65535 else found["low"] + share * (found["high"] - found["low"]))
    return np.array(values).reshape(found["height"], found["width"])


def opened(uri, kind):
    start = f"data:image/{kind};base64,"
    assert uri.startswith(start)
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(start))))


@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e30])
def test_values_come_back_within_the_step_that_is_told(factor):
    values = (factor * NUMBERS.normal(size=(7, 5))).astype(np.float32)
    found = quantised(values)
    assert (found["low"], found["high"]) == (values.min(), values.max())
    assert np.abs(unpacked(found) - values).max() <= np.ptp(values.astype(float)) / 131068 * 1.001


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0.0, np.nan], [2.0, 1.0]], [[0.0, np.nan], [2.0, 1.0]]),
        ([[0.0, np.inf], [-np.inf, 1.0]], [[0.0, 1.0], [0.0, 1.0]]),
        ([[3.0, 3.0]], [[3.0, 3.0]]),
        ([[np.nan, np.nan]], [[np.nan, np.nan]]),
    ],
)
def test_odd_values(values, expected):
    found = unpacked(quantised(np.array(values, np.float32)))
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_a_small_picture_is_exact_and_a_large_one_smaller():
    small = NUMBERS.integers(0, 256, (8, 4, 3), np.uint8)
    assert np.array_equal(np.array(opened(picture_uri(small), "png")), small)
    large = np.full((300, 2 * WIDEST, 3), 99, np.uint8)
    found = opened(picture_uri(large), "jpeg")
    assert found.size == (WIDEST, 150)
    assert np.abs(np.array(found).astype(int) - 99).max() <= 2


def test_labels_are_their_colours():
    numbers = np.array([[0, 1], [255, 0]], np.uint8)
    colours, opacity = np.zeros((256, 3)), np.ones(256)
    colours[1], opacity[255] = (10, 20, 30), 0.0
    found = np.array(opened(layer_uri(numbers, colours, opacity), "png"))
    assert found.tolist() == [[[0, 0, 0, 255], [10, 20, 30, 255]], [[0, 0, 0, 0], [0, 0, 0, 255]]]


def test_colours_are_matplotlibs():
    table = bytes.fromhex(colour_table("viridis"))
    wanted = matplotlib.colormaps["viridis"](np.arange(256), bytes=True)[:, :3]  # a whole number is an entry
    assert np.array_equal(np.frombuffer(table, np.uint8).reshape(256, 3), wanted)

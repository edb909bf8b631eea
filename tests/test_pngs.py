"""PNGs packed for speed."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from rgaviz.marked import MARK, SOFTWARE
from rgaviz.pngs import png_bytes


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 48)])
def test_pixels_and_text_come_back(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for text in (None, SOFTWARE):
        with Image.open(io.BytesIO(png_bytes(pixels, text))) as image:
            image.verify()  # checksums of all chunks
        with Image.open(io.BytesIO(png_bytes(pixels, text))) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)
            assert image.info.get("Software") == (None if text is None else "rgaviz")
    assert MARK in png_bytes(pixels, SOFTWARE)[:100]


def test_the_same_in_any_thread():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(png_bytes, [pixels] * 12))) == 1

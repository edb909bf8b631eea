"""What cannot be shown is one clear line."""

from __future__ import annotations

import contextlib
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from saved import fault, write

from rgaviz.data.bounds import MAX_PIXELS
from rgaviz.data.pictures import read_picture
from rgaviz.errors import PictureError


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and then holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_000, 9_900), (16_000, 8_000)])
def test_bomb_is_refused_before_decoding(tmp_path, monkeypatch, size):
    from PIL import ImageFile

    def decode(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    assert size[0] * size[1] > MAX_PIXELS
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(*size))
    assert "64 million pixels" in fault(path)


def test_truncated(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for suffix in ("jpg", "png", "bmp", "tif", "webp", "ppm"):
        path = write(tmp_path / f"a.{suffix}", Image.fromarray(noise))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "again" in fault(path), suffix


def test_missing_folder_empty_text_and_pipe(tmp_path):
    assert "does not exist" in fault(tmp_path / "none.png")
    assert "folder" in fault(tmp_path)
    (tmp_path / "empty.png").touch()
    assert "empty" in fault(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("not a picture")
    assert "not a picture" in fault(tmp_path / "text.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "regular file" in fault(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="cannot be read"):
        read_picture(tmp_path / ("x" * 300))


def test_postscript_is_not_run(tmp_path):
    path = write(tmp_path / "a.png", Image.new("RGB", (4, 4)), format="eps")
    assert "known format" in fault(path)


def test_float_picture_is_refused(tmp_path):
    path = write(tmp_path / "a.tif", Image.fromarray(np.ones((2, 2), np.float32)))
    assert "8-bit" in fault(path)


def test_pillow_warnings_do_not_leak(tmp_path, monkeypatch, pixels):
    path = write(tmp_path / "a.png", Image.fromarray(pixels))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)  # 35 pixels: Pillow warns, above 40 it would raise
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Image.open(path):
            assert caught  # the setting works
        caught.clear()
        np.testing.assert_array_equal(read_picture(path), pixels)
    assert not caught


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg"])
def test_what_libtiff_writes_by_itself_does_not_reach_the_terminal(tmp_path, pixels, compression, capfd):
    path = write(tmp_path / "a.tif", Image.fromarray(pixels), compression=compression)
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + b"\xff" * 60 + whole[68:])

    def load():
        with contextlib.suppress(Exception), Image.open(path) as image:
            image.load()

    load()
    if not capfd.readouterr().err:
        pytest.skip("this Pillow has a silent libtiff")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fault(path), range(20)))
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    load()
    assert capfd.readouterr().err  # other programs' libtiff is as it was


def test_threads_leave_the_warning_filters_alone(tmp_path):
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = write(tmp_path / "a.png", Image.fromarray(noise))
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(read_picture, [path] * 200))
    assert warnings.filters == before
    assert all((picture == noise).all() for picture in pictures)

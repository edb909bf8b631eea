"""Damaged pictures of every format, drawn from a seed: an array or one line, in bounded time and memory."""

from __future__ import annotations

import io
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rgaviz.data.pictures import read_picture
from rgaviz.errors import LONGEST, PictureError

SAVED = {
    "bmp": [{}],
    "gif": [{}, {"save_all": True}],
    "jpeg": [{}, {"progressive": True}],
    "png": [{}, {"save_all": True}],
    "ppm": [{}],
    "tiff": [{}, {"compression": "tiff_lzw"}, {"compression": "jpeg"}],
    "webp": [{}, {"lossless": True, "save_all": True}],
}


def sound() -> list[bytes]:
    """A small picture in every format, still and moving."""
    noise = np.random.default_rng(5).integers(0, 256, (2, 33, 47, 3), dtype=np.uint8)
    first, second = map(Image.fromarray, noise)
    files = []
    for form, ways in SAVED.items():
        for way in ways:
            more = {"append_images": [second]} if "save_all" in way else {}
            files.append(io.BytesIO())
            first.save(files[-1], form, **way, **more)
    return [file.getvalue() for file in files]


def damaged(data: bytes, draw: np.random.Generator) -> bytes:
    """Cut short, with flipped bits, pieces exchanged, repeated or of the highest values; the head is hit most."""
    reach = int(draw.choice([40, 200, len(data)]))
    first, second = sorted(int(place) for place in draw.integers(0, min(reach, len(data)), 2))
    size = int(draw.integers(1, 9))
    kind = draw.integers(0, 5)
    if kind == 0:
        return data[: second + 1]
    if kind == 1:
        flipped = bytearray(data)
        for place in draw.integers(0, min(reach, len(data)), size):
            flipped[place] ^= 1 << int(draw.integers(0, 8))
        return bytes(flipped)
    if kind == 2:
        middle = (first + second) // 2
        return data[:first] + data[middle:second] + data[first:middle] + data[second:]
    if kind == 3:
        return data[:second] + data[first:second] * int(draw.integers(1, 200)) + data[second:]
    return data[:first] + b"\xff" * size + data[first + size :]


def peak() -> int:
    """The most memory so far since it was last cleared, in bytes; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def answered(path: Path) -> np.ndarray | str:
    """The picture, or the line that says why there is none; whatever else is raised fails the test."""
    try:
        return read_picture(path)
    except PictureError as error:
        return str(error)


@pytest.mark.parametrize("count", [80, pytest.param(2000, marks=pytest.mark.slow)])
def test_an_array_or_one_line(tmp_path, count):
    files, draw = sound(), np.random.default_rng(count)
    path, before, read = tmp_path / "a", peak(), 0
    for number in range(count):
        path.write_bytes(damaged(files[number % len(files)], draw))
        begun = time.monotonic()
        found = answered(path)
        if isinstance(found, str):
            assert found.isprintable()
            assert len(found) <= LONGEST
        else:
            read += 1
            assert (found.ndim, found.shape[2], found.dtype) == (3, 3, np.uint8)
        assert time.monotonic() - begun < 20
    assert 0 < read < count
    assert peak() - before < 10**9


def test_every_sound_file_is_read(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in sound():
            (tmp_path / "a").write_bytes(data)
            assert read_picture(tmp_path / "a").shape == (33, 47, 3)

"""What reading a picture may cost: files that would take minutes or gigabytes are one line at once."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from saved import fault, write

from rgaviz.data import bounds, pictures
from rgaviz.data.pictures import read_picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, channels), dtype=np.uint8)


def jpeg(picture: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


def with_scans(more: int, **options) -> bytes:
    """A progressive JPEG whose last scan comes several times more."""
    data = jpeg(Image.fromarray(noise(40, 60)), progressive=True, **options)
    scan = data[data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda")) : -2]
    return data[:-2] + scan * more + b"\xff\xd9"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_jpeg_of_many_scans_is_refused(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_scans(1000))
    assert "more than 100 scans: save it anew" in fault(path)


def test_scans_in_metadata_and_behind_the_picture_do_not_count(tmp_path):
    plain = with_scans(0)
    scans = b"\xff\xda" * 200
    segments = b"\xff\xe2" + struct.pack(">H", len(scans) + 2) + scans
    path = tmp_path / "a.jpg"
    path.write_bytes(plain)
    expected = read_picture(path)
    path.write_bytes(plain[:2] + segments + plain[2:] + scans)
    np.testing.assert_array_equal(read_picture(path), expected)


def test_restarts_and_fill_bytes_are_passed(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_scans(0, restart_marker_blocks=1).replace(b"\xff\xda", b"\xff\xff\xff\xda"))
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_picture(path), np.asarray(image))
    path.write_bytes(with_scans(300, restart_marker_blocks=1).replace(b"\xff\xda", b"\xff\xff\xff\xda"))
    assert "scans" in fault(path)


@pytest.mark.parametrize(
    ("size", "seen"),
    [((8191, 2050), (8191, 2050)), ((8200, 2040), (8200, 2040)), ((8200, 2050), (4100, 1025))],
)
def test_only_a_very_large_jpeg_is_decoded_smaller(tmp_path, size, seen):
    image = Image.linear_gradient("L").convert("RGB").resize(size)
    path = write(tmp_path / "a.jpg", image)
    read = read_picture(path)
    assert read.shape[1::-1] == seen
    if seen == size:
        with Image.open(path) as same:
            np.testing.assert_array_equal(read, np.asarray(same))
    else:
        small = np.asarray(image.resize(seen, Image.Resampling.BOX)).astype(int)
        assert np.abs(read - small).max() <= 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "L", "1", "I;16"])
def test_strips_make_the_same_picture(tmp_path, monkeypatch, mode):
    image = Image.fromarray(noise(37, 23, 4)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 200)
    path = write(tmp_path / "a.png", image, **({"transparency": 3} if mode == "P" else {}))
    whole = read_picture(path)
    monkeypatch.setattr(pictures, "STRIP", 100)
    np.testing.assert_array_equal(read_picture(path), whole)


def test_decoders_that_are_slow_or_large_have_limits_of_their_own(tmp_path, monkeypatch):
    files = {
        "webp": write(tmp_path / "a.webp", Image.fromarray(noise(10, 10))),
        "ppm": tmp_path / "a.ppm",
        "ppm_plain": tmp_path / "b.ppm",
    }
    files["ppm"].write_bytes(b"P6 10 10 254 " + bytes(300))
    files["ppm_plain"].write_bytes(b"P3 10 10 255 " + b"1 " * 300)
    for decoder, path in files.items():
        assert read_picture(path).shape == (10, 10, 3)
        monkeypatch.setitem(bounds.PIXELS_OF_DECODER, decoder, 99)
        assert f"the most for this format ({decoder}): convert it to PNG" in fault(path)


def test_a_very_long_side_is_refused(tmp_path):
    path = write(tmp_path / "a.png", Image.new("1", (1, bounds.MAX_SIDE + 1)))
    assert "a side of more than 100,000 pixels" in fault(path)


def test_millions_of_pieces_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_READS", 1000)
    gif, jpg, png = (tmp_path / f"a.{suffix}" for suffix in ("gif", "jpg", "png"))
    write(gif, Image.new("L", (4, 4)))
    write(png, Image.new("L", (4, 4)))
    start = 13 + 3 * 2 ** ((gif.read_bytes()[10] & 7) + 1)
    gif.write_bytes(gif.read_bytes()[:start] + b"\x21\xfe\1a\0" * 1000 + gif.read_bytes()[start:])
    plain = jpeg(Image.new("L", (4, 4)))
    jpg.write_bytes(plain[:2] + b"\xff\xfe\0\2" * 1000 + plain[2:])
    png.write_bytes(png.read_bytes()[:-12] + chunk(b"prVt", b"") * 1000 + png.read_bytes()[-12:])
    for path in (gif, jpg, png):
        assert "too many pieces" in fault(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("large", [False, True])
def test_a_tiff_of_millions_of_tiles_is_refused(tmp_path, order, large):
    head = struct.pack(order + ("HHHQ" if large else "HI"), *((43, 8, 0, 16) if large else (42, 8)))
    counter, entry = ("Q", "HHQQ") if large else ("H", "HHII")
    listed = struct.pack(order + counter, 1) + struct.pack(order + entry, 324, 4, 25_000_000, 200)
    path = tmp_path / "a.tif"
    path.write_bytes((b"II" if order == "<" else b"MM") + head + listed + bytes(8))
    assert "too many pieces" in fault(path)


def test_unpacking_texts_stops(tmp_path):
    path = write(tmp_path / "a.png", Image.new("L", (4, 4)))
    whole = path.read_bytes()
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000), 1))
    path.write_bytes(whole[:33] + bomb + whole[33:])
    assert whole.startswith(SIGNATURE)
    assert "again" in fault(path)


def test_nothing_is_logged_on_the_terminal(tmp_path):
    entries = [
        (256, 10),
        (257, 10),
        (258, 8),
        (259, 5),
        (262, 1),
        (277, 60000),
        (273, 8),
        (278, 10),
        (279, 9),
    ]
    listed = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries))
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + listed + bytes(4))
    assert "known format" in fault(path)
    program = f"from rgaviz.data.pictures import read_picture\ntry: read_picture({str(path)!r})\nexcept Exception: pass"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (b"", b"")

"""Pictures are read as they are meant to be seen, and sized for networks."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from saved import fault, write

from rgaviz.data import pictures
from rgaviz.data.pictures import network_input, read_picture, shown_picture


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_rgb_is_read_exactly(tmp_path, pixels, suffix):
    picture = read_picture(str(write(tmp_path / f"a.{suffix}", Image.fromarray(pixels))))
    assert picture.dtype == np.uint8
    assert picture.flags.writeable
    assert picture.flags.c_contiguous
    np.testing.assert_array_equal(picture, pixels)


def test_lossless_webp_is_read_exactly(tmp_path, pixels):
    path = write(tmp_path / "a.webp", Image.fromarray(pixels), lossless=True)
    np.testing.assert_array_equal(read_picture(path), pixels)


# Where the pixels of an upright (H, W) picture must be stored for each orientation, by the EXIF standard:
# "the 0th row is the visual ... of the picture, the 0th column the visual ...".
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: upright.transpose(1, 0, 2)[::-1],
    7: lambda upright: upright.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda upright: upright.transpose(1, 0, 2)[:, ::-1],
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_exif_orientation(tmp_path, pixels, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](pixels)))
    path = write(tmp_path / f"a.{suffix}", stored, exif=exif)
    np.testing.assert_array_equal(read_picture(path), pixels)


def test_exif_orientation_of_a_jpeg(tmp_path):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = 200  # on the grid of the JPEG blocks, so that the constant blocks are coded exactly
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.ascontiguousarray(STORED[6](upright)))
    path = write(tmp_path / "a.jpg", stored, exif=exif, quality=100, subsampling=0)
    png = write(tmp_path / "a.png", Image.fromarray(upright))
    np.testing.assert_array_equal(read_picture(path), read_picture(png))


def test_damaged_exif_does_not_matter(tmp_path, pixels):
    path = write(tmp_path / "a.png", Image.fromarray(pixels), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    np.testing.assert_array_equal(read_picture(path), pixels)


def exif_block(*entries: tuple[int, int, int, bytes]) -> bytes:
    """EXIF as stored, of entries (tag, type, count, four bytes of value), which may be nonsense."""
    packed = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + packed + bytes(4)


@pytest.mark.parametrize("suffix", ["png", "webp"])
@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [
        (0x8769, 9, struct.pack("<i", -5)),  # a pointer before the start: cannot be read
        (0x0100, 9, struct.pack("<i", -5)),  # a negative width: cannot be written again
        (0x010F, 2, struct.pack("<I", 1 << 30)),  # a text far behind the end
    ],
)
def test_damage_elsewhere_in_the_exif_leaves_the_orientation(tmp_path, pixels, suffix, tag, kind, value):
    exif = exif_block((0x0112, 3, 1, struct.pack("<HH", 6, 0)), (tag, kind, 1, value))
    stored = Image.fromarray(np.ascontiguousarray(STORED[6](pixels)))
    path = write(tmp_path / f"a.{suffix}", stored, exif=exif, lossless=True)
    np.testing.assert_array_equal(read_picture(path), pixels)


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_an_orientation_there_is_not_changes_nothing(tmp_path, pixels, value):
    exif = exif_block((0x0112, 3, 1, struct.pack("<HH", value, 0)))
    np.testing.assert_array_equal(
        read_picture(write(tmp_path / "a.png", Image.fromarray(pixels), exif=exif)), pixels
    )


@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_of_other_modes(tmp_path, orientation):
    """16-bit grey, and a palette with a transparent colour: turned first, then made RGB."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 257 * 40
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](values[..., None])[..., 0]))
    picture = read_picture(write(tmp_path / "grey.png", stored, exif=exif))
    np.testing.assert_array_equal(picture, np.repeat(values[..., None] // 257, 3, axis=2))
    indices = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)
    stored = STORED[orientation](indices[..., None])[..., 0]
    image = Image.frombytes("P", stored.shape[::-1], stored.tobytes())
    image.putpalette([10, 20, 30, 40, 50, 60])
    picture = read_picture(write(tmp_path / "palette.png", image, exif=exif, transparency=1))
    np.testing.assert_array_equal(picture, np.array([[10, 20, 30], [255, 255, 255]])[indices])


def test_grey_and_one_bit(tmp_path):
    grey = np.array([[0, 100, 255]], np.uint8)
    picture = read_picture(write(tmp_path / "l.png", Image.fromarray(grey)))
    np.testing.assert_array_equal(picture, np.repeat(grey[..., None], 3, axis=2))
    bits = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    picture = read_picture(write(tmp_path / "1.png", bits))
    np.testing.assert_array_equal(picture[0, :, 0], [0, 0, 255])


def test_transparency_is_composited_over_white(tmp_path):
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51]]], np.uint8)
    picture = read_picture(write(tmp_path / "rgba.png", Image.fromarray(rgba)))
    np.testing.assert_array_equal(picture, [[[255, 0, 0], [255, 255, 255], [204, 204, 204]]])
    grey = Image.merge("LA", [Image.new("L", (1, 1), 0), Image.new("L", (1, 1), 51)])
    np.testing.assert_array_equal(read_picture(write(tmp_path / "la.png", grey)), [[[204, 204, 204]]])


@pytest.mark.parametrize("transparency", [1, bytes([255, 0])])
def test_palette(tmp_path, transparency):
    image = Image.frombytes("P", (2, 1), bytes([0, 1]))
    image.putpalette([10, 20, 30, 40, 50, 60])
    picture = read_picture(write(tmp_path / "opaque.png", image))
    np.testing.assert_array_equal(picture, [[[10, 20, 30], [40, 50, 60]]])
    picture = read_picture(write(tmp_path / "clear.png", image, transparency=transparency))
    np.testing.assert_array_equal(picture, [[[10, 20, 30], [255, 255, 255]]])


def test_transparent_colour_of_an_rgb_picture(tmp_path):
    rgb = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    path = write(tmp_path / "a.png", Image.fromarray(rgb), transparency=(4, 5, 6))
    np.testing.assert_array_equal(read_picture(path), [[[1, 2, 3], [255, 255, 255]]])


def test_cmyk(tmp_path):
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # full magenta and yellow: red
    np.testing.assert_allclose(read_picture(write(tmp_path / "a.tif", cmyk))[0, 0], [255, 0, 0])
    picture = read_picture(write(tmp_path / "a.jpg", cmyk, quality=100))
    np.testing.assert_allclose(picture[4, 4].astype(int), [255, 0, 0], atol=3)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_is_scaled(tmp_path, suffix):
    values = np.array([[0, 128, 129, 257, 386, 32896, 65280, 65535]], np.uint16)
    if suffix == "pgm":  # which Pillow writes only since 11
        path = tmp_path / "a.pgm"
        path.write_bytes(b"P5 8 1 65535\n" + values.astype(">u2").tobytes())
    else:
        path = write(tmp_path / f"a.{suffix}", Image.fromarray(values))
    picture = read_picture(path)
    np.testing.assert_array_equal(picture[0, :, 2], [0, 0, 1, 1, 2, 128, 254, 255])  # v / 257, rounded


def test_big_endian_sixteen_bit_grey(tmp_path):
    image = Image.frombytes("I;16B", (2, 1), np.array([256, 65535], ">u2").tobytes())
    np.testing.assert_array_equal(read_picture(write(tmp_path / "a.tif", image))[0, :, 0], [1, 255])


def test_integer_grey(tmp_path):
    small = Image.fromarray(np.array([[0, 7, 255]], np.int32))
    np.testing.assert_array_equal(read_picture(write(tmp_path / "s.tif", small))[0, :, 0], [0, 7, 255])
    large = Image.fromarray(np.array([[0, 7, 65535]], np.int32))
    np.testing.assert_array_equal(read_picture(write(tmp_path / "l.tif", large))[0, :, 0], [0, 0, 255])
    for value in (-1, 65536):
        huge = Image.fromarray(np.array([[0, value]], np.int32))
        assert "8-bit" in fault(write(tmp_path / "h.tif", huge))


def test_animation_shows_its_first_frame(tmp_path):
    red, blue = Image.new("RGB", (3, 2), "red"), Image.new("RGB", (3, 2), "blue")
    for name, options in {"a.gif": {}, "a.png": {}, "a.tif": {}, "a.webp": {"lossless": True}}.items():
        path = write(tmp_path / name, red, save_all=True, append_images=[blue], **options)
        np.testing.assert_array_equal(read_picture(path), np.full((2, 3, 3), [255, 0, 0]))


def test_the_content_counts_not_the_suffix(tmp_path, pixels):
    path = write(tmp_path / "a.jpg", Image.fromarray(pixels), format="png")
    np.testing.assert_array_equal(read_picture(path), pixels)


def test_shown_picture():
    ramp = np.arange(12, dtype=np.uint8).reshape(2, 6, 1).repeat(3, axis=2) * 10
    halved = shown_picture(ramp, longest=3)
    # the mean of each 2x2 block, by hand
    np.testing.assert_array_equal(halved[..., 0], [[35, 55, 75]])
    assert shown_picture(ramp, longest=6) is ramp
    assert shown_picture(ramp).shape == (2, 6, 3)
    assert shown_picture(np.zeros((1000, 3, 3), np.uint8), longest=100).shape == (100, 1, 3)
    assert shown_picture(np.zeros((300, 1024, 3), np.uint8)).shape == (150, 512, 3)


def test_network_input_normalises(pixels):
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    values = network_input(pixels, (5, 7), mean, std)
    assert str(values.dtype) == "torch.float32"
    expected = ((pixels.astype(np.float64) / 255 - mean) / std).transpose(2, 0, 1)
    np.testing.assert_allclose(values.numpy(), expected, atol=1e-6)


def test_network_input_covers_the_whole_picture():
    picture = np.zeros((8, 4, 3), np.uint8)
    picture[0, 0] = picture[-1, -1] = 255  # both corners would be lost in a crop
    values = network_input(picture, (4, 2), (0, 0, 0), (1, 1, 1)).numpy()
    expected = np.zeros((3, 4, 2))
    expected[:, 0, 0] = expected[:, -1, -1] = 64 / 255  # 255 / 4, rounded
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_network_input_shrinks_one_side_without_aliasing_while_the_other_grows():
    rows = np.zeros((16, 4, 3), np.uint8)
    rows[::2] = 200  # stripes finer than the result: only their mean may be left
    values = network_input(rows, (4, 8), (0, 0, 0), (1, 1, 1)).numpy()
    np.testing.assert_allclose(values, np.full((3, 4, 8), 100 / 255), atol=1e-6)


def test_network_input_enlarges_linearly():
    picture = np.repeat(np.array([[[0], [100]]], np.uint8), 3, axis=2)  # (1, 2, 3)
    values = network_input(picture, (1, 4), (0, 0, 0), (1, 1, 1)).numpy()
    np.testing.assert_allclose(values[0, 0] * 255, [0, 25, 75, 100], atol=1e-4)


def test_the_module_itself_leaves_torch_alone():
    """Run as a file of its own: what its package imports is another matter."""
    command = "import runpy, sys; runpy.run_path(sys.argv[1]); sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", command, pictures.__file__], check=True, env=environment)

"""Grey pictures of more than 8 bits: their values, their window, what is shown."""

import numpy as np
import pytest
from PIL import Image

from rgaviz.data.deep import is_deep, read_deep, window_of
from rgaviz.data.intensities import Deep, Window, parse_window, whole_of, windowed
from rgaviz.errors import PictureError, RgavizError

RAMP = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)


def saved(folder, name, values):
    path = folder / name
    np.save(path, values) if name.endswith(".npy") else Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("a.png", RAMP),
        ("a.tif", RAMP),
        ("b.tif", RAMP.astype(np.float32) / 4095),
        ("c.tif", RAMP.astype(np.int32) - 2000),
        ("a.npy", RAMP),
        ("b.npy", RAMP.astype(np.float64) - 7.5),
        ("c.npy", RAMP.astype(np.int16) - 2000),
    ],
)
def test_values_are_those_of_the_file(tmp_path, name, values):
    path = saved(tmp_path, name, values)
    assert is_deep(path)
    found = read_deep(path)
    assert found[1:] == (whole_of(values.dtype), None, False)
    np.testing.assert_array_equal(found.values, values)
    assert window_of([path], "auto") == (Window(float(values.min()), float(values.max())), 1)


def test_pictures_of_8_bits_need_no_window(tmp_path):
    path = saved(tmp_path, "a.png", np.zeros((4, 4), np.uint8))
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert not is_deep(path)
    assert not is_deep(tmp_path / "b.png")
    assert window_of([path, tmp_path / "b.png", tmp_path / "gone.png"], "auto") == (None, 0)
    assert window_of([path], Window(0, 9)) == (None, 0)


def test_one_window_for_all(tmp_path):
    paths = [saved(tmp_path, "a.png", RAMP), saved(tmp_path, "b.png", RAMP + 1000)]
    assert window_of(paths, "auto") == (Window(0, 5095), 2)
    assert window_of(paths, "full") == (Window(0, 65535), 2)
    assert window_of(paths, Window(5, 6)) == (Window(5, 6), 2)
    assert window_of([saved(tmp_path, "c.tif", np.zeros((2, 2), np.float32))], "full") == (Window(0, 1), 1)


def test_shown_by_hand():
    values = np.array([[-5.0, 0.0, 1.0, 2.0, 4.0, 9.0]])
    expected = [0, 0, 64, 128, 255, 255]
    np.testing.assert_array_equal(
        windowed(Deep(values, Window(0, 1)), Window(0, 4)), np.array([[[each] * 3 for each in expected]])
    )
    inverted = windowed(Deep(values, Window(0, 1), inverted=True), Window(0, 4))
    np.testing.assert_array_equal(inverted, np.array([[[255 - each] * 3 for each in expected]]))


def test_strips_join(monkeypatch):
    values = np.arange(35).reshape(7, 5)
    whole = windowed(Deep(values, Window(0, 1)), Window(0, 34))
    monkeypatch.setattr("rgaviz.data.intensities.STRIP", 10)
    np.testing.assert_array_equal(windowed(Deep(values, Window(0, 1)), Window(0, 34)), whole)
    np.testing.assert_array_equal(whole[..., 0], np.rint(values * 7.5))


def test_a_12_bit_ramp_uses_all_of_8_bits(tmp_path):
    path = saved(tmp_path, "a.png", RAMP)
    window, _ = window_of([path], "auto")
    shown = windowed(read_deep(path), window)
    expected = [[round(255 * int(value) / 4095) for value in row] for row in RAMP]
    np.testing.assert_array_equal(shown, np.repeat(np.array(expected)[..., None], 3, axis=2))


def test_what_is_not_finite(tmp_path):
    values = np.array([[np.nan, -np.inf, np.inf, 3.0, 5.0]])
    found = read_deep(saved(tmp_path, "a.npy", values))
    np.testing.assert_array_equal(found.values, [[3, 3, 5, 3, 5]])
    assert window_of([tmp_path / "a.npy"], "auto") == (Window(3, 5), 1)


def test_pictures_are_turned_upright(tmp_path):
    image = Image.fromarray(RAMP[:, :4])
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_deep(tmp_path / "a.png").values, np.rot90(RAMP[:, :4], -1))


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2, 2)), np.zeros(3), np.array([["a"]]), np.full((2, 2), np.nan)]
)
def test_arrays_that_are_no_grey_picture(tmp_path, values):
    with pytest.raises(PictureError):
        read_deep(saved(tmp_path, "a.npy", values))


@pytest.mark.parametrize("text", ["", "1", "2,1", "1,1", "a,b", "nan,1", "0,inf", "1,2,3", "aut"])
def test_what_is_no_window(text):
    with pytest.raises(RgavizError, match="--window"):
        parse_window(text)


def test_windows_as_they_are_typed():
    assert [parse_window(text) for text in ("auto", "full", "-5,4095")] == ["auto", "full", Window(-5, 4095)]

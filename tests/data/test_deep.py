"""Grey pictures of more than 8 bits: their values, their window, what is shown."""

import sys

import numpy as np
import pytest
from PIL import Image

from rgaviz.data.deep import Window, is_deep, parse_window, read_values, window_of, windowed
from rgaviz.errors import PictureError, RgavizError

RAMP = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)


def saved(folder, name, values):
    path = folder / name
    np.save(path, values) if name.endswith(".npy") else Image.fromarray(values).save(path)
    return path


def dicom(path, values, **tags):
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    found = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    found.Rows, found.Columns = values.shape
    found.SamplesPerPixel, found.BitsAllocated, found.BitsStored, found.HighBit = 1, 16, 16, 15
    found.PixelRepresentation = int(values.dtype.kind == "i")
    found.PhotometricInterpretation = "MONOCHROME2"
    for name, value in tags.items():
        setattr(found, name, value)
    found.PixelData = values.tobytes()
    found.save_as(path, enforce_file_format=True)
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
    found, own = read_values(path)
    assert own is None
    np.testing.assert_array_equal(found, values)
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
        windowed(values, Window(0, 4)), np.array([[[each] * 3 for each in expected]])
    )


def test_dicom(tmp_path):
    values = (RAMP.astype(np.int16)) - 1000
    plain = dicom(tmp_path / "a.dcm", values, RescaleSlope=2, RescaleIntercept=-24)
    found, own = read_values(plain)
    np.testing.assert_allclose(found, values * 2.0 - 24)
    assert own is None
    named = dicom(tmp_path / "b.dcm", values, WindowCenter=40, WindowWidth=400)
    assert read_values(named)[1] == Window(-160, 240)
    assert window_of([named], "auto") == (Window(-160, 240), 1)
    several = dicom(tmp_path / "c.dcm", values, WindowCenter=[40, 50], WindowWidth=[400, 100])
    assert read_values(several)[1] == Window(-160, 240)
    inverted = dicom(
        tmp_path / "d.dcm", values, PhotometricInterpretation="MONOCHROME1", WindowCenter=40, WindowWidth=400
    )
    found, own = read_values(inverted)
    np.testing.assert_allclose(found, -values.astype(float))
    assert own == Window(-240, 160)


def test_without_pydicom_its_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.dcm").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(PictureError, match=r"rgaviz\[dicom\]"):
        read_values(tmp_path / "a.dcm")


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 50])
def test_damaged_dicom_is_one_line(tmp_path, content):
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(PictureError) as caught:
        read_values(tmp_path / "a.dcm")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2, 2)), np.zeros(3), np.array([["a"]]), np.full((2, 2), np.nan)]
)
def test_arrays_that_are_no_grey_picture(tmp_path, values):
    with pytest.raises(PictureError):
        read_values(saved(tmp_path, "a.npy", values))


@pytest.mark.parametrize("text", ["", "1", "2,1", "1,1", "a,b", "nan,1", "0,inf", "1,2,3", "aut"])
def test_what_is_no_window(text):
    with pytest.raises(RgavizError, match="--window"):
        parse_window(text)


def test_windows_as_they_are_typed():
    assert [parse_window(text) for text in ("auto", "full", "-5,4095")] == ["auto", "full", Window(-5, 4095)]

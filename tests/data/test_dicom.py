"""DICOM files: their values, their window, what is refused before it costs anything."""

import sys

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_windowing

from rgaviz.data import dicom as dicom_module
from rgaviz.data.deep import read_deep, window_of
from rgaviz.data.intensities import Window, windowed
from rgaviz.errors import PictureError

RAMP = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)


def dicom(path, values, syntax=None, **tags):
    """A file of 16 bits with these values as they are stored."""
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
    if syntax is not None:
        found.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(path, found, enforce_file_format=True)
    return path


SIGNED = RAMP.astype(np.int16) - 1000


def test_values_by_slope_and_intercept(tmp_path):
    path = dicom(tmp_path / "a.dcm", SIGNED, RescaleSlope=2, RescaleIntercept=-24)
    found = read_deep(path)
    np.testing.assert_array_equal(found.values, SIGNED * 2.0 - 24)
    assert found[1:] == (Window(-65560, 65510), None, False)
    assert window_of([path], "auto") == (Window(-2024, 6166), 1)
    assert window_of([path], "full") == (Window(-65560, 65510), 1)


def test_the_bits_that_are_stored(tmp_path):
    path = dicom(tmp_path / "a.dcm", RAMP, BitsStored=12, HighBit=11)
    assert window_of([path], "full") == (Window(0, 4095), 1)


@pytest.mark.parametrize("tags", [{}, {"VOILUTFunction": "LINEAR_EXACT"}])
@pytest.mark.parametrize("inverted", [False, True])
def test_the_window_of_the_file_is_pydicoms(tmp_path, tags, inverted):
    kind = {"PhotometricInterpretation": "MONOCHROME1"} if inverted else {}
    path = dicom(
        tmp_path / "a.dcm", SIGNED, WindowCenter=[340, 50], WindowWidth=[701, 100],
        RescaleSlope=1, RescaleIntercept=0, **tags, **kind,
    )  # fmt: skip
    expected = apply_windowing(SIGNED, pydicom.dcmread(path))  # from -32768 to 32767
    expected = np.rint((expected + 32768) * 255 / 65535)
    window, _ = window_of([path], "auto")
    shown = windowed(read_deep(path), window)
    np.testing.assert_allclose(
        shown[..., 0].astype(int), 255 - expected if inverted else expected, atol=1
    )  # half a step
    assert 0 in shown
    assert 255 in shown


def test_a_typed_window_is_in_the_files_own_values(tmp_path):
    usual, inverted = (
        dicom(tmp_path / f"{kind}.dcm", RAMP, PhotometricInterpretation=kind)
        for kind in ("MONOCHROME2", "MONOCHROME1")
    )
    one, other = (windowed(read_deep(path), Window(0, 4095)) for path in (usual, inverted))
    np.testing.assert_array_equal(other, 255 - one)
    assert one.max() == 255


def test_other_windows(tmp_path):
    one = dicom(tmp_path / "a.dcm", RAMP, WindowCenter=100, WindowWidth=1)
    assert read_deep(one).own == Window(99.5, 100.5)
    none = dicom(tmp_path / "b.dcm", RAMP, WindowCenter=100, WindowWidth=0)
    assert read_deep(none).own is None


def test_packed_by_runs(tmp_path):
    path = dicom(tmp_path / "a.dcm", RAMP)
    found = pydicom.dcmread(path)
    found.compress(pydicom.uid.RLELossless)
    found.save_as(path)
    np.testing.assert_array_equal(read_deep(path).values, RAMP)


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}, "in colour"),
        ({"NumberOfFrames": 100000}, "holds 100000 pictures"),
        ({"Rows": 60000, "Columns": 60000}, "million pixels"),
        ({"Rows": 4000}, "damaged"),
        ({"syntax": "1.2.840.10008.1.2.1.99"}, "deflated"),
    ],
)
def test_what_is_refused(tmp_path, tags, told, monkeypatch):
    path = dicom(tmp_path / "a.dcm", RAMP, **tags)
    with pytest.raises(PictureError, match=told) as caught:
        read_deep(path)
    assert "\n" not in str(caught.value)


def test_too_large_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom_module, "LARGEST", 100)
    with pytest.raises(PictureError, match="export a single slice"):
        read_deep(dicom(tmp_path / "a.dcm", RAMP))


def test_without_pydicom_its_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.dcm").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(PictureError, match=r"rgaviz\[dicom\]"):
        read_deep(tmp_path / "a.dcm")


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 50])
def test_damaged_files_are_one_line(tmp_path, content, capfd):
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(PictureError) as caught:
        read_deep(tmp_path / "a.dcm")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")

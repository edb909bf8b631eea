"""DICOM files of one grey picture, through pydicom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rgaviz.data.bounds import MAX_PIXELS, MAX_SIDE, too_large
from rgaviz.data.intensities import Deep, Window, finite
from rgaviz.data.silence import SILENCE
from rgaviz.errors import PictureError

LARGEST = 2**28  # bytes of a file: 16 bits of each of as many pixels as any picture may have
PACKED = 2  # times the pixels: packed ones never take more
# What is read; all else is skipped, however much it is.
WANTED = (
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "PhotometricInterpretation"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PlanarConfiguration"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData"),
    *("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction"),
)
# A file of a few bytes may unpack to any number of them.
DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.8.1")


def read_dicom(path: Path, name: str) -> Deep:
    """Stored values times the slope plus the intercept, and the first window that the file names.

    Args:
        path: a regular file.
        name: of it, for messages.

    Raises:
        PictureError: it holds no single grey picture, is too large or damaged, or pydicom is missing.
    """
    try:
        import pydicom
    except ImportError as error:
        raise PictureError(
            f'{name} is a DICOM file, which needs pydicom: pip install "rgaviz[dicom]"'
        ) from error
    try:
        with SILENCE:
            _check_packing(path, name, pydicom)
            found = pydicom.dcmread(path, specific_tags=list(WANTED))
            _check_form(found, path, name)
            return _deep(found, name)
    except PictureError:
        raise
    except MemoryError:
        raise PictureError(f"{name} does not fit into memory: make it smaller first.") from None
    except Exception as error:  # a damaged file can raise nearly anything
        raise PictureError(
            f"{name} is damaged, or packed in a way that pydicom cannot read: export it again."
        ) from error


def _check_packing(path: Path, name: str, pydicom: Any) -> None:
    """Refuse, before the file is read, what may be of any size."""
    if path.stat().st_size > LARGEST:
        raise PictureError(f"{name} has more than {LARGEST // 2**20} MiB: export a single slice.")
    if pydicom.filereader.read_file_meta_info(path).get("TransferSyntaxUID") in DEFLATED:
        raise PictureError(f"{name} is packed as a whole (deflated): export it unpacked.")


def _check_form(found: Any, path: Path, name: str) -> None:
    """Refuse, before its pixels are unpacked, what is no single grey picture or too large."""
    rows, columns = int(found.Rows), int(found.Columns)
    if int(found.get("SamplesPerPixel", 1)) != 1 or "PALETTE" in found.get("PhotometricInterpretation", ""):
        raise PictureError(f"{name} is in colour: export it as PNG.")
    if (frames := int(found.get("NumberOfFrames") or 1)) != 1:
        raise PictureError(f"{name} holds {frames} pictures: export a single slice.")
    if rows * columns > MAX_PIXELS:
        raise too_large(name)
    if max(rows, columns) > MAX_SIDE:
        raise PictureError(f"{name} has a side of more than {MAX_SIDE:,} pixels: cut it first.")
    pixels = rows * columns * int(found.BitsAllocated) // 8
    if found.file_meta.TransferSyntaxUID.is_compressed and path.stat().st_size > PACKED * pixels + 2**20:
        raise PictureError(f"{name} is larger packed than its pixels are: export it unpacked.")


def _deep(found: Any, name: str) -> Deep:
    slope = _number(found, "RescaleSlope", 1.0)
    intercept = _number(found, "RescaleIntercept", 0.0)
    stored = np.asarray(found.pixel_array)  # (H, W)
    ends = [end * slope + intercept for end in _range(found, stored.dtype)]
    inverted = found.get("PhotometricInterpretation") == "MONOCHROME1"  # the largest value is black
    values = stored * np.float32(slope) + np.float32(intercept) if (slope, intercept) != (1, 0) else stored
    return Deep(finite(values, name), Window(min(ends), max(ends)), _window(found), inverted)


def _range(found: Any, kind: np.dtype) -> tuple[float, float]:
    """What the bits that are stored can hold."""
    if kind.kind == "f":
        return 0.0, 1.0
    bits = int(found.BitsStored)
    return (
        (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if found.PixelRepresentation else (0.0, 2.0**bits - 1)
    )


def _number(found: Any, key: str, usual: float) -> float:
    value = found.get(key)
    return usual if value is None else float(value)


def _window(found: Any) -> Window | None:
    """The first window that a file names: its ends by the standard, PS3.3 C.11.2.1.2."""
    centre, width = (_first(found.get(key)) for key in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width <= 0:
        return None
    if width > 1 and found.get("VOILUTFunction", "LINEAR") == "LINEAR":  # of whole values
        centre, width = centre - 0.5, width - 1
    return Window(centre - width / 2, centre + width / 2)


def _first(value: Any) -> float | None:
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return None if not several or several[0] is None else float(several[0])

"""Grey pictures of more than 8 bits: which of their values are black and white."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from rgaviz.data.bounds import MAX_PIXELS
from rgaviz.data.channels import ARRAY, read_array
from rgaviz.data.pictures import FORMATS, check_regular, opened_picture
from rgaviz.errors import PictureError, RgavizError, clipped

DICOM = (".dcm", ".dicom")
AUTO, FULL = "auto", "full"
MODES = ("I", "F")  # of Pillow, and those that begin with ``I;``


class Window(NamedTuple):
    """The values that are shown as black and as white; those beyond are as these."""

    low: float
    high: float


def parse_window(text: str) -> str | Window:
    """``auto``, ``full`` or ``LO,HI``.

    Raises:
        RgavizError: none of these.
    """
    if text in (AUTO, FULL):
        return text
    try:
        low, high = (float(each) for each in text.split(","))
    except (AttributeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise RgavizError(
            f"--window {clipped(text)} cannot be read: write auto, full or LO,HI in the pictures' own values, LO "
            f"below HI."
        )
    return Window(low, high)


def is_deep(path: Path) -> bool:
    """Whether a file is a grey picture of more than 8 bits, as far as its head tells; a damaged one is none."""
    if path.suffix.lower() in (*DICOM, ARRAY):
        return True
    try:
        name = repr(str(path))
        check_regular(path, name)
        with opened_picture(path, name, tuple(FORMATS), unknown="", damaged="{}") as image:
            return _deep_mode(image)
    except PictureError:
        return False


def _deep_mode(image: Image.Image) -> bool:
    return image.mode in MODES or image.mode.startswith("I;")


def window_of(paths: Iterable[Path], asked: str | Window, read: Any = None) -> tuple[Window | None, int]:
    """The window for all pictures of a run, and how many of them it is for; no window where none is deep.

    ``auto`` goes from the least to the largest value of all of them; of DICOM files that say their own window, from the
    least to the largest end of these. ``full`` is all that the kind of number can hold, from 0 to 1 of floating point.

    Args:
        paths: the files.
        asked: as :func:`parse_window` gives it.
        read: reads the values of one; by default :func:`read_values`.
    """
    deep = [path for path in paths if is_deep(path)]
    if not deep or isinstance(asked, Window):
        return (asked if deep and isinstance(asked, Window) else None), len(deep)
    ends = []
    for path in deep:
        try:
            values, own = (read or read_values)(path)
        except PictureError:  # told when it is its turn
            continue
        if asked == FULL:
            ends.append(_range_of(values))
        else:
            ends.append(own or Window(float(values.min()), float(values.max())))
    if not ends:
        return None, 0
    low, high = min(each.low for each in ends), max(each.high for each in ends)
    return Window(low, high if high > low else low + 1), len(deep)


def _range_of(values: np.ndarray) -> Window:
    if values.dtype.kind == "f":
        return Window(0.0, 1.0)
    info = np.iinfo(values.dtype)
    return Window(float(info.min), float(info.max))


def windowed(values: np.ndarray, window: Window) -> np.ndarray:
    """Values (H, W) as RGB (H, W, 3) uint8: ``low`` is 0, ``high`` is 255, linear between, rounded."""
    share = (values.astype(np.float64) - window.low) / (window.high - window.low)
    grey = np.rint(255 * np.clip(np.nan_to_num(share), 0, 1)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def read_values(path: Path) -> tuple[np.ndarray, Window | None]:
    """The values of a deep picture (H, W) as they are in the file, and the window that it names itself.

    Raises:
        PictureError: it cannot be read, or has other than two axes.
    """
    name = repr(str(path))
    if path.suffix.lower() in DICOM:
        return _of_dicom(path, name)
    if path.suffix.lower() == ARRAY:
        values = read_array(path, name)
        if values.ndim != 2 or values.dtype.kind not in "iuf" or not values.size:
            raise PictureError(
                f"{name} is an array {values.shape} of {values.dtype}; a grey picture is (H, W) of numbers."
            )
        return _finite(values, name), None
    check_regular(path, name)
    unknown = f"is not a picture in a known format ({', '.join(FORMATS)}): convert it to PNG."
    damaged = "is truncated or damaged ({}): export or download it again."
    with opened_picture(path, name, tuple(FORMATS), unknown=unknown, damaged=damaged) as image:
        values = np.asarray(image)
    if values.dtype == np.int32 and values.min() >= 0 and values.max() <= 65535:  # mode I is a container
        values = values.astype(np.uint16)
    return _finite(values, name), None


def _finite(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind == "f" and not np.isfinite(values).any():
        raise PictureError(f"{name} has no finite values: write it again.")
    return np.where(np.isfinite(values), values, np.nanmin(values)) if values.dtype.kind == "f" else values


def _of_dicom(path: Path, name: str) -> tuple[np.ndarray, Window | None]:
    """A DICOM file: stored values times its slope plus its intercept, and the first window that it names."""
    check_regular(path, name)
    try:
        from pydicom import dcmread
    except ImportError as error:
        raise PictureError(
            f'{name} is a DICOM file, which needs pydicom: pip install "rgaviz[dicom]"'
        ) from error
    try:
        found = dcmread(path)
        if int(found.Rows) * int(found.Columns) > MAX_PIXELS:
            raise PictureError(f"{name} is too large: cut it first.")
        values = np.asarray(found.pixel_array)
        if values.ndim != 2:
            raise PictureError(f"{name} holds {values.shape}, not one grey picture: export a single slice.")
        slope = float(found.get("RescaleSlope", 1))
        intercept = float(found.get("RescaleIntercept", 0))
        scaled = values.astype(np.float64) * slope + intercept
        inverted = found.get("PhotometricInterpretation") == "MONOCHROME1"  # the largest value is black
        own = _own_window(found)
    except PictureError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise PictureError(
            f"{name} is damaged, or packed in a way that pydicom cannot read: export it again."
        ) from error
    if inverted:
        return _finite(-scaled, name), own and Window(-own.high, -own.low)
    return _finite(scaled, name), own


def _own_window(found: Any) -> Window | None:
    """The first window that a DICOM file names, by its centre and width."""
    ends = []
    for key in ("WindowCenter", "WindowWidth"):
        value = found.get(key)
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        ends.append(None if value is None else float(several[0]))
    centre, width = ends
    return (
        None if centre is None or not width or width <= 0 else Window(centre - width / 2, centre + width / 2)
    )

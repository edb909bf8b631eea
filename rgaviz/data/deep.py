"""Grey pictures of more than 8 bits: which files they are, and one window for all of a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from rgaviz.data.channels import ARRAY, read_array
from rgaviz.data.dicom import read_dicom
from rgaviz.data.intensities import FULL, Deep, Window, finite, whole_of
from rgaviz.data.pictures import FORMATS, check_regular, opened_picture, turn_upright
from rgaviz.errors import PictureError

DICOM = (".dcm", ".dicom")
MODES = ("I", "F")  # of Pillow, and those that begin with ``I;``


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


def window_of(paths: Iterable[Path], asked: str | Window) -> tuple[Window | None, int]:
    """The window for all pictures of a run, and how many of them it is for; no window where none is deep.

    ``auto`` goes from the least to the largest value of all of them; of DICOM files that say their own window, from the
    least to the largest end of these. ``full`` is all that the kind of number can hold, from 0 to 1 of floating point.

    Args:
        paths: the files.
        asked: as :func:`rgaviz.data.intensities.parse_window` gives it.
    """
    deep = [path for path in paths if is_deep(path)]
    if not deep or isinstance(asked, Window):
        return (asked if deep and isinstance(asked, Window) else None), len(deep)
    ends = []
    for path in deep:
        try:
            found = read_deep(path)
        except PictureError:  # told when it is its turn
            continue
        if asked == FULL:
            ends.append(found.whole)
        else:
            ends.append(found.own or Window(float(found.values.min()), float(found.values.max())))
    if not ends:
        return None, 0
    low, high = min(each.low for each in ends), max(each.high for each in ends)
    return Window(low, high if high > low else low + 1), len(deep)


def read_deep(path: Path) -> Deep:
    """A grey picture of more than 8 bits.

    Raises:
        PictureError: it cannot be read, or has other than two axes.
    """
    name = repr(str(path))
    check_regular(path, name)
    if path.suffix.lower() in DICOM:
        return read_dicom(path, name)
    if path.suffix.lower() == ARRAY:
        values = read_array(path, name)
        if values.ndim != 2 or values.dtype.kind not in "iuf" or not values.size:
            raise PictureError(
                f"{name} is an array {values.shape} of {values.dtype}; a grey picture is (H, W) of numbers."
            )
        return Deep(finite(values, name), whole_of(values.dtype))
    unknown = f"is not a picture in a known format ({', '.join(FORMATS)}): convert it to PNG."
    damaged = "is truncated or damaged ({}): export or download it again."
    with opened_picture(path, name, tuple(FORMATS), unknown=unknown, damaged=damaged) as image:
        image.load()
        turn_upright(image)
        values = np.asarray(image)
    if values.dtype == np.int32 and values.min() >= 0 and values.max() <= 65535:  # mode I is a container
        values = values.astype(np.uint16)
    return Deep(finite(values, name), whole_of(values.dtype))

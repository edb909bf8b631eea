"""Values of grey pictures of more than 8 bits, and which of them are black and white."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from rgaviz.data.pictures import STRIP
from rgaviz.errors import PictureError, RgavizError, clipped

AUTO, FULL = "auto", "full"


class Window(NamedTuple):
    """The values that are shown as black and as white; those beyond are as these."""

    low: float
    high: float


class Deep(NamedTuple):
    """A grey picture of more than 8 bits.

    Attributes:
        values: (H, W) as they are in the file, finite.
        whole: all that this kind of number can hold, 0 to 1 of floating point.
        own: the window that the file names itself.
        inverted: whether the least value is white.
    """

    values: np.ndarray
    whole: Window
    own: Window | None = None
    inverted: bool = False


def parse_window(text: str, option: str = "--window") -> str | Window:
    """``auto``, ``full`` or ``LO,HI``, of an option.

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
            f"{option} {clipped(text)} cannot be read: write auto, full or LO,HI in the pictures' own values, LO "
            f"below HI."
        )
    return Window(low, high)


def window_note(window: Window, count: int, option: str = "--window") -> str:
    """What a reader must know of the window of so many pictures."""
    what = "1 grey picture" if count == 1 else f"{count} grey pictures"
    return (
        f"{what} of more than 8 bits: {window.low:g} is shown as black, {window.high:g} as white ({option})."
    )


def whole_of(kind: np.dtype) -> Window:
    """All that a kind of number can hold, from 0 to 1 of floating point."""
    if kind.kind == "f":
        return Window(0.0, 1.0)
    info = np.iinfo(kind)
    return Window(float(info.min), float(info.max))


def windowed(picture: Deep, window: Window) -> np.ndarray:
    """A picture as RGB (H, W, 3) uint8: ``low`` is 0, ``high`` is 255, linear between, rounded."""
    values = picture.values
    shown = np.empty((*values.shape, 3), np.uint8)
    rows = max(1, STRIP // values.shape[1])
    for top in range(0, values.shape[0], rows):  # of a whole picture each step would be another copy
        share = (values[top : top + rows].astype(np.float64) - window.low) / (window.high - window.low)
        grey = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
        shown[top : top + rows] = (255 - grey if picture.inverted else grey)[
            ..., None
        ]  # (h, W, 1) -> (h, W, 3)
    return shown


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """Values, in place of infinity the largest of them, and the least in place of what is no number.

    Raises:
        PictureError: none of them is finite.
    """
    if values.dtype.kind != "f":
        return values
    sound = np.isfinite(values)
    if sound.all():
        return values
    if not sound.any():
        raise PictureError(f"{name} has no finite values: write it again.")
    low, high = values[sound].min(), values[sound].max()
    return np.nan_to_num(values, nan=low, neginf=low, posinf=high)

"""Pictures of other than three channels: spectral bands, stacks of slices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from rgaviz.data.bounds import MAX_PIXELS
from rgaviz.data.pictures import check_regular, opened_picture
from rgaviz.errors import PictureError
from rgaviz.regular import open_regular

USUAL = (1, 3)  # channels that pictures have by themselves
ARRAY = ".npy"
TIFFS = (".tif", ".tiff")
WHOLE = {
    np.dtype(np.uint8): 255.0,
    np.dtype(np.uint16): 65535.0,
}  # kinds of whole numbers and what stands for 1
HEADER = 2**16  # bytes of an array's head at most


def grey(picture: np.ndarray) -> np.ndarray:
    """Of RGB (H, W, 3) uint8 the lightness (H, W, 1), Rec. 601: grey pictures, also (H, W), stay what they are."""
    if picture.shape[2:] != (3,):
        return picture.reshape(*picture.shape[:2], 1)  # (H, W) or (H, W, 1) -> (H, W, 1)
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]


def as_colour(picture: np.ndarray) -> np.ndarray:
    """A grey picture (H, W) or (H, W, 1) as (H, W, 3); one with colours as it is."""
    return picture if picture.shape[2:] == (3,) else np.repeat(grey(picture), 3, axis=2)


def read_channels(path: Path | str, channels: int) -> np.ndarray:
    """A picture of so many channels, (H, W, channels) float32 in [0, 1].

    An array in a ``.npy`` file, (H, W, C) or (C, H, W), or the grey pages of a TIFF; of 8 or 16 bits, divided by what
    these can hold, or of floating point from 0 to 1.

    Args:
        path: the file.
        channels: of the network.

    Raises:
        PictureError: no such file, another number of channels, too large, or values outside [0, 1].
    """
    path, name = Path(path), repr(str(path))
    check_regular(path, name)
    if path.suffix.lower() == ARRAY:
        return _scaled(_as_last(read_array(path, name), channels, name), name)
    if path.suffix.lower() in TIFFS:
        return _scaled(_pages(path, channels, name), name)
    raise PictureError(
        f"{name} has three channels, and this network takes {channels}: give a .npy array or a TIFF of {channels} "
        f"pages."
    )


def shown_channels(picture: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Of the channels (H, W, C) three as red, green and blue, or one as grey: (H, W, 3) uint8."""
    chosen = picture[..., list(places)]
    three = chosen if len(places) == 3 else np.repeat(chosen, 3, axis=2)
    return np.round(255 * three).astype(np.uint8)


def read_array(path: Path, name: str) -> np.ndarray:
    """The array of a ``.npy`` file of bounded size; nothing in it is executed.

    Raises:
        PictureError: it is none, or too large.
    """
    try:
        with open_regular(path, 2**40) as file:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[
                version
            ]
            shape, _, kind = read(file, max_header_size=HEADER)
            if np.prod(shape, dtype=float) * kind.itemsize > 8 * MAX_PIXELS or kind.hasobject:
                raise PictureError(f"{name} is an array {shape} of {kind}, which is too large: cut it first.")
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    except PictureError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise PictureError(f"{name} is no array of NumPy: write it with numpy.save.") from error


def _pages(path: Path, channels: int, name: str) -> np.ndarray:
    unknown, damaged = "is no TIFF: convert it.", "is truncated or damaged ({}): export or download it again."
    with opened_picture(path, name, ("TIFF",), unknown=unknown, damaged=damaged) as image:
        count = getattr(image, "n_frames", 1)
        if count != channels:
            raise PictureError(
                f"{name} has {count} page{'s' if count > 1 else ''}, and this network takes {channels} channels."
            )
        if image.size[0] * image.size[1] * count > MAX_PIXELS:
            raise PictureError(f"{name} is too large: cut it first.")
        return np.stack([_page(image, page, name) for page in range(count)], axis=-1)  # (H, W, C)


def _page(image: Image.Image, page: int, name: str) -> np.ndarray:
    size = image.size
    image.seek(page)
    if image.size != size or len(image.getbands()) > 1:
        raise PictureError(
            f"{name} has pages of several sizes or colours: save each channel as a grey page of one size."
        )
    return np.asarray(image)


def _as_last(values: np.ndarray, channels: int, name: str) -> np.ndarray:
    """(H, W, C) of an array in either order."""
    if values.ndim == 3 and values.shape[2] == channels:
        return values
    if values.ndim == 3 and values.shape[0] == channels:
        return values.transpose(1, 2, 0)  # (C, H, W) -> (H, W, C)
    if values.ndim == 2 and channels == 1:
        return values[..., None]
    raise PictureError(
        f"{name} is an array {values.shape}, and this network takes {channels} channels: save (H, W, {channels})."
    )


def _scaled(values: np.ndarray, name: str) -> np.ndarray:
    if not values.size:
        raise PictureError(f"{name} is empty: write it again.")
    if values.dtype in WHOLE:
        return (values / WHOLE[values.dtype]).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind != "f" or not 0 <= low <= high <= 1:
        raise PictureError(
            f"{name} holds {values.dtype} from {low:.4g} to {high:.4g}: scale it to 0 to 1, or save it as uint8 or "
            f"uint16."
        )
    return values.astype(np.float32)

"""One picture in, geometry kept: decoding and sizing of the user's own pictures."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rgaviz.errors import PictureError

if TYPE_CHECKING:
    import torch

# Only decoders of plain raster files: Pillow also opens formats that start other programs (EPS).
FORMATS = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "PPM": (".pbm", ".pgm", ".pnm", ".ppm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
PICTURE_SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
MAX_PIXELS = 89_000_000  # about a quarter of a gigabyte of RGB


class _Silence:
    """No warnings of Pillow's about odd files, while any thread is reading one.

    ``warnings.catch_warnings`` swaps the filters of the whole process; threads that each did so would restore
    them in the wrong order, so the first one in swaps them and the last one out puts them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._readers += 1

    def __exit__(self, *fault: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                self._filters.__exit__(None, None, None)


SILENCE = _Silence()


def read_picture(path: str | Path) -> np.ndarray:
    """The picture as it is meant to be seen: (H, W, 3) uint8 RGB.

    EXIF orientation is applied, transparency is composited over white, 16-bit grey is scaled to 8 bits, and
    of an animation the first frame is taken.

    Raises:
        PictureError: the file is missing, empty, damaged, too large, or holds no picture we can show.
    """
    path = Path(path)
    name = repr(str(path))
    _check_file(path, name)
    with SILENCE:
        try:
            with Image.open(path, formats=tuple(FORMATS)) as image:
                _check_size(image.size, name)
                image.load()
                _turn_upright(image)
                return _rgb(image, name)
        except PictureError:
            raise
        except Image.DecompressionBombError:
            raise _too_large(name) from None
        except UnidentifiedImageError:
            known = ", ".join(FORMATS)
            raise PictureError(
                f"{name} is not a picture in a known format ({known}): convert it to PNG."
            ) from None
        except MemoryError:
            raise PictureError(f"{name} does not fit into memory: make it smaller first.") from None
        except Exception as error:  # a damaged file can raise nearly anything: ValueError, struct.error, ...
            reason = " ".join(str(error).split()) or type(error).__name__
            raise PictureError(
                f"{name} is truncated or damaged ({reason}): export or download it again."
            ) from error


def shown_picture(picture: np.ndarray, longest: int = 512) -> np.ndarray:
    """The picture, (H, W, 3) uint8, made smaller so that its longest side is at most ``longest`` pixels.

    The aspect ratio is kept, and a small picture is returned as it is.
    """
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    return resize_picture(picture, (max(1, round(height * scale)), max(1, round(width * scale))))


def network_input(
    picture: np.ndarray, image_size: tuple[int, int], mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """The normalised network input of one picture: (3, H, W) float32.

    The whole picture is resized, without a crop even where the aspect ratio changes: a map of the network
    then covers the whole picture, and stretched back it lies on the pixels it speaks of.

    Args:
        picture: (h, w, 3) uint8 RGB.
        image_size: (H, W) of the network.
        mean: of each channel, for values in [0, 1].
        std: of each channel, for values in [0, 1].
    """
    import torch

    resized = resize_picture(picture, image_size)  # (H, W, 3)
    values = torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1))).float() / 255  # (3, H, W)
    return (values - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def _check_file(path: Path, name: str) -> None:
    """What can be said before decoding."""
    try:
        if not path.exists():
            raise PictureError(f"{name} does not exist: check the name.")
        if path.is_dir():
            raise PictureError(f"{name} is a folder, not a picture: name a file in it.")
        if not path.is_file():  # opening a pipe would wait for ever
            raise PictureError(f"{name} is not a regular file: save the picture to a file first.")
        if path.stat().st_size == 0:
            raise PictureError(f"{name} is empty: export or download it again.")
        path.open("rb").close()
    except OSError as error:
        raise PictureError(
            f"{name} cannot be read ({error.strerror}): check its name and permissions."
        ) from error


def _check_size(size: tuple[int, int], name: str) -> None:
    """Before any pixel is decoded: a file of a few bytes can claim gigabytes."""
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> PictureError:
    return PictureError(f"{name} has more than {MAX_PIXELS // 10**6} million pixels: make it smaller first.")


def _turn_upright(image: Image.Image) -> None:
    """Turns the pixels as EXIF says, in place: what is done before damaged EXIF data are met stays done."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # damaged EXIF data say nothing against the pixels; nearly anything can be raised
        return


def _rgb(image: Image.Image, name: str) -> np.ndarray:
    """Any mode Pillow decodes to, as (H, W, 3) uint8."""
    if image.mode == "F":
        raise PictureError(f"{name} holds floating-point values without a scale: convert it to 8-bit first.")
    if image.mode.startswith("I"):
        image = Image.fromarray(_eight_bit(np.asarray(image), name))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.array(image.convert("RGB"))


def _eight_bit(values: np.ndarray, name: str) -> np.ndarray:
    """Integer grey (H, W) as uint8: 65535 becomes 255, where Pillow's own conversion would clip."""
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise PictureError(f"{name} holds values from {low} to {high}: convert it to 8-bit first.")
    if values.dtype.itemsize > 2 and high <= 255:  # mode I is a container: the values may be 8-bit ones
        return values.astype(np.uint8)
    return ((values.astype(np.int32) + 128) // 257).astype(np.uint8)


def resize_picture(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """To ``size`` (H, W): first what shrinks, by area; then what grows, linearly.

    In one call cv2 would alias the side that shrinks when the other one grows.
    """
    for (height, width), method in (
        (np.minimum(picture.shape[:2], size), cv2.INTER_AREA),
        (size, cv2.INTER_LINEAR),
    ):
        if picture.shape[:2] != (height, width):
            picture = cv2.resize(picture, (int(width), int(height)), interpolation=method)
    return picture


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

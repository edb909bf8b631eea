"""One picture in, geometry kept: decoding and sizing of the user's own pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rgaviz.data.bounds import MAX_SIDE, Bounded, check_cost, check_file, draft, too_large
from rgaviz.data.silence import SILENCE
from rgaviz.errors import PictureError, kind_of

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
UNKNOWN = f"is not a picture in a known format ({', '.join(FORMATS)}): convert it to PNG."
DAMAGED = "is truncated or damaged ({}): export or download it again."
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)  # of EXIF: those that swap width and height
PICTURE_SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
MAX_SHOWN = 512  # pixels of the longest side of what is shown
STRIP = 1_000_000  # pixels converted at a time: of a whole picture each step would be another copy


def read_picture(path: str | Path, *, full: bool = False) -> np.ndarray:
    """The picture as it is meant to be seen: (H, W, 3) uint8 RGB.

    EXIF orientation is applied, transparency is composited over white, 16-bit grey is scaled to 8 bits, and
    of an animation the first frame is taken.

    Args:
        path: the file.
        full: at its full size, as labels of its pixels need it; else a very large JPEG is decoded smaller.

    Raises:
        PictureError: the file is missing, empty, damaged, too large, or holds no picture we can show.
    """
    path = Path(path)
    name = repr(str(path))
    check_regular(path, name)
    with opened_picture(path, name, tuple(FORMATS), unknown=UNKNOWN, damaged=DAMAGED) as image:
        if not full:
            draft(image)
        image.load()
        turn_upright(image)
        return _rgb(image, name)


def picture_size(path: Path) -> tuple[int, int]:
    """(h, w) of a picture as it is meant to be seen, by its header.

    Raises:
        PictureError: as :func:`read_picture`, as far as the header tells.
    """
    name = repr(str(path))
    check_regular(path, name)
    with opened_picture(path, name, tuple(FORMATS), unknown=UNKNOWN, damaged=DAMAGED) as image:
        turned = image.getexif().get(ORIENTATION) in SIDEWAYS
        return (image.width, image.height) if turned else (image.height, image.width)


@contextmanager
def opened_picture(
    path: Path, name: str, formats: tuple[str, ...], *, unknown: str, damaged: str
) -> Iterator[Image.Image]:
    """A stranger's picture, open within the block: in one of some formats, within the bounds of what it may cost.

    Args:
        path: the file.
        name: of it, for messages.
        formats: of Pillow's.
        unknown: how the message goes on where it has another one.
        damaged: likewise where it is damaged, with the reason for ``{}``.

    Raises:
        PictureError: it cannot be opened or read, also by what is done with it in the block.
    """
    with SILENCE:
        try:
            with Bounded(path, name) as file:
                check_file(file, name)
                with Image.open(file, formats=formats) as image:
                    check_cost(image, path, name)
                    yield image
        except PictureError:
            raise
        except Image.DecompressionBombError:
            raise too_large(name) from None
        except UnidentifiedImageError:
            raise PictureError(f"{name} {unknown}") from None
        except MemoryError:
            raise PictureError(f"{name} does not fit into memory: make it smaller first.") from None
        except Exception as error:  # a damaged file can raise nearly anything: ValueError, struct.error, ...
            reason = " ".join(str(error).split()) or type(error).__name__
            raise PictureError(f"{name} {damaged.format(reason)}") from error


def shown_picture(picture: np.ndarray, longest: int = MAX_SHOWN) -> np.ndarray:
    """The picture, (H, W, 3) uint8, made smaller so that its longest side is at most ``longest`` pixels.

    The aspect ratio is kept, and a small picture is returned as it is.
    """
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    return resize_picture(picture, (max(1, round(height * scale)), max(1, round(width * scale))))


def check_array(picture: Any, channels: int = 3, *, grey: bool = False) -> np.ndarray:
    """A picture that was given as an array, if it is one: (H, W, 3) uint8, or of more channels in [0, 1].

    Args:
        picture: anything.
        channels: of the network.
        grey: (H, W) and (H, W, 1) uint8 are pictures, too.

    Raises:
        PictureError: it is none.
    """
    if not isinstance(picture, np.ndarray):
        raise PictureError(
            f"A picture is a path or an array, not {kind_of(picture)}; give np.asarray(image)."
        )
    if channels != 3:
        whole = (
            picture.ndim == 3 and picture.shape[2] == channels and picture.size and picture.dtype.kind == "f"
        )
        if not whole or not 0 <= float(picture.min()) <= float(picture.max()) <= 1:
            raise PictureError(
                f"A picture of {channels} channels is (H, W, {channels}) of floating point in [0, 1], not "
                f"{picture.shape} "
                f"{picture.dtype}; scale it first."
            )
        return picture.astype(np.float32)
    without_colour = grey and (picture.ndim == 2 or picture.shape[2:] == (1,))
    if picture.dtype != np.uint8 or not (without_colour or picture.shape[2:] == (3,)) or not picture.size:
        raise PictureError(
            f"A picture as an array is RGB, (H, W, 3) uint8, not {picture.shape} {picture.dtype}; convert it first: "
            'np.asarray(image.convert("RGB")).'
        )
    if max(picture.shape) > MAX_SIDE:
        raise PictureError(f"The array has a side of more than {MAX_SIDE:,} pixels: cut it first.")
    return picture


def network_input(
    picture: np.ndarray, image_size: tuple[int, int], mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """The normalised network input of one picture: (C, H, W) float32.

    The whole picture is resized, without a crop even where the aspect ratio changes: a map of the network
    then covers the whole picture, and stretched back it lies on the pixels it speaks of.

    Args:
        picture: (h, w, C) uint8, as RGB, or floating point in [0, 1].
        image_size: (H, W) of the network.
        mean: of each channel, for values in [0, 1].
        std: of each channel, for values in [0, 1].
    """
    import torch

    if picture.shape[2] == 3:
        resized = resize_picture(picture, image_size)  # (H, W, 3)
    else:  # of one channel cv2 drops the axis, and of many it knows not all ways
        layers = [resize_picture(picture[..., place], image_size) for place in range(picture.shape[2])]
        resized = np.stack(layers, axis=2)  # (H, W, C)
    values = torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1))).float()  # (C, H, W)
    values = values / 255 if picture.dtype == np.uint8 else values
    return (values - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


def check_regular(path: Path, name: str) -> None:
    """Refuse what can be told before decoding.

    Args:
        path: the file.
        name: of it, for messages.

    Raises:
        PictureError: no such file, no regular one, an empty one, or one that cannot be read.
    """
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


def turn_upright(image: Image.Image) -> None:
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
    highest = _highest(image, name) if image.mode.startswith("I") else 0
    width, height = image.size
    picture = np.empty((height, width, 3), np.uint8)
    for top, strip in _strips(image):
        picture[top : top + strip.height] = _strip_rgb(strip, highest)
    return picture


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The picture from top to bottom: the row at which each part begins, and the part."""
    width, height = image.size
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows)))


def _strip_rgb(strip: Image.Image, highest: int) -> np.ndarray:
    """A part (h, W, 3), of integer grey with the highest value of the whole picture."""
    if strip.mode.startswith("I"):
        strip = Image.fromarray(_eight_bit(np.asarray(strip), highest))
    if strip.has_transparency_data:
        layer = strip.convert("RGBA")
        strip = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.asarray(strip.convert("RGB"))


def _highest(image: Image.Image, name: str) -> int:
    """The highest value of integer grey, which must be of 16 bits."""
    ends = [(int(part.min()), int(part.max())) for part in (np.asarray(strip) for _, strip in _strips(image))]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if low < 0 or high > 65535:
        raise PictureError(f"{name} holds values from {low} to {high}: convert it to 8-bit first.")
    return high


def _eight_bit(values: np.ndarray, highest: int) -> np.ndarray:
    """Integer grey (H, W) as uint8: 65535 becomes 255, where Pillow's own conversion would clip."""
    if values.dtype.itemsize > 2 and highest <= 255:  # mode I is a container: the values may be 8-bit ones
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

"""PNGs that carry this program's name, by which they are known as ours where no ledger has them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rgaviz.errors import OutputError
from rgaviz.pngs import png_bytes
from rgaviz.regular import open_regular
from rgaviz.writing import atomic_write

if TYPE_CHECKING:
    import numpy as np

SOFTWARE = "Software", "rgaviz"  # a text in each of them
MARK = "tEXt{}\0{}".format(*SOFTWARE).encode()  # the same in the file, behind its size and kind
BEGINS = 100  # bytes that have it


def save_marked(path: Path, image: Image.Image) -> None:
    """Write an image of any kind as a PNG with our name in it.

    Raises:
        OutputError: it cannot be written.
    """
    info = PngInfo()
    info.add_text(*SOFTWARE)
    atomic_write(path, lambda file: image.save(file, format="PNG", pnginfo=info))


def save_marked_rgb(path: Path, pixels: np.ndarray) -> None:
    """Write RGB uint8 (H, W, 3) as a PNG with our name in it.

    Raises:
        OutputError: it cannot be written.
    """
    atomic_write(path, png_bytes(pixels, SOFTWARE))


def claim_marked(paths: Iterable[Path], own: Collection[Path] = ()) -> None:
    """Make sure that such files may be written.

    Args:
        paths: of the files.
        own: files that a ledger has as ours.

    Raises:
        OutputError: a folder or someone else's file has one of the names.
    """
    for path in paths:
        if path not in own and os.path.lexists(path) and not _is_marked(path):
            raise OutputError(
                f"{path} is there and was not written by rgaviz: choose another folder with -o."
            )


def _is_marked(path: Path) -> bool:
    try:
        with open_regular(path, 2**40) as file:
            return MARK in file.read(BEGINS)
    except (OSError, ValueError):
        return False

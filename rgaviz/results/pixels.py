"""A picture of a results folder: a PNG of the size that the manifest says, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from rgaviz.regular import open_regular
from rgaviz.results.manifest import ResultsError

FORMATS = ("PNG",)  # as we write them; of others Pillow knows some that start other programs
SPARE = 2**20  # bytes of a file beyond its pixels


def read_pixels(path: Path, size: Sequence[int], within: Path) -> np.ndarray:
    """The picture, RGB uint8 (H, W, 3).

    Args:
        path: its file.
        size: (H, W).
        within: the folder that no link may lead out of.

    Raises:
        ResultsError: no such picture, or another one.
    """
    height, width = size
    try:
        with open_regular(path, 8 * height * width + SPARE, within=within) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd files
            with Image.open(file, formats=FORMATS) as image:
                if image.size != (width, height):
                    raise ValueError(image.size)
                return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ResultsError(f"Cannot read {path}: run the command that made it again.") from error

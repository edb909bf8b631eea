"""What generated data sets share: streams of random numbers, and what cannot be drawn."""

from __future__ import annotations

import hashlib

import numpy as np

from rgaviz.devices import available_memory
from rgaviz.errors import RgavizError

Generator = np.random.Generator
SMALLEST = 16  # pixels of a side; below, nothing can be told apart


def stream(*words: object) -> Generator:
    """A stream of its own for everything that has another name; hashing keeps any two apart."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


def check(name: str, count: int, image_size: tuple[int, int]) -> None:
    """Refuse what a data set cannot draw.

    Args:
        name: of the data set.
        count: number of pictures.
        image_size: (H, W) in pixels.

    Raises:
        RgavizError: the count is negative, or the pictures are too small to show anything.
    """
    height, width = image_size
    if count < 0:
        raise RgavizError(f"{name} cannot make {count} pictures: give a size of 0 or more.")
    if min(image_size) < SMALLEST:
        raise RgavizError(f"{name} needs at least {SMALLEST}x{SMALLEST} pixels, not {height}x{width}.")


def check_memory(count: int, image_size: tuple[int, int]) -> None:
    """Refuse more pictures than memory holds: of each its colours and its mask.

    Raises:
        RgavizError: more are asked for.
    """
    import torch

    wanted, there = 4 * count * image_size[0] * image_size[1], available_memory(torch.device("cpu"))
    if wanted > there:
        raise RgavizError(
            f"{count} pictures of {image_size[0]}x{image_size[1]} take {wanted / 2**30:.0f} GiB of memory, of which "
            f"{there / 2**30:.0f} are free; make fewer or smaller ones."
        )

"""Distances between features that depend on nothing but the features: not on blocks, threads or their places.

Each feature is rounded to whole numbers whose length is below 2**26, times a power of two. A sum of products of such
numbers never exceeds 2**53, so float64 holds it exactly in whatever order it is summed: equal features have equal
distances to any other, and are at distance 0 of each other. Rounding moves a feature by at most sqrt(d) * 2**-26 of its
length, less than what float32 arithmetic in a network does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from rgaviz.devices import available_memory
from rgaviz.errors import lookup
from rgaviz.progress import Track, silent

BITS = 26  # twice as many, and one for rounding, are what float64 has
BLOCK = 192 * 2**20  # bytes of a block of distances, at most
ROWS, COLUMNS = 2048, 1024  # features that are rounded at once, at most


class Rounded(NamedTuple):
    """Features as whole numbers, all float64.

    Attributes:
        whole: (n, d) whole numbers; times ``scale`` they are the features.
        squares: (n, 1) sums of their squares.
        scale: (n, 1) powers of two.
    """

    whole: Tensor
    squares: Tensor
    scale: Tensor


def rounded(features: Tensor) -> Rounded:
    """Features (n, d), finite and at most single precision, as whole numbers."""
    wide = features.double()  # a copy
    # Lengths are not summed exactly. That must not decide the scale where they are a round number: hence the margin.
    length = 1.0001 * torch.linalg.vector_norm(wide, dim=1, keepdim=True)  # (n, d) -> (n, 1)
    exponent = torch.frexp(length).exponent.long() - BITS
    whole = wide.mul_(_power_of_two(-exponent)).round_()
    return Rounded(whole, _dots(whole, whole), _power_of_two(exponent))


def _dots(left: Tensor, right: Tensor) -> Tensor:
    """Sums of products of rows (n, d) with rows, (n, 1)."""
    return torch.linalg.vecdot(left, right)[:, None]


def _power_of_two(exponent: Tensor) -> Tensor:
    """2.0**exponent, of int64, by its bits: ``pow`` need not be exact on every device."""
    return (exponent + 1023 << 52).view(torch.float64)


def cosine(dots: Tensor, left: Rounded, right: Rounded) -> Tensor:
    """1 - cos, from 0 to 2; of a zero feature and any other 1. Overwrites ``dots``."""
    lengths = (left.squares * right.squares).sqrt_().clamp_(min=1)  # 1: of zeros, whose product is 0
    return dots.div_(lengths).neg_().add_(1).clamp_(min=0)


def euclidean(dots: Tensor, left: Rounded, right: Rounded) -> Tensor:
    """The length of the difference. Overwrites ``dots``."""
    squares = left.squares * left.scale**2 + right.squares * right.scale**2
    return squares.add_(dots.mul_(left.scale).mul_(right.scale), alpha=-2).clamp_(min=0).sqrt_()


# Sums of products of whole numbers, and the features, which broadcast: squares and scale (n, 1), (1, m) or both (n, 1).
DISTANCES: dict[str, Callable[[Tensor, Rounded, Rounded], Tensor]] = {
    "cosine": cosine,
    "euclidean": euclidean,
}


def distance_blocks(
    rows: Tensor, columns: Tensor, distance: str, track: Track = silent, title: str = ""
) -> Iterator[Tensor]:
    """Distances of features (n, d) to features (m, d), in blocks (b, m) float32 from the first row to the last.

    A block is overwritten when the next one is asked for. Beside it no more than about 200 MB are used for d = 2048.

    Args:
        rows: features, finite; moved to the device of ``columns`` block by block.
        columns: features, finite.
        distance: a key of ``DISTANCES``.
        track: wraps the loop, for a progress bar.
        title: of the progress bar.
    """
    measure = lookup(DISTANCES, distance, "distance")
    most = min(BLOCK, int(available_memory(columns.device) / 4)) // (4 * len(columns))
    parts = rows.split(max(1, min(ROWS, most)))
    block = torch.empty(len(parts[0]), len(columns), device=columns.device)
    for part in track(parts, total=len(parts), description=title):
        left = rounded(part.to(columns.device))
        for start in range(0, len(columns), COLUMNS):
            stop = start + COLUMNS
            right = rounded(columns[start:stop])
            flat = right._replace(squares=right.squares.T, scale=right.scale.T)  # (n, 1) -> (1, n)
            block[: len(part), start:stop] = measure(left.whole @ right.whole.T, left, flat)
        yield block[: len(part)]


def pair_distances(left: Tensor, right: Tensor, distance: str) -> Tensor:
    """Distances of features (n, d) to features (n, d) pair by pair, (n,) float32: the same as in a block."""
    a, b = rounded(left), rounded(right)
    return lookup(DISTANCES, distance, "distance")(_dots(a.whole, b.whole), a, b)[:, 0].float()

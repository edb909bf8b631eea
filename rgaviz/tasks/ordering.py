"""Distances in order, at equal ones by index, as numbers that are all different.

A key is a distance's bits, which order as it does since it is not negative, above the index.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

LAST = 2**63 - 1  # the key of what is left out
NUMPY = ("cpu",)  # devices whose memory it reads
CACHED = 2**21  # bytes of keys that are sorted at once on a CPU, where they should stay in its cache
AT_ONCE = 2**26  # the same on other devices


def slices(block: Tensor) -> tuple[Tensor, ...]:
    """A block of distances (b, g) in pieces (at most b, g) whose keys are sorted at once."""
    size = CACHED if block.device.type in NUMPY else AT_ONCE
    return block.split(max(1, size // (8 * block.shape[1])))


def keys_of(distances: Tensor) -> Tensor:
    """Distances (b, g), float32 and not negative, as int64."""
    bits = distances.view(torch.int32)
    if bits.device.type in NUMPY:  # by NumPy: what fits into a cache is too little for PyTorch's threads
        keys = bits.numpy().astype(np.int64)
        keys <<= 32
        keys |= np.arange(keys.shape[1])
        return torch.from_numpy(keys)
    return bits.long().bitwise_left_shift_(32).bitwise_or_(torch.arange(bits.shape[1], device=bits.device))


def in_order(keys: Tensor) -> Tensor:
    """Each row in order; overwrites ``keys`` or not.

    On a CPU by NumPy, whose vector instructions are many times as fast as PyTorch's sort.
    """
    if keys.device.type in NUMPY:
        keys.numpy().sort(axis=1)
        return keys
    return keys.sort(1).values


def indices(keys: Tensor) -> Tensor:
    """The indices of keys, -1 of what is left out."""
    return keys.bitwise_and(2**32 - 1).masked_fill_(keys == LAST, -1)


def distances_of(keys: Tensor) -> Tensor:
    """The distances of keys, infinite of what is left out."""
    return keys.bitwise_right_shift(32).int().view(torch.float32).masked_fill_(keys == LAST, torch.inf)

"""Relations on demand, of the network as it is used."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

Found = TypeVar("Found")


class Related(NamedTuple):
    """What some nodes of a graph have to do with all n.

    Attributes:
        rows: R(i, :), what node i looks at (B, k, n).
        columns: R(:, i), what looks at node i (B, k, n).
    """

    rows: Tensor
    columns: Tensor


def picked(nodes: Tensor, asked: Tensor) -> Tensor:
    """Of nodes (B, n, d) those asked for, by their places (B, k): (B, k, d)."""
    return nodes.gather(1, asked[..., None].expand(-1, -1, nodes.shape[2]))


def on_a_copy(compute: Callable[..., Found]) -> Callable[..., Found]:
    """Compute relations on a copy of the module in eval mode, in float32 or better, outside autocast.

    So no running statistics move, a picture's relations are the same alone and in a batch, and products of features
    with features end neither at float16's 65504 nor in bfloat16's eight bits.
    """

    @wraps(compute)
    def computed(self: Any, x: Tensor, *args: Any, **options: Any) -> Found:
        wide = torch.promote_types(x.dtype, torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            return compute(copy.deepcopy(self).eval().to(wide), x.to(wide), *args, **options)

    return computed

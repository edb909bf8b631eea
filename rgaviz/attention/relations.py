"""Relations on demand, of the network as it is used."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor


def on_a_copy(affinity: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Compute relations on a copy of the module in eval mode, in float32 or better, outside autocast.

    So no running statistics move, a picture's relations are the same alone and in a batch, and products of features
    with features end neither at float16's 65504 nor in bfloat16's eight bits.
    """

    @wraps(affinity)
    def computed(self: Any, x: Tensor, *args: Any, **options: Any) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            return affinity(copy.deepcopy(self).eval().to(wide), x.to(wide), *args, **options)

    return computed

"""What a class activation map is about."""

from __future__ import annotations

import torch
from torch import Tensor

from rgaviz.errors import RgavizError, lookup


def choose_targets(logits: Tensor, target: str | int | Tensor) -> Tensor:
    """Class indices (B, T) for ``logits`` (B, classes); ``target`` as in :func:`explain`.

    Raises:
        RgavizError: a class that does not exist, or the wrong number of targets.
    """
    batch, classes = logits.shape
    if isinstance(target, str):
        count = lookup({"top1": 1, "top5": 5}, target, "target")
        return logits.topk(min(count, classes), dim=1).indices
    chosen = torch.as_tensor(target, device=logits.device).long()
    chosen = chosen.expand(batch, 1) if chosen.ndim == 0 else chosen
    if chosen.ndim != 2 or len(chosen) != batch:
        raise RgavizError(f"{len(chosen)} targets for {batch} images; give one class index per image.")
    if int(chosen.min()) < 0 or int(chosen.max()) >= classes:
        raise RgavizError(f"A target lies outside the {classes} classes (0 to {classes - 1}).")
    return chosen

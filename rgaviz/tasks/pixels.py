"""The loss of logits for every pixel, of which some are ignored."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from rgaviz.data.windows import IGNORED


def pixel_labels(logits: Tensor) -> Tensor:
    """The class of every pixel (B, H, W) by logits (B, K, H, W): as ``argmax(1)``, in a sixth of the time on a CPU."""
    return logits.max(1).indices


def pixel_weight(labels: Tensor, weights: Sequence[float] | None) -> Tensor:
    """How much the pixels of some pictures count together.

    Args:
        labels: (b, H, W), ``IGNORED`` counts nothing.
        weights: of each class, or None for 1.
    """
    valid = labels[labels != IGNORED]
    if weights is None:
        return torch.tensor(valid.numel(), dtype=torch.float32, device=labels.device)
    return torch.tensor(weights, device=labels.device)[valid].sum()


def pixel_loss(
    logits: Tensor,
    labels: Tensor,
    weights: Sequence[float] | None = None,
    *,
    keep: int = 0,
    threshold: float = 0.7,
) -> Tensor:
    """Mean cross-entropy over the pixels that are not ignored, each weighted by its class; 0 where all are.

    With ``keep`` only hard pixels count (Shrivastava et al., *Training Region-based Object Detectors with Online Hard
    Example Mining*, CVPR 2016; for pixels as in OCNet): those whose own class gets a probability below ``threshold``,
    and at least ``keep``, the hardest.

    Args:
        logits: (b, K, H, W).
        labels: (b, H, W) int64, ``IGNORED`` or a class.
        weights: of each class, or None for 1.
        keep: pixels; 0 keeps all.
        threshold: a probability.
    """
    # F.cross_entropy's own mean over no pixel is NaN.
    loss = F.cross_entropy(logits, labels, _tensor(weights, logits), ignore_index=IGNORED, reduction="none")
    valid = labels != IGNORED  # (b, H, W)
    if keep:
        valid = valid & _hard(logits.detach(), labels, valid, keep, threshold)
    total = pixel_weight(labels.masked_fill(~valid, IGNORED), weights)
    return (loss * valid).sum() / total.clamp(min=torch.finfo(loss.dtype).tiny)


def _hard(logits: Tensor, labels: Tensor, valid: Tensor, keep: int, threshold: float) -> Tensor:
    """Which pixels (b, H, W) are hard."""
    own = labels.masked_fill(~valid, 0)[:, None]  # (b, 1, H, W)
    probability = logits.softmax(1).gather(1, own)[:, 0].masked_fill(~valid, 2.0)  # (b, H, W)
    count = min(keep, int(valid.sum()))
    if count == 0:
        return valid
    limit = probability.flatten().kthvalue(count).values  # of the keep-th hardest
    return probability <= limit.clamp(min=threshold)


def _tensor(weights: Sequence[float] | None, like: Tensor) -> Tensor | None:
    return None if weights is None else torch.tensor(weights, device=like.device, dtype=like.dtype)

"""What is measured of a classifier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    num_classes: int,
    precision: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Loss and confusion of a classifier, which is left in eval mode.

    Args:
        model: (B, 3, H, W) -> (B, K) logits.
        batches: normalised images and labels, on the model's device.
        num_classes: K.
        precision: to multiply in; bfloat16 means autocast.

    Returns:
        The summed cross-entropy, float64, and the confusion matrix (K, K) int64, rows the true class.
    """
    model.eval()
    loss = torch.zeros((), dtype=torch.float64)
    confusion = torch.zeros(num_classes * num_classes, dtype=torch.int64)
    for images, labels in batches:
        with torch.autocast(images.device.type, precision, enabled=precision != torch.float32):
            logits = model(images)
        loss += F.cross_entropy(logits.float(), labels, reduction="sum").cpu().double()  # MPS has no float64
        pairs = labels * num_classes + logits.argmax(1)  # (B,)
        confusion += torch.bincount(pairs, minlength=num_classes**2).cpu()
    return loss, confusion.view(num_classes, num_classes)


def summarise(loss: Tensor, confusion: Tensor) -> dict[str, float]:
    """``test_loss`` and ``test_error`` in percent, from :func:`evaluate`."""
    count = int(confusion.sum())
    error = 100 * (1 - int(confusion.diagonal().sum()) / count)
    return {"test_loss": float(loss) / count, "test_error": error}


def class_errors(confusion: Tensor) -> list[float | None]:
    """Error in percent of every class; None for a class without images."""
    rows: list[Any] = confusion.sum(1).tolist()
    hits: list[Any] = confusion.diagonal().tolist()
    return [100 * (1 - hit / row) if row else None for hit, row in zip(hits, rows, strict=True)]

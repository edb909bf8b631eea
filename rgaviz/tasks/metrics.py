"""Counting what was right."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def confusion(truth: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """How often each class was taken for each: labels (b,) and (b,) -> (classes, classes) int64, rows the true one."""
    pairs = truth * classes + predicted  # (b,)
    return torch.bincount(pairs, minlength=classes**2).view(
        classes, classes
    )  # (classes^2,) -> (classes, classes)


def class_errors(confusion: Tensor) -> list[float | None]:
    """Error in percent of every class; None for a class without images."""
    rows: list[Any] = confusion.sum(1).tolist()
    hits: list[Any] = confusion.diagonal().tolist()
    return [100 * (1 - hit / row) if row else None for hit, row in zip(hits, rows, strict=True)]

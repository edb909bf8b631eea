"""Counting what was right, and how high it is ranked."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rgaviz.tasks.ranking import rank


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


def rank_metrics(
    query: Any,
    gallery: Any,
    query_ids: Any,
    gallery_ids: Any,
    query_cameras: Any,
    gallery_cameras: Any,
    distance: str = "cosine",
    ap: str = "step",
    *,
    within_camera: bool = False,
) -> dict[str, float]:
    """How well features find pictures of the same person by other cameras, by Market-1501's protocol.

    Left out are junk (identity -1), for each query what shows its identity by its own camera, and queries without a
    match. Identity 0 is a distractor. At equal distances the gallery's order decides.

    Args:
        query: features (q, d): a tensor, an array or lists, as the others are.
        gallery: features (g, d).
        query_ids: (q,) identities.
        gallery_ids: (g,) identities.
        query_cameras: (q,) cameras.
        gallery_cameras: (g,) cameras.
        distance: ``cosine`` or ``euclidean``.
        ap: ``step``, the mean precision at the matches; or ``trapezoid``, the area under the interpolated curve, as
            scikit-learn computed it up to 0.18 and therefore the authors of RGA.
        within_camera: whether to compare with pictures by the query's own camera, too.

    Returns:
        ``rank1``, ``rank5``, ``rank10``, ``rank20``, ``mAP`` and ``mINP``, as fractions.

    Raises:
        RgavizError: features or labels that are none, or no query has a match.
    """
    labels = (query_ids, gallery_ids, query_cameras, gallery_cameras)
    ranking = rank(query, gallery, *labels, distance=distance, ap=ap, top=1, within_camera=within_camera)
    return ranking.figures()

"""Counting what was right, how far regions overlap, and how high a match is ranked."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rgaviz.errors import RgavizError
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


def confusion_matrix(truth: Any, prediction: Any, num_classes: int, ignore: int = 255) -> Tensor:
    """How many pixels of each class were taken for each: (num_classes, num_classes) int64, rows the true one.

    Of several pictures add the matrices: the metrics of a set come from one of all its pixels.

    Args:
        truth: labels (...), a tensor or an array of whole numbers.
        prediction: of the same shape.
        num_classes: number of classes.
        ignore: a label of the truth that is not counted, whatever is predicted there.

    Raises:
        RgavizError: shapes that differ, or a label that is no class.
    """
    truth, prediction = (torch.as_tensor(each).long() for each in (truth, prediction))
    if truth.shape != prediction.shape:
        raise RgavizError(
            f"Truth and prediction have the shapes {tuple(truth.shape)} and {tuple(prediction.shape)}; give the same."
        )
    valid = truth != ignore
    truth, prediction = truth[valid], prediction[valid]  # (pixels,)
    for name, labels in (("truth", truth), ("prediction", prediction)):
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
            raise RgavizError(
                f"The {name} has labels from {int(labels.min())} to {int(labels.max())}, but there are {num_classes} "
                "classes; map them to 0 and on."
            )
    return confusion(truth, prediction, num_classes)


def segmentation_metrics(confusion: Any) -> dict[str, Any]:
    """How far predicted regions and true ones overlap.

    Args:
        confusion: of :func:`confusion_matrix`, (K, K).

    Returns:
        ``IoU``, of every class TP / (TP + FP + FN), None of one that is neither there nor predicted; ``mIoU``, their
        mean; ``counted``, how many it is a mean of; and ``pixel_accuracy``; all as fractions, None where no pixel was
        counted.
    """
    counts = torch.as_tensor(confusion).double()
    hits = counts.diagonal()  # (K,)
    either = counts.sum(0) + counts.sum(1) - hits  # (K,)
    rows = zip(hits.tolist(), either.tolist(), strict=True)
    shares = [hit / union if union else None for hit, union in rows]
    known = [share for share in shares if share is not None]
    pixels = float(counts.sum())
    return {
        "mIoU": sum(known) / len(known) if known else None,
        "IoU": shares,
        "counted": len(known),
        "pixel_accuracy": float(hits.sum()) / pixels if pixels else None,
    }


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

"""What single pictures add to the measures of a whole set, so that another draw of them can be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from rgaviz.tasks.ranking import Ranking

Sums = np.ndarray  # (..., d)


@dataclass(frozen=True)
class Evidence:
    """What is summed over pictures, and what follows from the sums.

    Attributes:
        parts: (n, d) float64, of each picture, or of each query that has a match.
        measured: a measure's key -> what makes it of sums (..., d): values (...), NaN where nothing can be measured.
        names: n, what each picture is called.
        people: (n,) whom each shows, where pictures of one are no independent evidence; None where all are.
    """

    parts: np.ndarray
    measured: Mapping[str, Callable[[Sums], np.ndarray]]
    names: Sequence[str]
    people: np.ndarray | None = None

    def figure(self, key: str) -> float:
        """A measure of the whole set."""
        return float(self.measured[key](self.parts.sum(0)))


def of_images(wrong: Tensor, names: Sequence[str]) -> Evidence:
    """Of classification: whether each image (n,) has another class than is said."""
    parts = np.stack([wrong.numpy(), np.ones(len(wrong))], 1).astype(np.float64)  # (n, 2)
    return Evidence(parts, {"error": _share(0)}, _named(names, len(wrong)))


def of_queries(ranking: Ranking, people: Tensor, names: Sequence[str]) -> Evidence:
    """Of re-identification: of each query with a match whether the first picture is one, and its AP.

    Args:
        ranking: of all queries.
        people: (q,) identities of the queries.
        names: of the queries.
    """
    valid = ranking.valid
    first, precision = (ranking.first[valid] == 1).numpy(), ranking.average_precision[valid].numpy()
    parts = np.stack([first, precision, np.ones(len(first))], 1).astype(np.float64)  # (n, 3)
    every = _named(names, len(valid))
    kept = [every[int(place)] for place in valid.nonzero()[:, 0].tolist()]
    return Evidence(parts, {"rank1": _share(0), "mAP": _share(1)}, kept, people.cpu()[valid].numpy())


def of_scenes(counts: Tensor, names: Sequence[str]) -> Evidence:
    """Of segmentation: of each picture and class the pixels that are right, true and predicted, (n, 3, K)."""
    return Evidence(counts.flatten(1).double().numpy(), {"mIoU": _overlap}, _named(names, len(counts)))


def _share(place: int) -> Callable[[Sums], np.ndarray]:
    """In percent, a sum over how many there are, which stands last."""

    def measured(sums: Sums) -> np.ndarray:
        return 100 * sums[..., place] / sums[..., -1]

    return measured


def _overlap(sums: Sums) -> np.ndarray:
    """The mIoU in percent of sums (..., 3 K): of the classes that are there or predicted."""
    right, true, predicted = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)  # (..., K) each
    either = true + predicted - right
    counted = either > 0
    shares = np.divide(right, either, out=np.zeros_like(right), where=counted)
    known = counted.sum(-1)
    return 100 * np.divide(
        shares.sum(-1), known, out=np.full(np.shape(known), np.nan), where=np.asarray(known) > 0
    )


def _named(names: Sequence[str], count: int) -> Sequence[str]:
    return names if names else [str(number) for number in range(count)]

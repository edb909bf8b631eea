"""How pictures of people are compared."""

from __future__ import annotations

from dataclasses import dataclass

from rgaviz.errors import lookup
from rgaviz.tasks.distances import DISTANCES
from rgaviz.tasks.ranking import AVERAGE_PRECISIONS

NECKS = ("after", "before")


@dataclass(frozen=True)
class Matching:
    """How pictures of people are compared.

    Attributes:
        distance: of two embeddings, ``cosine`` or ``euclidean``.
        neck: whether the embedding is taken ``before`` or ``after`` the head's batch normalisation.
        flip: whether it is the mean over a picture and its mirror image.
        rerank: whether the order is made anew by common neighbours, see :mod:`rgaviz.tasks.rerank`.
        ap: how average precision is summed, ``step`` or ``trapezoid``, see :mod:`rgaviz.tasks.ranking`.
        within_camera: whether pictures of a query's own camera count too.
    """

    distance: str = "cosine"
    neck: str = "after"
    flip: bool = False
    rerank: bool = False
    ap: str = "step"
    within_camera: bool = False

    def __post_init__(self) -> None:
        lookup(DISTANCES, self.distance, "distance")
        lookup(AVERAGE_PRECISIONS, self.ap, "average precision")
        lookup(dict.fromkeys(NECKS), self.neck, "place of the embedding (--neck)")

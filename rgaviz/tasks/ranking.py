"""Ranking a gallery for each query as re-identification does, and how good the ranking is.

The protocol is Market-1501's: junk (identity -1) is left out of the gallery, and so is, for each query, whatever shows
its identity by its own camera. Identity 0 is a distractor: in the gallery it is right for nobody. Queries without a
match, distractors and junk among them, are ranked, but count in no figure. At equal distances the gallery's order
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from rgaviz.errors import RgavizError, lookup
from rgaviz.progress import Track, silent
from rgaviz.tasks.distances import DISTANCES, distance_blocks
from rgaviz.tasks.identities import Identities, features_of, identities_of
from rgaviz.tasks.ordering import LAST, distances_of, in_order, indices, keys_of, slices
from rgaviz.tasks.rerank import reranked_blocks

RANKS = (1, 5, 10, 20)


def step(hit: Tensor, rank: Tensor) -> Tensor:
    """The precision at each match, as everybody computes AP today.

    Args:
        hit: (n,) which match it is for its query, from 1; float64.
        rank: (n,) of the match, from 1.
    """
    return hit / rank


def trapezoid(hit: Tensor, rank: Tensor) -> Tensor:
    """The mean of the precisions at each match and just before it, 1 before the first rank.

    The area under the linearly interpolated curve, as scikit-learn computed AP up to 0.18, which RGA's authors used.
    """
    before = torch.where(rank == 1, 1.0, (hit - 1) / (rank - 1).clamp(min=1))
    return (hit / rank + before) / 2


AVERAGE_PRECISIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"step": step, "trapezoid": trapezoid}


@dataclass(frozen=True)
class Ranking:
    """The gallery ranked for each query, and what follows from it. All tensors are on the CPU.

    Attributes:
        order: (q, top) int64, indices into the gallery, best first; -1 where there are no more.
        right: (q, top) bool, whether that picture shows the query's identity.
        distances: (q, top) float32, infinite where there are no more.
        average_precision: (q,) float64, NaN without a match.
        inverse_negative_penalty: (q,) float64, matches / rank of the last one; NaN without a match.
        first: (q,) int64, rank of the first match, from 1; 0 without one.
        matches: (q,) int64, how many there are in the whole gallery.
        distance: a key of ``DISTANCES``.
        ap: how AP is defined, a key of ``AVERAGE_PRECISIONS``.
        reranked: whether ``distances`` are those of k-reciprocal re-ranking.
        within_camera: whether pictures by the query's own camera were compared with, too.
    """

    order: Tensor
    right: Tensor
    distances: Tensor
    average_precision: Tensor
    inverse_negative_penalty: Tensor
    first: Tensor
    matches: Tensor
    distance: str
    ap: str
    reranked: bool = False
    within_camera: bool = False

    @property
    def valid(self) -> Tensor:
        """(q,) bool, which queries have a match; all others count in no figure."""
        return self.matches > 0

    def check(self) -> None:
        """Refuse to measure where no query has a match.

        Raises:
            RgavizError: none has.
        """
        if self.valid.any():
            return
        if self.within_camera:
            raise RgavizError("No query's identity is in the gallery; give a gallery of the same identities.")
        raise RgavizError(
            "No query has a match: by the camera rule a query's identity by its own camera is left out, and no other "
            "camera took it. Compare within a camera by --within-camera (within_camera=True in Python)."
        )

    def cmc(self, length: int) -> Tensor:
        """(length,) float64, at each rank from 1 the share of queries with a match up to it.

        Raises:
            RgavizError: no query has a match.
        """
        self.check()
        at = torch.bincount(self.first[self.valid], minlength=length + 1)  # (n,) -> (at least length + 1,)
        return at[1 : length + 1].cumsum(0) / self.valid.sum().double()

    def figures(self) -> dict[str, float]:
        """``rank1``, ``rank5``, ``rank10``, ``rank20``, ``mAP`` and ``mINP``, means over valid queries, as fractions.

        Raises:
            RgavizError: no query has a match.
        """
        curve = self.cmc(max(RANKS)).tolist()
        means = {"mAP": self.average_precision, "mINP": self.inverse_negative_penalty}
        return {
            **{f"rank{rank}": curve[rank - 1] for rank in RANKS},
            **{name: fmean(values[self.valid].tolist()) for name, values in means.items()},
        }

    def worst(self, count: int) -> Tensor:
        """Indices of the valid queries of least AP, at most ``count``; equal ones in their order."""
        return self._by_precision(descending=False)[:count]

    def best(self, count: int) -> Tensor:
        """Indices of the valid queries of greatest AP, at most ``count``; equal ones in their order."""
        return self._by_precision(descending=True)[:count]

    def _by_precision(self, descending: bool) -> Tensor:
        valid = self.valid.nonzero()[:, 0]  # (n, 1) -> (n,)
        return valid[self.average_precision[valid].argsort(stable=True, descending=descending)]


def rank(
    query: Any,
    gallery: Any,
    query_ids: Any,
    gallery_ids: Any,
    query_cameras: Any,
    gallery_cameras: Any,
    *,
    distance: str = "cosine",
    ap: str = "step",
    top: int = 50,
    rerank: bool = False,
    within_camera: bool = False,
    itself: Any = None,
    track: Track = silent,
) -> Ranking:
    """Rank a gallery for each query. Features and labels may be tensors, arrays or lists.

    Distances are computed and ranked in blocks of queries on the gallery's device; neither blocks nor threads change
    any result. Beside the features it takes less than 1 GB, with ``rerank`` more.

    Args:
        query: features (q, d), as float32.
        gallery: features (g, d), as float32.
        query_ids: (q,) identities; 0 and -1 match nothing.
        gallery_ids: (g,) identities; -1 is junk, 0 a distractor.
        query_cameras: (q,) cameras.
        gallery_cameras: (g,) cameras.
        distance: ``cosine`` or ``euclidean``.
        ap: ``step`` or ``trapezoid``.
        top: how many of the best to keep of each query; changes no figure.
        rerank: whether to re-rank by k-reciprocal encoding.
        within_camera: whether to compare with pictures of a query's identity by its own camera, too.
        itself: (q,) index in the gallery of the query's very picture, which is left out; -1 where it is not there.
        track: wraps the loop, for a progress bar.

    Raises:
        RgavizError: features or labels of a wrong shape or with values that are none, an unknown distance or AP, or no
            memory to re-rank.
    """
    lookup(DISTANCES, distance, "distance")
    lookup(AVERAGE_PRECISIONS, ap, "average precision")
    if top < 1:
        raise RgavizError(f"A ranking of {top} pictures is none; give top=1 or more.")
    features = features_of(query, gallery)
    people = identities_of(
        (query_ids, gallery_ids),
        (query_cameras, gallery_cameras),
        itself,
        counts=(len(features[0]), len(features[1])),
        within_camera=within_camera,
        device=features[1].device,
    )
    blocks = (reranked_blocks if rerank else distance_blocks)(*features, distance, track, "Ranking")
    found = ranked(blocks, people, top, AVERAGE_PRECISIONS[ap])
    return Ranking(**found, distance=distance, ap=ap, reranked=rerank, within_camera=within_camera)


def ranked(
    blocks: Iterable[Tensor], people: Identities, top: int, precision: Callable[[Tensor, Tensor], Tensor]
) -> dict[str, Tensor]:
    """The tensors of a :class:`Ranking` by their names.

    Args:
        blocks: distances (b, g) float32, not negative, of the queries in their order.
        people: who is on the pictures.
        top: how many of the best to keep of each query.
        precision: at each match, a value of ``AVERAGE_PRECISIONS``.
    """
    pieces: list[dict[str, Tensor]] = []
    start = 0
    for block in blocks:
        for distances in slices(block):
            ordered, ranks = _ordered(distances, people, start)
            pieces.append({**_shown(ordered, people, start, top), **_scored(ranks, precision)})
            start += len(distances)
    return {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}


def _ordered(distances: Tensor, people: Identities, start: int) -> tuple[Tensor, Tensor]:
    """Keys (b, g) in order, and the ranks of the matches (b, m) ascending from 1, 0 where there are no more."""
    keys = keys_of(distances)
    count = len(keys)
    row, column, place, own = people.alike(start, start + count)
    for left_out in (*people.left_out(start, start + count), (row[own], column[own])):
        keys[left_out] = LAST
    matches = keys.new_full((count, int(place.max()) + 1 if len(place) else 0), LAST)  # (b, m)
    matches[row, place] = keys[row, column]
    matches, keys = in_order(matches), in_order(keys)
    return keys, (torch.searchsorted(keys, matches) + 1).masked_fill_(matches == LAST, 0)


def _shown(ordered: Tensor, people: Identities, start: int, top: int) -> dict[str, Tensor]:
    """The best of each query: keys (b, g) in order -> order, right and distances (b, top)."""
    best = ordered[:, :top]
    missing = best.new_full((len(best), top - best.shape[1]), LAST)
    best = torch.cat([best, missing], 1)  # (b, top)
    order = indices(best)
    right = people.match(start, order) & (order >= 0)
    return {"order": order.cpu(), "right": right.cpu(), "distances": distances_of(best).cpu()}


def _scored(ranks: Tensor, precision: Callable[[Tensor, Tensor], Tensor]) -> dict[str, Tensor]:
    """What follows from the ranks (b, m) of the matches, 0 where there are no more."""
    ranks = ranks.cpu()
    row, place = ranks.nonzero(as_tuple=True)
    found = precision(place.double() + 1, ranks[row, place])
    matches = torch.bincount(row, minlength=len(ranks))  # (n,) -> (b,)
    # Added one after the other: the sum does not depend on how many matches other queries have.
    total = torch.bincount(row, weights=found, minlength=len(ranks))  # (n,) -> (b,)
    last = ranks.amax(1) if ranks.shape[1] else torch.zeros_like(matches)
    first = ranks[:, 0] if ranks.shape[1] else torch.zeros_like(matches)
    return {
        "average_precision": total / matches,  # 0 / 0 is NaN
        "inverse_negative_penalty": matches.double() / last,
        "first": first.clone(),
        "matches": matches,
    }

"""Which queries of a data set are shown."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from rgaviz.errors import RgavizError
from rgaviz.tasks.ranking import Ranking

SEED = 0
COUNT = 4
Rankings = Sequence[Ranking]


def worst(rankings: Rankings, count: int) -> list[int]:
    """Those of least average precision by the first network."""
    return rankings[0].worst(count).tolist()


def best(rankings: Rankings, count: int) -> list[int]:
    """Those of greatest average precision by the first network."""
    return rankings[0].best(count).tolist()


def improved(rankings: Rankings, count: int) -> list[int]:
    """Those where the second network gains most average precision over the first.

    Raises:
        RgavizError: it gains nowhere.
    """
    gain = rankings[1].average_precision - rankings[0].average_precision  # NaN without a match
    order = gain.nan_to_num(-1).argsort(stable=True, descending=True)
    found = order[gain[order] > 0][:count].tolist()
    if not found:
        raise RgavizError(
            "--pick improved: the second network gains average precision on no query; pick others."
        )
    return found


def drawn(rankings: Rankings, count: int) -> list[int]:
    """Queries with a match, drawn with a fixed seed, in the order of the data set."""
    valid = rankings[0].valid.nonzero()[:, 0].tolist()  # (n, 1) -> (n,)
    return sorted(random.Random(SEED).sample(valid, min(count, len(valid))))


PICKS: dict[str, Callable[[Rankings, int], list[int]]] = {
    "worst": worst,
    "best": best,
    "improved": improved,
    "random": drawn,
}


def picked(pick: str, rankings: Rankings, count: int) -> list[int]:
    """Indices of the queries to show, at most ``count``.

    Args:
        pick: a key of :data:`PICKS`.
        rankings: of each network, of the same queries.
        count: how many.

    Raises:
        RgavizError: no query has a match, or none is improved.
    """
    rankings[0].check()
    return PICKS[pick](rankings, count)

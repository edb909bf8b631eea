"""Which queries are shown, of rankings whose average precision is known."""

from __future__ import annotations

import pytest
import torch

from rgaviz.analysis.picking import picked
from rgaviz.errors import RgavizError
from rgaviz.tasks.ranking import Ranking

NAN = float("nan")


def ranking(*precisions):
    values = torch.tensor(precisions, dtype=torch.float64)
    matches = values.isfinite().long()
    none = torch.zeros(len(values), 0)
    return Ranking(none.long(), none.bool(), none, values, values, matches, matches, "cosine", "step")


FIRST, SECOND = ranking(0.5, 0.1, NAN, 0.9, 0.3), ranking(0.4, 0.6, NAN, 0.95, 0.7)


@pytest.mark.parametrize(
    ("pick", "count", "expected"),
    [
        ("worst", 2, [1, 4]),
        ("best", 3, [3, 0, 4]),
        ("improved", 2, [1, 4]),
        ("improved", 9, [1, 4, 3]),  # it gains on three
        ("random", 9, [0, 1, 3, 4]),  # that without a match is never shown
    ],
)
def test_queries_are_picked(pick, count, expected):
    assert picked(pick, [FIRST, SECOND], count) == expected


def test_chance_is_the_same_every_time():
    many = ranking(*[0.5] * 100)
    once = picked("random", [many], 5)
    assert once == picked("random", [many], 5) == sorted(once)
    assert once != list(range(5))


def test_nothing_to_show():
    with pytest.raises(RgavizError, match="gains average precision on no query"):
        picked("improved", [SECOND, ranking(0.1, 0.1, NAN, 0.1, 0.1)], 3)
    with pytest.raises(RgavizError, match="No query has a match"):
        picked("random", [ranking(NAN, NAN)], 1)

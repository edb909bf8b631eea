"""The public function over rankings."""

from __future__ import annotations

import pytest
from reference_ranking import example

from rgaviz.errors import RgavizError
from rgaviz.tasks.metrics import rank_metrics


def test_the_worked_example():
    assert rank_metrics(*example(), distance="euclidean") == pytest.approx(
        {"rank1": 0, "rank5": 1, "rank10": 1, "rank20": 1, "mAP": 7 / 12, "mINP": 2 / 3}
    )
    area = rank_metrics(*example(), distance="euclidean", ap="trapezoid")
    assert area["mAP"] == pytest.approx(((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2) / 2)


def test_the_distance_is_cosine_unless_another_is_asked_for():
    case = [[1.0, 0.0]], [[9.0, 1.0], [0.9, 0.2]], [1], [1, 2], [1], [2, 2]
    assert rank_metrics(*case)["rank1"] == 1
    assert rank_metrics(*case, distance="euclidean")["rank1"] == 0


def test_within_a_camera():
    case = [[0.0]], [[0.0]], [1], [1], [1], [1]
    with pytest.raises(RgavizError, match="within_camera=True"):
        rank_metrics(*case)
    assert rank_metrics(*case, within_camera=True)["mAP"] == 1

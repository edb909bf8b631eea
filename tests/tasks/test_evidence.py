"""What single pictures add to a measure, against the measures of sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rgaviz.tasks.evidence import of_images, of_queries, of_scenes
from rgaviz.tasks.metrics import confusion_matrix, segmentation_metrics
from rgaviz.tasks.ranking import rank

DRAWN = [3, 3, 0, 1]  # a resample of four pictures


def test_of_images():
    found = of_images(torch.tensor([True, False, False, True, False]), ["a", "b", "c", "d", "e"])
    assert found.figure("error") == pytest.approx(40)
    assert float(found.measured["error"](found.parts[DRAWN].sum(0))) == pytest.approx(75)
    assert (list(found.names), found.people) == (["a", "b", "c", "d", "e"], None)


def test_of_queries_only_those_with_a_match():
    rng = torch.Generator().manual_seed(0)
    query, gallery = torch.randn(6, 4, generator=rng), torch.randn(12, 4, generator=rng)
    people = torch.tensor([1, 2, 0, 3, 9, 1])  # nobody, and one that is not in the gallery
    others = torch.tensor([1, 1, 2, 2, 3, 3, 1, 2, 3, 0, -1, 1])
    ranking = rank(query, gallery, people, others, [1] * 6, [2] * 12)
    found = of_queries(ranking, people, ())
    figures = ranking.figures()
    assert found.figure("rank1") == pytest.approx(100 * figures["rank1"])
    assert found.figure("mAP") == pytest.approx(100 * figures["mAP"])
    assert list(found.names) == ["0", "1", "3", "5"]
    assert found.people is not None
    assert found.people.tolist() == [1, 2, 3, 1]
    precisions = ranking.average_precision[[0, 1, 3, 5]].numpy()
    drawn = found.measured["mAP"](found.parts[DRAWN].sum(0))
    assert float(drawn) == pytest.approx(100 * precisions[DRAWN].mean())


def test_of_scenes_many_draws_at_once():
    rng = np.random.default_rng(0)
    counts = []
    for _ in range(4):
        truth, said = rng.integers(0, 3, 50), rng.integers(0, 2, 50)
        counts.append(confusion_matrix(truth, np.where(truth < 2, truth, said), 5))
    parts = torch.stack([torch.stack([each.diagonal(), each.sum(1), each.sum(0)]) for each in counts])
    found = of_scenes(parts, ["a", "b", "c", "d"])
    assert found.figure("mIoU") == pytest.approx(100 * segmentation_metrics(sum(counts))["mIoU"])
    draws = np.array([[1, 0, 0, 2], [0, 1, 1, 1], [0, 0, 0, 0]])
    measured = found.measured["mIoU"](draws @ found.parts)
    for row, value in zip(draws[:2], measured, strict=False):
        whole = sum(int(times) * each for times, each in zip(row, counts, strict=True))
        assert value == pytest.approx(100 * segmentation_metrics(whole)["mIoU"])
    assert np.isnan(measured[2])

"""Re-ranking against loops over pictures, written from the publication."""

from __future__ import annotations

import numpy as np
import pytest
import reference_ranking as reference
import torch

from rgaviz.errors import RgavizError
from rgaviz.tasks import distances, rerank
from rgaviz.tasks.ranking import rank
from rgaviz.tasks.rerank import reranked_blocks

POWER = {"cosine": 1, "euclidean": 2}


def people(seed, queries=12, gallery=60, identities=6, width=8):
    """Features in clusters, one for each identity."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(identities, width))
    who = random.integers(0, identities, queries + gallery)
    features = torch.tensor(centres[who] + 0.6 * random.normal(size=(len(who), width)), dtype=torch.float32)
    return features[:queries], features[queries:], who + 1


def found(query, gallery, distance, **options):
    return torch.cat([block.clone() for block in reranked_blocks(query, gallery, distance, **options)])


def wanted(query, gallery, distance, k1=20, k2=6, original=0.3):
    together = torch.cat([query, gallery])
    apart = reference.distances(together, together, distance) ** POWER[distance]
    return reference.reranked(apart.round(9), len(query), k1, k2, original)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    ("seed", "options"),
    [
        (0, {}),
        (1, {"k1": 7, "k2": 3, "original": 0.0}),
        (2, {"k1": 5, "k2": 1, "original": 0.5}),
        (3, {"k1": 4, "k2": 2}),
        (4, {"k1": 100, "k2": 100}),
        (5, {"k1": 1, "k2": 1, "original": 1.0}),
    ],
)
def test_distances_are_those_of_loops(seed, options, distance):
    query, gallery, _ = people(seed)
    np.testing.assert_allclose(
        found(query, gallery, distance, **options), wanted(query, gallery, distance, **options), atol=2e-6
    )


def test_ties_and_equal_pictures_follow_the_order_of_the_pictures():
    random = np.random.default_rng(0)
    query, gallery = (
        torch.tensor(random.integers(0, 3, (count, 2)), dtype=torch.float32) for count in (9, 70)
    )
    np.testing.assert_allclose(
        found(query, gallery, "euclidean", k1=6, k2=4),
        wanted(query, gallery, "euclidean", k1=6, k2=4),
        atol=2e-6,
    )


def test_the_first_k1_plus_1_entries_are_neighbours():
    # On a line 0, 1, 3, with k1 = 1: the neighbours of 0 are itself and 1, of 1 itself and 0, of 3 itself and 1.
    query, gallery = torch.tensor([[0.0]]), torch.tensor([[1.0], [3.0]])
    apart = found(query, gallery, "euclidean", k1=1, k2=1, original=0.0)[0]
    # 0 and 1 encode 0 and 1, by exp(-d): of 0 by 1 and exp(-1/9), of 1 by exp(-1/4) and 1; 3 encodes itself alone.
    a, b = np.array([1, np.exp(-1 / 9)]), np.array([np.exp(-1 / 4), 1])
    a, b = a / a.sum(), b / b.sum()
    assert apart.tolist() == pytest.approx([1 - np.minimum(a, b).sum() / np.maximum(a, b).sum(), 1], abs=1e-6)


def test_pictures_that_are_all_equal_are_at_distances_that_are_numbers():
    apart = found(torch.ones(2, 3), torch.ones(50, 3), "euclidean")
    assert apart.isfinite().all()
    zeros = found(torch.zeros(2, 3), torch.zeros(50, 3), "cosine")
    assert zeros.isfinite().all()
    assert (zeros >= 0).all()


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_very_short_and_long_features_are_reranked(scale):
    query, gallery, _ = people(6)
    same = found(query, gallery, "euclidean")
    np.testing.assert_allclose(found(query * scale, gallery * scale, "euclidean"), same, atol=1e-5)


def test_blocks_change_no_bit(monkeypatch):
    query, gallery, _ = people(7)
    whole = found(query, gallery, "cosine")
    monkeypatch.setattr(distances, "BLOCK", 5 * 4 * 72)
    monkeypatch.setattr(distances, "COLUMNS", 11)
    monkeypatch.setattr(rerank, "ROWS", 9)
    monkeypatch.setattr(rerank, "PAIRS", 50)
    assert torch.equal(found(query, gallery, "cosine"), whole)


def test_a_ranking_of_reranked_distances():
    query, gallery, who = people(8, queries=20, gallery=100)
    cameras = np.arange(120) % 3
    labels = who[:20], who[20:], cameras[:20], cameras[20:]
    plain, again = (rank(query, gallery, *labels, rerank=each) for each in (False, True))
    known = reference.People(*(each.tolist() for each in labels))
    apart = wanted(query, gallery, "cosine")
    precisions = [reference.step(reference.ranked(apart[index], index, known)[1]) for index in range(20)]
    assert again.average_precision.tolist() == pytest.approx(precisions)
    assert again.figures()["mAP"] > plain.figures()["mAP"]
    assert (again.reranked, plain.reranked) == (True, False)


@pytest.mark.parametrize("checks", [0, 1])
def test_what_does_not_fit_is_refused_with_the_number_of_bytes(monkeypatch, checks):
    query, gallery, _ = people(9)
    free = iter([2**50] * checks + [1000])
    monkeypatch.setattr(rerank, "available_memory", lambda device: next(free))
    with pytest.raises(
        RgavizError, match=r"Re-ranking 72 pictures takes \d+ bytes of memory, of which 1000 are"
    ) as told:
        rank(query, gallery, [1] * 12, [1] * 60, [1] * 12, [2] * 60, rerank=True)
    assert len(str(told.value)) <= 300


def test_both_long_loops_are_told():
    query, gallery, _ = people(10)
    told = []

    def track(items, **about):
        told.append(about["description"])
        return items

    list(reranked_blocks(query, gallery, "cosine", track, "Ranking"))
    assert told == ["Neighbours", "Ranking"]

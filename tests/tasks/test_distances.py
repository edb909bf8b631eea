"""Distances against loops in float64, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
import reference_ranking as reference
import torch

from rgaviz.tasks import distances
from rgaviz.tasks.distances import DISTANCES, distance_blocks, pair_distances


def blocks(rows, columns, distance):
    return torch.cat([block.clone() for block in distance_blocks(rows, columns, distance)])


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e15])
def test_distances_are_those_of_loops(distance, scale):
    torch.manual_seed(0)
    query, gallery = (
        torch.randn(7, 64) * scale,
        torch.randn(9, 64) * scale * torch.logspace(-3, 3, 9)[:, None],
    )
    right = reference.distances(query, gallery, distance)
    np.testing.assert_allclose(blocks(query, gallery, distance).double(), right, rtol=1e-6)


@pytest.mark.parametrize(("offset", "tolerance"), [(1e-3, 1e-4), (1e-4, 1e-3), (1e-5, 1e-2)])
def test_nearly_equal_features_keep_their_digits(offset, tolerance):
    torch.manual_seed(0)
    feature = torch.randn(1, 256)
    near = feature + offset * torch.randn(5, 256)
    for distance in DISTANCES:
        right = reference.distances(feature, near, distance)
        np.testing.assert_allclose(blocks(feature, near, distance).double(), right, rtol=tolerance)


def test_lines_of_numbers_are_told_apart_as_finely_as_float32_does():
    x = torch.tensor([[1000.0], [1000.0001], [1000.0002]])
    apart = blocks(x[:1], x, "euclidean")[0]
    np.testing.assert_allclose(apart.double(), (x - x[0])[:, 0].double(), rtol=0.2)
    assert apart.diff().gt(0).all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_features_are_at_distance_0_and_no_distance_is_negative_or_nan(distance):
    torch.manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(40, 2048))
    features = torch.cat([features, features, 4 * features])
    apart = blocks(features, features, distance)
    assert (apart >= 0).all()
    assert torch.equal(apart.diagonal(), torch.zeros(120))
    assert torch.equal(apart[:40, 40:80].diagonal(), torch.zeros(40))
    assert torch.equal(apart[:, :40], apart[:, 40:80])
    if distance == "cosine":
        assert torch.equal(apart[:, :40], apart[:, 80:])


def test_a_feature_of_zeros_is_at_cosine_distance_1_of_all():
    features = torch.tensor([[0.0, 0.0], [1.0, 2.0], [-1e30, 1e30], [1e-40, 0.0]])
    assert torch.equal(blocks(features[:1], features, "cosine"), torch.ones(1, 4))
    assert torch.equal(blocks(features, features[:1], "cosine"), torch.ones(4, 1))
    assert blocks(features[:1], features, "euclidean")[0].tolist() == pytest.approx(
        [0, 5**0.5, 2**0.5 * 1e30, 0]
    )


@pytest.mark.parametrize("distance", DISTANCES)
def test_blocks_threads_and_pairs_change_no_bit(distance, monkeypatch):
    torch.manual_seed(0)
    rows, columns = torch.rand(37, 515), torch.rand(53, 515)
    whole = blocks(rows, columns, distance)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3 - min(threads, 2))
        assert torch.equal(blocks(rows, columns, distance), whole)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(pair_distances(rows, columns[:37], distance), whole.diagonal())
    monkeypatch.setattr(distances, "COLUMNS", 7)
    monkeypatch.setattr(distances, "BLOCK", 5 * 4 * 53)
    found = [block.clone() for block in distance_blocks(rows, columns, distance)]
    assert [len(block) for block in found] == [5] * 7 + [2]
    assert torch.equal(torch.cat(found), whole)
    assert torch.equal(blocks(columns, rows, distance).T, whole)


def test_a_block_is_of_one_row_where_memory_is_short(monkeypatch):
    monkeypatch.setattr(distances, "available_memory", lambda device: 16.0)
    assert [len(block) for block in distance_blocks(torch.rand(3, 2), torch.rand(9, 2), "cosine")] == [
        1,
        1,
        1,
    ]


def test_the_loop_is_told():
    told = []

    def track(items, **about):
        told.append(about)
        return items

    list(distance_blocks(torch.rand(3, 2), torch.rand(9, 2), "cosine", track, "Ranking"))
    assert told == [{"total": 1, "description": "Ranking"}]

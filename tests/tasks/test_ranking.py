"""Rankings against a loop over queries, scikit-learn and hand-computed cases."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import reference_ranking as reference
import torch
from reference_ranking import People, example
from sklearn.metrics import average_precision_score

from rgaviz.errors import RgavizError
from rgaviz.tasks import distances, ordering
from rgaviz.tasks.ranking import rank


def random_case(seed, queries=20, gallery=90, identities=8, cameras=4, width=16):
    """Features and people; all of 16 values by default, whole numbers that often tie where ``width`` is 1."""
    random = np.random.default_rng(seed)

    def features(count):
        if width == 1:
            return random.integers(0, 12, (count, 1)).astype(np.float32)
        return random.normal(size=(count, width)).astype(np.float32)

    def numbers(count, low, high):
        return random.integers(low, high, count).tolist()

    people = People(
        numbers(queries, -1, identities),
        numbers(gallery, -1, identities),
        numbers(queries, 1, cameras + 1),
        numbers(gallery, 1, cameras + 1),
    )
    return features(queries), features(gallery), people


def test_the_worked_example():
    ranking = rank(*example(), distance="euclidean", top=4)
    assert ranking.order.tolist() == [[1, 2, 4, 10], [6, 5, 8, 4], [8, 5, 6, 10]]
    assert ranking.right.tolist() == [[False, True, True, False]] * 2 + [[False] * 4]
    assert ranking.distances[0].tolist() == pytest.approx([0.2, 0.3, 0.9, 10.05])
    assert ranking.valid.tolist() == [True, True, False]
    assert ranking.matches.tolist() == [2, 2, 0]
    assert ranking.first.tolist() == [2, 2, 0]
    assert ranking.average_precision.tolist() == pytest.approx([7 / 12, 7 / 12, math.nan], nan_ok=True)
    assert ranking.figures() == pytest.approx(
        {"rank1": 0, "rank5": 1, "rank10": 1, "rank20": 1, "mAP": 7 / 12, "mINP": 2 / 3}
    )
    assert ranking.cmc(3).tolist() == [0, 1, 1]


@pytest.mark.parametrize("within_camera", [False, True])
@pytest.mark.parametrize(
    ("seed", "shape"),
    [
        (0, {}),
        (1, {"width": 1}),
        (2, {"width": 1, "identities": 3, "gallery": 200}),
        (3, {"gallery": 7, "queries": 30}),
        (4, {"gallery": 1, "identities": 2}),
        (5, {"cameras": 20, "identities": 4}),
        (6, {"cameras": 1, "queries": 1}),
    ],
)
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("ap", ["step", "trapezoid"])
def test_rankings_are_those_of_a_loop(seed, shape, within_camera, distance, ap):
    query, gallery, people = random_case(seed, **shape)
    ranking = rank(query, gallery, *people, distance=distance, ap=ap, top=30, within_camera=within_camera)
    apart = reference.distances(query, gallery, distance)
    if shape.get("width") == 1:
        apart = apart.round(6)  # what ties in truth
    precision = {"step": reference.step, "trapezoid": reference.trapezoid}[ap]
    for index in range(len(query)):
        order, right = reference.ranked(apart[index], index, people, within_camera)
        shown = min(30, len(order))
        assert ranking.order[index].tolist() == order[:30] + [-1] * (30 - shown)
        assert ranking.right[index].tolist() == right[:30] + [False] * (30 - shown)
        assert ranking.distances[index, :shown].tolist() == pytest.approx(apart[index][order[:30]], abs=1e-6)
        assert ranking.distances[index, shown:].isinf().all()
        assert ranking.matches[index] == sum(right)
        assert ranking.first[index] == (right.index(True) + 1 if any(right) else 0)
        found = ranking.average_precision[index].item(), ranking.inverse_negative_penalty[index].item()
        wanted = (
            (precision(right), reference.inverse_negative_penalty(right)) if any(right) else (math.nan,) * 2
        )
        assert found == pytest.approx(wanted, nan_ok=True)


def test_step_is_scikit_learns_average_precision():
    query, gallery, people = random_case(7, queries=30, gallery=300)
    ranking = rank(query, gallery, *people, distance="euclidean")
    apart = reference.distances(query, gallery, "euclidean")
    for index in ranking.valid.nonzero()[:, 0].tolist():
        order, right = reference.ranked(apart[index], index, people)
        wanted = average_precision_score(right, -apart[index][order])
        assert ranking.average_precision[index].item() == pytest.approx(wanted)


def test_precisions_by_hand():
    # Right at ranks 1, 3 and 6 of 6; x is the rank.
    gallery = [(1 if x in (1, 3, 6) else 9, 2, float(x)) for x in range(1, 7)]
    case = example([(1, 1, 0.0)], gallery)
    step = rank(*case, distance="euclidean")
    area = rank(*case, distance="euclidean", ap="trapezoid")
    assert step.average_precision.item() == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    # From precision 1 at recall 0; just before rank 3 it is 1/2, before rank 6 it is 2/5.
    assert area.average_precision.item() == pytest.approx(
        ((1 + 1) / 2 + (1 / 2 + 2 / 3) / 2 + (2 / 5 + 3 / 6) / 2) / 3
    )
    assert step.inverse_negative_penalty.item() == 3 / 6
    assert step.ap == "step"
    assert area.ap == "trapezoid"


def test_equal_pictures_are_in_the_order_of_the_gallery():
    torch.manual_seed(0)
    feature, far = torch.randn(1, 2048), torch.randn(1, 2048)
    gallery = torch.cat([far, *[feature] * 300, far, *[feature] * 11])
    for distance in ("cosine", "euclidean"):
        ranking = rank(feature, gallery, [1], [1] * 313, [1], [2] * 313, distance=distance, top=313)
        assert ranking.order[0].tolist() == [*range(1, 301), *range(302, 313), 0, 301]


def assert_equal(one, other):
    for field in dataclasses.fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, torch.Tensor):
            torch.testing.assert_close(left, right, rtol=0, atol=0, equal_nan=True)
        else:
            assert left == right


@pytest.mark.parametrize("rerank", [False, True])
def test_neither_blocks_nor_other_queries_change_anything(monkeypatch, rerank):
    query, gallery, people = random_case(8, queries=40, gallery=200)
    whole = rank(query, gallery, *people, top=60, rerank=rerank)
    monkeypatch.setattr(distances, "BLOCK", 7 * 4 * 200)
    monkeypatch.setattr(distances, "COLUMNS", 33)
    monkeypatch.setattr(ordering, "CACHED", 2 * 8 * 200)
    assert_equal(rank(query, gallery, *people, top=60, rerank=rerank), whole)


@pytest.mark.parametrize("rerank", [False, True])
def test_devices_that_numpy_does_not_know_rank_alike(monkeypatch, rerank):
    query, gallery, people = random_case(8, queries=40, gallery=200)
    whole = rank(query, gallery, *people, rerank=rerank)
    monkeypatch.setattr(ordering, "NUMPY", ())
    assert_equal(rank(query, gallery, *people, rerank=rerank), whole)


@pytest.mark.parametrize("rerank", [False, True])
def test_the_number_of_threads_changes_nothing(rerank):
    query, gallery, people = random_case(8, queries=40, gallery=200, width=300)
    whole, threads = rank(query, gallery, *people, rerank=rerank), torch.get_num_threads()
    try:
        torch.set_num_threads(3 - min(threads, 2))
        assert_equal(rank(query, gallery, *people, rerank=rerank), whole)
    finally:
        torch.set_num_threads(threads)


def test_how_many_are_kept_changes_no_figure():
    query, gallery, people = random_case(9)
    rankings = [rank(query, gallery, *people, top=top) for top in (1, 20, 500)]
    assert [each.order.shape for each in rankings] == [(20, 1), (20, 20), (20, 500)]
    assert rankings[0].figures() == rankings[1].figures() == rankings[2].figures()
    assert torch.equal(rankings[0].cmc(5), rankings[2].cmc(90)[:5])
    assert rankings[0].cmc(300).shape == (300,)
    assert rankings[0].cmc(300)[-1] == 1


def test_the_very_picture_of_a_query_is_left_out():
    people = People([1, 1, 0], [1, 1, 1, 0], [1, 1, 1], [1, 1, 2, 1])
    features = [[0.0], [1.0], [5.0]], [[0.0], [1.0], [3.0], [5.0]]
    ranking = rank(*features, *people, distance="euclidean", within_camera=True, itself=[0, 1, -1])
    assert ranking.order[:, :4].tolist() == [[1, 2, 3, -1], [0, 2, 3, -1], [3, 2, 1, 0]]
    assert ranking.matches.tolist() == [2, 2, 0]
    assert ranking.within_camera
    other = rank(*features, *people, distance="euclidean", itself=[-1, -1, 3])
    assert other.order[:, :4].tolist() == [[2, 3, -1, -1], [2, 3, -1, -1], [2, 1, 0, -1]]


def test_worst_and_best_are_of_the_queries_that_have_matches():
    # Queries 0 and 3 find theirs first, 1 second, 2 has none.
    queries = [(1, 1, 0.0), (2, 1, 10.0), (3, 1, 20.0), (4, 1, 30.0)]
    gallery = [(1, 2, 0.0), (0, 2, 10.0), (2, 2, 11.0), (4, 2, 30.0)]
    ranking = rank(*example(queries, gallery), distance="euclidean")
    assert ranking.worst(2).tolist() == [1, 0]
    assert ranking.worst(9).tolist() == [1, 0, 3]
    assert ranking.best(2).tolist() == [0, 3]


def test_no_match_at_all_names_the_camera_rule_and_the_way_out():
    case = example([(1, 1, 0.0), (0, 1, 1.0), (-1, 2, 1.0)], [(1, 1, 0.0), (0, 2, 1.0), (-1, 1, 0.5)])
    ranking = rank(*case)
    assert not ranking.valid.any()
    assert ranking.order[1].tolist()[:3] == [1, 0, -1]
    for measure in (ranking.figures, lambda: ranking.cmc(5)):
        with pytest.raises(RgavizError, match=r"camera rule.*--within-camera \(within_camera=True") as caught:
            measure()
        assert len(str(caught.value)) <= 300
    assert rank(*case, within_camera=True).figures()["rank1"] == 1
    strangers = rank(*example([(1, 1, 0.0)], [(2, 1, 0.0)]), within_camera=True)
    with pytest.raises(RgavizError, match="identity is in the gallery"):
        strangers.figures()


@pytest.mark.parametrize("kind", ["tensors", "arrays", "read-only", "half", "lists", "unsigned", "graph"])
def test_what_features_and_labels_come_as_does_not_matter(kind):
    random = np.random.default_rng(0)
    query, gallery = (random.integers(0, 50, (count, 4)).astype(np.float32) for count in (5, 30))
    people = [random.integers(1, 4, count) for count in (5, 30, 5, 30)]
    wanted = rank(query, gallery, *people)
    given = [query, gallery, *people]
    for each in given:
        each.setflags(write=kind != "read-only")
    given = {
        "tensors": lambda: [torch.from_numpy(each) for each in given],
        "arrays": lambda: (
            [each[:, ::-1] for each in given[:2]] + [each.astype(np.float32) for each in people]
        ),
        "read-only": lambda: given,
        "half": lambda: [torch.from_numpy(each).half() for each in given[:2]] + people,
        "lists": lambda: [each.tolist() for each in given],
        "unsigned": lambda: [each.astype(np.uint8) for each in given],
        "graph": lambda: [torch.from_numpy(each).requires_grad_() for each in given[:2]] + people,
    }[kind]()
    found = rank(*given)
    assert torch.equal(found.order, wanted.order)
    assert found.figures() == wanted.figures()


GOOD = dict(
    zip(
        ["query", "gallery", "query_ids", "gallery_ids", "query_cameras", "gallery_cameras"],
        example(),
        strict=True,
    )
)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"query": [0.0, 1.0, 2.0]}, "Features of the queries must be numbers .* float64 of shape .3,."),
        ({"query": [[0.0, 1.0]] * 3}, "queries have 2 values and those of the gallery 1"),
        ({"gallery": []}, "Features of the gallery must be"),
        ({"query": [[math.nan], [0.0], [1.0]]}, "queries have values that are NaN or infinite"),
        ({"gallery": [[1e300]] * 11}, "gallery have values that are NaN or infinite"),
        ({"query": [["a"], ["b"], ["c"]]}, "Features of the queries are no table of numbers"),
        ({"query": [[0.0], [0.0, 1.0], []]}, "Features of the queries are no table of numbers"),
        ({"query": [[1j], [0], [0]]}, "Features of the queries must be numbers"),
        ({"query_ids": [1, 2]}, "There are 3 features and as identities of the queries int64 of shape .2,."),
        ({"gallery_ids": [[1]] * 11}, "There are 11 features and as identities of the gallery"),
        ({"query_ids": ["1", "2", "3"]}, "Identities of the queries are no table of numbers"),
        ({"query_cameras": [1, 2, 2.5]}, "cameras of the queries must be whole numbers"),
        ({"gallery_cameras": [math.nan] * 11}, "cameras of the gallery must be whole numbers"),
        ({"itself": [0, 1, 11]}, "Place 11 is not in a gallery of 11"),
        ({"distance": "cosin"}, "Unknown distance 'cosin'. Did you mean 'cosine'"),
        ({"ap": "area"}, "Unknown average precision 'area'"),
        ({"top": 0}, "top=1 or more"),
    ],
)
def test_what_cannot_be_ranked_is_one_line(changed, message):
    with pytest.raises(RgavizError, match=message) as caught:
        rank(**{**GOOD, **changed})
    assert len(str(caught.value)) <= 300


def test_whatever_is_below_0_is_junk():
    features = torch.tensor([[0.0], [0.1], [0.2], [0.3], [0.4]])
    found = rank(
        features[:2], features, [1, -2], [-1, -2, -7, 1, 0], [1, 1], [2, 2, 2, 2, 2], distance="euclidean"
    )
    assert found.order[0].tolist()[:3] == [3, 4, -1]
    assert found.matches.tolist() == [1, 0]

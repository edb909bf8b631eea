"""Two processes train for re-identification: whole identities each, and measured as by one."""

from __future__ import annotations

import pytest
import tiny
import torch
from folders import same
from two_of_people import CHANGES, people

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.order import epoch_generator
from rgaviz.tasks import TASKS, How

TASK = TASKS["reid"]


@pytest.fixture
def folder(two_processes):
    return two_processes() / "people"


def told(folder, rank):
    return torch.load(folder / f"{rank}.told", weights_only=True)


def each_has_whole_identities_of_the_same_batches(folder):
    """Every batch is the one that a single process would have had, one half of its identities for each."""
    one, other = (told(folder, rank)["steps"] for rank in (0, 1))
    split, config = people().part("train"), tiny.recipe(**CHANGES).train
    orders = [TASK.order(split, config, epoch_generator(0, epoch)) for epoch in range(config.epochs)]
    batches = [split.labels[batch].tolist() for order in orders for batch in order] * len(tiny.PAIR)
    assert len(batches) > 4
    assert [own + others for own, others in zip(one, other, strict=True)] == batches
    for own, others in zip(one, other, strict=True):
        assert len(own) == len(others) == config.batch_size // 2
        assert not set(own) & set(others)
        for half in (own, others):
            assert [half.count(identity) for identity in dict.fromkeys(half)] == [4, 4]


def both_have_all_features_and_they_are_those_of_one_process(folder):
    whole = load_checkpoint(folder / "whole" / "rga.pt")
    assert whole.training["processes"] == 2
    one, other = (told(folder, rank) for rank in (0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one["features"], other["features"], strict=True))
    figures = [
        [{key: value for key, value in row.items() if key.startswith("test_")} for row in each["rows"]]
        for each in (one, other)
    ]
    assert figures[0] == figures[1]
    for part, gathered in zip(("query", "gallery"), one["features"][-2:], strict=True):
        split = people().part(part)
        half = -(-len(split) // 2)  # the processes' batches, lest rounding differ
        how = How(whole.classes, whole.mean, whole.std, tiny.CPU, batch_size=half)
        assert torch.equal(TASK.features(whole.model.eval(), split, how), gathered)


def test_two_train_as_one_would_and_go_on_when_interrupted(folder):
    """In one, lest the folder is made for each worker of the tests."""
    each_has_whole_identities_of_the_same_batches(folder)
    both_have_all_features_and_they_are_those_of_one_process(folder)
    same(folder / "whole", folder / "interrupted")  # in mid-epoch


@pytest.mark.slow
def test_measured_are_the_same_figures_as_by_one_process(folder):
    for name in ("baseline", "rga"):
        network = load_checkpoint(folder / "whole" / f"{name}.pt")
        how = How(network.classes, network.mean, network.std, tiny.CPU)
        found = TASK.evaluate(network.model, people().part, how).figures
        assert {f"test_{key}": value for key, value in found.items()} == {
            key: value for key, value in network.metrics.items() if key.startswith("test_")
        }

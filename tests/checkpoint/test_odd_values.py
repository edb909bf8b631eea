"""Odd values in a header: refused in one short line, or harmless in what uses them."""

from __future__ import annotations

import warnings

import pytest
import torch
from small_checkpoint import edit, fault

from rgaviz.checkpoint import load_checkpoint

ODD = {
    "set": {1},
    "bytes": b"a",
    "tensor": torch.ones(2),
    "dtype": torch.float32,
    "complex": 1j,
    "2**70": 2**70,
    "key of a number": {1: 2},
    "key too long": {"x" * 5000: 1},
    "surrogate": "\ud800",
    "text too long": "x" * 200_000,
}
DEEP: list = []
for _ in range(30):
    DEEP = [DEEP]
ODD["deep"] = DEEP


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", ["metrics", "training", "history", "versions"])
def test_records_hold_plain_values(saved, place, odd):
    def change(document):
        document[place] = [{"a": ODD[odd]}] if place == "history" else {"a": ODD[odd]}

    edit(saved, change)
    message = fault(saved)
    assert f"'{place}' is " in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("metrics", {"test_error": "3"}),
        ("metrics", {"test_error": None}),
        ("metrics", {3: 3}),
        ("history", [3]),
        ("history", [{"epoch": 1}, None]),
        ("versions", {"torch": 2}),
        ("seed", 2**70),
        ("notes", ["x" * 6000]),
        ("classes", ["a", "b", "x" * 1001]),
        ("classes", ["a", "b", "\ud800"]),
    ],
)
def test_every_field_has_its_kind(saved, place, value):
    edit(saved, lambda document: document.update({place: value}))
    assert f"'{place}' is " in fault(saved)


def test_what_earlier_versions_write(saved):
    """A tuple in the recipe, an open option, a loss that is not finite, a name that is not UTF-8."""
    training = {"recipe": {"train": {"milestones": (), "width": None}}, "command": "rgaviz train caf\udce9"}
    history = [{"epoch": 1, "test_loss": float("nan"), "device": "cpu"}]
    changes = {"training": training, "history": history, "metrics": {"test_loss": float("nan")}}
    edit(saved, lambda document: document.update(changes))
    loaded = load_checkpoint(saved)
    assert loaded.training == training
    assert loaded.history[0]["device"] == "cpu"


@pytest.mark.parametrize("training", [{}, {"dataset": [1], "recipe": 3}, {"dataset": None, "recipe": [1]}])
def test_what_a_training_does_not_say(saved, training):
    edit(saved, lambda document: document.update(training=training))
    loaded = load_checkpoint(saved)
    assert (loaded.dataset, loaded.recipe) == (None, {})


def test_tables_of_a_recipe(saved):
    training = {"dataset": "shapes", "recipe": {"data": {"a": 1}, "train": 3}}
    edit(saved, lambda document: document.update(training=training))
    loaded = load_checkpoint(saved)
    assert (loaded.dataset, loaded.recipe) == ("shapes", {"data": {"a": 1}})


@pytest.mark.parametrize("arch", ["x" * 5000, "torchvision:" + "x" * 5000, "\x1b[31m\n" * 500])
def test_a_long_name_of_a_network(saved, arch):
    edit(saved, lambda document: document["config"].update(arch=arch))
    message = fault(saved)
    assert message.isprintable()


def test_many_unknown_options(saved):
    edit(saved, lambda document: document["config"].update({f"option{n}" * 9: 1 for n in range(300)}))
    assert fault(saved).endswith(" And 299 more faults.")


def test_long_names_of_weights(saved):
    long = {f"{n}" * 3000: torch.zeros(1) for n in range(9)}
    edit(saved, lambda document: document["model"].update(long))
    fault(saved)


@pytest.mark.parametrize("number", [10**600, 10**5000], ids=["600", "5000"])  # Python writes 4300 digits
@pytest.mark.parametrize("place", ["seed", "format", "config", "task"])
def test_long_numbers(saved, place, number):
    edit(saved, lambda document: document.update({place: number}))
    fault(saved)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (lambda: torch.nested.nested_tensor([torch.zeros(3), torch.zeros(2)]), "is a nested tensor"),
        (lambda: torch.zeros(3, 32).to_sparse_csr(), "layout sparse_csr"),
        (lambda: torch.quantize_per_tensor(torch.zeros(3, 32), 0.1, 0, torch.quint8), "is quint8"),
    ],
    ids=["nested", "csr", "quantised"],
)
def test_rare_kinds_of_weights(saved, kind, told):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's about each of them
        edit(saved, lambda document: document["model"].update({"fc.weight": kind()}))
    assert told in fault(saved)


def test_statistics_that_are_whole_numbers(saved):
    def change(document):
        document["model"]["bn1.running_mean"] = document["model"]["bn1.running_mean"].long()

    edit(saved, change)
    assert "bn1.running_mean is int64, where it must be floating point" in fault(saved)

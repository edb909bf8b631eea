"""Checkpoints of ours that cannot be used, in one line."""

from __future__ import annotations

import pytest
import torch
from small_checkpoint import edit, fault

from rgaviz.checkpoint import load_checkpoint
from rgaviz.checkpoint.schema import FORMAT


def test_a_newer_format(saved):
    edit(saved, lambda document: document.update(format=FORMAT + 1))
    message = fault(saved)
    assert "newer" in message
    assert "Upgrade" in message


@pytest.mark.parametrize("task", ["detection", "", "two\nlines"])
def test_an_unknown_task(saved, task):
    """What a later version wrote for another purpose is not opened as a classifier."""
    edit(saved, lambda document: document.update(task=task))
    message = fault(saved)
    assert repr(task) in message
    assert "classification" in message
    assert "Upgrade rgaviz" in message


def test_a_newer_format_is_told_before_its_task(saved):
    edit(saved, lambda document: document.update(format=FORMAT + 1, task="detection"))
    assert "newer" in fault(saved)


def test_a_file_without_a_task(saved):
    edit(saved, lambda document: document.pop("task") and None)
    assert load_checkpoint(saved).model.task == "classification"


@pytest.mark.parametrize("form", ["1", None, 0, -3, 1.0, [1]])
def test_no_format_of_ours(saved, form):
    edit(saved, lambda document: document.update(format=form))
    assert "not an rgaviz checkpoint" in fault(saved)


@pytest.mark.parametrize("key", ["config", "model", "classes", "normalisation"])
@pytest.mark.parametrize("value", [None, 3, "text", [[1]], {}])
def test_damaged_fields(saved, key, value):
    edit(saved, lambda document: document.update({key: value}))
    fault(saved)


@pytest.mark.parametrize("key", ["config", "model", "classes", "normalisation"])
def test_missing_fields(saved, key):
    edit(saved, lambda document: {name: value for name, value in document.items() if name != key})
    assert f"'{key}' is missing" in fault(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metrics", [1]),
        ("training", 3),
        ("versions", None),
        ("history", {}),
        ("seed", "0"),
        ("task", 3),
        ("notes", "text"),
    ],
)
def test_damaged_records(saved, key, value):
    edit(saved, lambda document: document.update({key: value}))
    assert key in fault(saved)


@pytest.mark.parametrize("notes", [[3], [None], ["two\nlines"], [""]])
def test_damaged_notes(saved, notes):
    edit(saved, lambda document: document.update(notes=notes))
    assert f"'notes' is {notes!r}, not a list of lines of text" in fault(saved)


HUGE = 2**40
CONFIGS = [
    *(("arch", value) for value in (None, 5, "", "resnet", ["resnet18"], {"a": [1]}, "x\ny")),
    *(("attention", value) for value in (None, 5, "rga", ["rga-sc"], "none", "rga-c")),
    *(("num_classes", value) for value in (None, 0, -3, 4, 3.5, "3", [3], HUGE)),
    *(
        ("image_size", value)
        for value in (None, 12, "12", [12], [12, 14, 1], [12, 0], [12, -14], [12, "14"], [12.0, 14.0])
    ),
    *(("image_size", value) for value in ([[12], [14]], [HUGE, HUGE], [16, 16], {"h": 12})),
    *(("attention_layers", value) for value in (5, "conv5", ["conv6"], [["conv5"]], [None], [], ["conv4"])),
    *((key, value) for key in ("width", "s1", "s2", "last_stride") for value in (0, -2, "4", [4], 3.5, HUGE)),
    *((key, 10**30) for key in ("width", "s1", "last_stride")),
    ("width", 6),
    ("s1", 3),
    ("more", 1),
    (5, 5),
]


@pytest.mark.parametrize(("key", "value"), CONFIGS)
def test_damaged_configurations(saved, key, value):
    edit(saved, lambda document: document["config"].update({key: value}))
    fault(saved)


@pytest.mark.parametrize("key", ["arch", "num_classes", "image_size", "attention", "width", "s1"])
def test_missing_configurations(saved, key):
    edit(saved, lambda document: document["config"].pop(key) and None)
    fault(saved)


@pytest.mark.parametrize("classes", [[], ["a", "b"], ["a", "b", "c", "d"], ["a", "b", 3], [["a"], "b", "c"]])
def test_damaged_class_names(saved, classes):
    edit(saved, lambda document: document.update(classes=classes))
    assert "class name" in fault(saved)


@pytest.mark.parametrize("key", ["mean", "std"])
@pytest.mark.parametrize(
    "values",
    [
        None,
        0.5,
        [],
        [0.5],
        [0.5] * 4,
        ["0.5"] * 3,
        [0.5, None, 0.5],
        [0.5, float("nan"), 0.5],
        [1.0, float("inf"), 1.0],
    ],
)
def test_damaged_normalisation(saved, key, values):
    edit(saved, lambda document: document["normalisation"].update({key: values}))
    assert "normalisation" in fault(saved)


@pytest.mark.parametrize("std", [[0, 0, 0], [0.2, 0.0, 0.2], [0.2, -0.2, 0.2]])
def test_a_deviation_of_zero(saved, std):
    edit(saved, lambda document: document["normalisation"].update(std=std))
    assert "normalisation" in fault(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("key", ["fc.weight", "bn1.running_var", "attention.conv5.first.attend.embed.weight"])
def test_weights_that_are_not_finite(saved, key, value):
    edit(saved, lambda document: document["model"][key].view(-1)[-1:].fill_(value) and None)
    message = fault(saved)
    assert key in message
    assert "NaN or infinite" in message


def replace_weight(value):
    return lambda document: document["model"].update({"fc.weight": value})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1.0],
        "text",
        torch.zeros(3, 33),
        torch.zeros(32),
        torch.zeros(()),
        torch.zeros(3, 32, dtype=torch.complex64),
        torch.zeros(3, 32, dtype=torch.bool),
        torch.zeros(3, 32).to_sparse(),
        torch.zeros(1, 1).expand(3, 32),
        torch.zeros(1).expand(2**50),  # four bytes that claim four petabytes
        torch.zeros(3, 32, device="meta"),
    ],
)
def test_weights_that_do_not_fit(saved, value):
    edit(saved, replace_weight(value))
    assert "fc.weight" in fault(saved)


def test_weights_whose_sum_overflows_are_finite(saved):
    value = torch.full((3, 32), torch.finfo().max)
    edit(saved, replace_weight(value))
    assert torch.equal(load_checkpoint(saved).model.fc.weight, value)


def test_missing_and_superfluous_weights(saved):
    edit(saved, lambda document: document["model"].pop("fc.bias") is None or None)
    assert "fc.bias" in fault(saved)
    edit(
        saved, lambda document: document["model"].update({"fc.bias": torch.zeros(3), "extra": torch.zeros(3)})
    )
    assert "extra" in fault(saved)

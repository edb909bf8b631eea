"""What cannot be read again is not written, and a file that is no checkpoint is not replaced."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_checkpoint import CLASSES, MEAN, STD, network, save

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.errors import OutputError, RgavizError


@pytest.mark.parametrize("classes", [[], CLASSES[:2], [*CLASSES, "more"]])
def test_as_many_names_as_outputs(tmp_path, classes):
    with pytest.raises(RgavizError, match=f"{len(classes)} class names for 3 outputs"):
        save_checkpoint(tmp_path / "a.pt", network(), classes=classes, mean=MEAN, std=STD)
    assert list(tmp_path.iterdir()) == []


def test_names_are_counted_against_the_head_that_is_there(tmp_path):
    model = network()
    model.fc = torch.nn.Linear(model.fc.in_features, 5)
    with pytest.raises(RgavizError, match="3 class names for 5 outputs"):
        save(tmp_path / "a.pt", model)


@pytest.mark.parametrize(
    "odd",
    [
        {"metrics": {"test_error": np.float64(3)}},
        {"metrics": {"test_error": torch.ones(1)}},
        {"training": {"path": {1: 2}}},
        {"training": {"set": {1}}},
        {"history": [3]},
        {"notes": ["two\nlines"]},
        {"seed": 2**70},
    ],
)
def test_what_could_not_be_read_again(tmp_path, odd):
    with pytest.raises(
        RgavizError, match=f"a.pt was not written: '{next(iter(odd))}' is .* Give plain values"
    ):
        save(tmp_path / "a.pt", network(), **odd)
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_went_wrong_is_still_written(tmp_path):
    row = {"epoch": 1, "test_loss": float("nan"), "train_loss": float("inf"), "note": None}
    save(tmp_path / "a.pt", network(), metrics={"test_loss": float("inf")}, history=[row])
    assert load_checkpoint(tmp_path / "a.pt").metrics == {"test_loss": float("inf")}


def test_a_network_that_does_not_say_how_it_is_built(tmp_path):
    with pytest.raises(RgavizError, match="Linear does not say how it is built; save a network of rgaviz"):
        save(tmp_path / "a.pt", torch.nn.Linear(2, 3))


@pytest.mark.parametrize("content", [b"my notes", b"", "weights"])
def test_files_that_are_no_checkpoint_are_not_replaced(tmp_path, content):
    path, model = tmp_path / "a.pt", network()
    if content == "weights":
        torch.save(model.state_dict(), path)
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="was not written by rgaviz"):
        save(path, model)
    assert path.read_bytes() == before


def test_a_checkpoint_is_replaced_even_one_that_went_wrong(tmp_path):
    model = network()
    model.fc.bias.data.fill_(float("nan"))
    save(tmp_path / "a.pt", model)
    assert torch.equal(load_checkpoint(save(tmp_path / "a.pt", network())).model.fc.bias, network().fc.bias)


def test_the_configuration_is_whole_whatever_the_file_leaves_open(saved):
    document = torch.load(saved, weights_only=True)
    attended = document["config"].pop("attention_layers")
    document["model"] = {key: value for key, value in document["model"].items() if "attention." not in key}
    del document["config"]["attention"]
    torch.save(document, saved)
    config = load_checkpoint(saved).config
    assert config["attention"] == "none"
    assert attended[0] in config["attention_layers"]

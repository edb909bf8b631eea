"""Recipes and settings that no recipe should be: one line, before anything is read, built or written."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
import tiny
from typer.testing import CliRunner

from rgaviz.cli import app
from rgaviz.errors import RgavizError
from rgaviz.training import loop
from rgaviz.training.config import LARGEST_RECIPE, load_recipe, recipe_text
from rgaviz.training.sweep import parse_seeds


def fault(call, *arguments):
    with pytest.raises(RgavizError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.isprintable()
    return message


def huge(path):
    with path.open("wb") as file:
        file.truncate(2**38)


IRREGULAR = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
    "a circle": lambda path: path.symlink_to(path.name),
    "a file of gigabytes": huge,
    "bytes that are no text": lambda path: path.write_bytes(b"\xff"),
}


@pytest.mark.parametrize("kind", IRREGULAR)
@pytest.mark.parametrize("command", [["train", "shapes", "--recipe"], ["sweep"], ["recipe"]])
def test_a_recipe_that_is_no_file(tmp_path, monkeypatch, kind, command):
    monkeypatch.chdir(tmp_path)
    IRREGULAR[kind](Path("mine.toml"))
    answer = CliRunner().invoke(app, [*command, "mine.toml"])
    assert answer.exit_code == 1, answer.exception
    assert answer.stderr.startswith("Error: mine.toml is not a valid recipe (")
    assert answer.stderr.endswith("Start from a copy: rgaviz recipe cifar10\n")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_the_largest_recipe(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"#" * LARGEST_RECIPE)
    assert load_recipe(str(path)) == load_recipe(str(path), ["train.epochs=8"])
    path.write_bytes(b"#" * (LARGEST_RECIPE + 1))
    assert "bytes, more than" in fault(load_recipe, str(path))


@pytest.mark.parametrize("name", ["a\0b.toml", "x" * 256 + ".toml"])
def test_a_name_that_no_recipe_can_have(name):
    with pytest.raises(RgavizError, match="is not a valid recipe"):
        recipe_text(name)


@pytest.mark.parametrize("words", ["9" * 5000, "0,4294967296", "00000000000"])
def test_seeds_beyond_all_bounds(words):
    with pytest.raises(RgavizError, match="--seeds"):
        parse_seeds(words)


@pytest.mark.parametrize("key", ["train.l\udce9r", "model.\ud800"])
def test_a_key_that_is_no_text(key):
    assert "Unknown recipe key" in fault(load_recipe, "shapes", [f"{key}=1"])


ONES = {  # key -> what else must be said for it to be the only fault
    "data.workers": [],
    "train.batch_size": [],
    "train.accumulate": ["train.batch_size=1000000000"],
    "train.lr": [],
    "train.warmup": ["train.schedule=steps"],
    "train.warmup_lr": [],
    "train.gamma": [],
    "train.weight_decay": [],
    "train.clip_norm": [],
    "train.evaluate_every": [],
    "train.save_minutes": [],
}


@pytest.mark.parametrize("key", ONES)
def test_numbers_that_cannot_be_trained_with_or_recorded(key):
    """A float beyond float32 fails in the first step, a whole number beyond 64 bits at the first checkpoint."""
    for value in ["1" + "0" * 30, "1000000001"] + (["inf"] if "." in str(_value(key)) else []):
        message = fault(load_recipe, "shapes", [*ONES[key], f"{key}={value}"])
        assert f"{key} = " in message
        assert "or less" in message


def _value(key):
    table, _, name = key.partition(".")
    value = getattr(getattr(load_recipe("shapes"), table), name)
    return 0.5 if value is None else value


def test_numbers_in_lists():
    for value in ("[1000000001]", "[-1]"):
        assert "from 0 to a thousand million" in fault(load_recipe, "shapes", [f"train.milestones={value}"])
    assert "at most" in fault(load_recipe, "shapes", ["train.class_weights=[1, inf]"])


def test_a_learning_rate_that_rises_beyond_all_bounds():
    steps = ["train.schedule=steps", f"train.milestones={list(range(1, 400))}"]
    assert "train.gamma" in fault(load_recipe, "shapes", [*steps, "train.gamma=10"])
    assert load_recipe("shapes", [*steps, "train.gamma=1.01"]).train.gamma == 1.01


def test_options_of_a_network_that_no_file_could_record():
    assert "give a smaller number" in fault(load_recipe, "shapes", ["model.s1=1000000001"])


def test_what_no_checkpoint_can_record_is_refused_before_an_epoch_is_lost(tmp_path):
    with pytest.raises(RgavizError, match=r"cannot record .* the command line"):
        tiny.run(tmp_path / "out", settings={"command": "x" * 100_001})
    assert not (tmp_path / "out").exists()


def test_a_network_that_cannot_be_is_refused_before_the_images_are_read(tmp_path):
    def read():
        raise AssertionError("read")

    images = dataclasses.replace(tiny.dataset(), parts={"train": read, "test": read})
    recipe = tiny.recipe()
    recipe = recipe.changed(model=recipe.model.changed(s1=1000))
    with pytest.raises(RgavizError, match="too small for s1=1000"):
        loop.train(images, recipe, tiny.PAIR, tmp_path / "out", device=tiny.CPU)


def test_a_folder_of_images_with_a_name_too_long(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["train", "folder"], ["sweep", "folder", "--dataset", "folder"], ["train", "cifar10"]):
        answer = CliRunner().invoke(app, [*command, "--data-dir", "x" * 300])
        assert answer.exit_code == 1, answer.exception
        errors = [line for line in answer.stderr.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1
        assert "File name too long" in errors[0]
        assert errors[0].isprintable()
    assert not list(tmp_path.iterdir())

"""Which trainings are averaged, and which are rows of their own."""

from __future__ import annotations

import pytest
import torch
from finished import write

from rgaviz.models import MODELS, model_options
from rgaviz.runs.read import ALWAYS, SAME_RESULT, read_runs
from rgaviz.training.config import ModelConfig, Recipe, TrainConfig


@pytest.mark.parametrize(
    ("other", "setting"),
    [
        ({"source": "download"}, ["source=JPEG", "source=download"]),
        ({"precision": "bf16"}, ["precision=bf16", "precision=fp32"]),
    ],
)
def test_other_images_or_precision_are_not_averaged(tmp_path, other, setting):
    write(tmp_path / "a.pt", seed=0)
    write(tmp_path / "b.pt", seed=1, **other)
    assert [row.setting for row in read_runs([tmp_path])[0]] == setting


def test_what_changes_nothing_or_was_not_known_once_is_averaged(tmp_path):
    recipe = Recipe(
        model=ModelConfig(arch="resnet20", attention=("none",)), train=TrainConfig(lr=0.1, epochs=3)
    ).to_dict()
    recipe["model"] = {"arch": "resnet20", "attention": ("none",), "s1": None}
    del recipe["data"]["augment"], recipe["data"]["workers"]
    for key in (
        "optimizer",
        "accumulate",
        "gamma",
        "clip_norm",
        "class_weights",
        "evaluate_every",
        "save_minutes",
        "keep_every",
    ):
        del recipe["train"][key]
    recipe["train"]["compile"] = True
    write(tmp_path / "a.pt", seed=0, error=8.0)
    write(tmp_path / "b.pt", seed=1, error=9.0, recipe=recipe)
    (row,) = read_runs([tmp_path])[0]
    assert row.values == {"cifar10": {0: {"error": 8.0}, 1: {"error": 9.0}}}


def test_what_older_checkpoints_lack_is_what_the_defaults_do():
    recipe = {
        f"{table}.{key}": value
        for table, values in Recipe().to_dict().items()
        for key, value in values.items()
    }
    assert ALWAYS.items() <= recipe.items()


def test_another_optimizer_is_another_row(tmp_path):
    recipe = Recipe(
        model=ModelConfig(arch="resnet20", attention=("none",)), train=TrainConfig(lr=0.1, epochs=3)
    )
    adam = recipe.changed(train=recipe.train.changed(optimizer="adam")).to_dict()
    write(tmp_path / "a.pt", seed=0)
    write(tmp_path / "b.pt", seed=1, recipe=adam)
    assert [row.setting for row in read_runs([tmp_path])[0]] == [
        "train.optimizer=None",
        "train.optimizer=adam",
    ]


def test_a_whole_number_and_the_same_fraction_are_one_setting(tmp_path):
    recipe = Recipe(
        model=ModelConfig(arch="resnet20", attention=("none",)), train=TrainConfig(lr=0.1, epochs=3)
    )
    older = recipe.to_dict()
    older["train"]["warmup"] = 2
    write(tmp_path / "a.pt", seed=0)
    write(tmp_path / "b.pt", seed=1, recipe=older)
    assert len(read_runs([tmp_path])[0]) == 1


def test_networks_trained_otherwise_are_rows_of_their_own(tmp_path):
    write(tmp_path / "a.pt", lr=0.1, error=8.0)
    write(tmp_path / "b.pt", lr=0.2, error=9.0)
    write(tmp_path / "c.pt", "resnet20", "rga-sc", lr=0.1, error=7.0)
    rows, _ = read_runs([tmp_path])
    assert [row.model for row in rows] == [
        "ResNet (train.lr=0.1)",
        "ResNet (train.lr=0.2)",
        "ResNet + RGA-SC",
    ]


PLAIN = {"arch": "resnet18-w16"}
SIZES = {**PLAIN, "attention": "rga-sc"}
DILATED = {"arch": "dilated-resnet18", "attention": "rga-sc"}
OPTIONS = {
    "width": (SIZES, 8),
    "s1": (SIZES, 4),
    "s2": (SIZES, 1),
    "attention_layers": (SIZES, ("conv4",)),
    "last_stride": (PLAIN, 2),
    "stem": (PLAIN, "imagenet"),
    "head": (PLAIN, "bnneck"),
    "auxiliary": (DILATED, True),
    "grid": (DILATED, 16),
    "wiring": (DILATED, "masks"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_networks_built_otherwise_are_rows_of_their_own(tmp_path, option):
    network, value = OPTIONS[option]
    write(tmp_path / "a.pt", seed=0, **network)
    write(tmp_path / "b.pt", seed=1, options={option: value}, **network)
    rows, _ = read_runs([tmp_path])
    assert len(rows) == 2
    assert all(row.setting.startswith(f"model.{option}=") for row in rows)


def test_every_option_is_among_them():
    known = {name for arch in MODELS for name in model_options(arch)}
    assert known == {
        *OPTIONS,
        *(name.removeprefix("model.") for name in SAME_RESULT if name.startswith("model.")),
    } - {
        "attention",
        "num_classes",
        "image_size",
    }


def test_other_weights_to_start_from_are_another_row(tmp_path):
    write(tmp_path / "a.pt", seed=0)
    write(tmp_path / "b.pt", seed=1, options=None, recipe=_recipe(pretrained="torchvision"))
    assert [row.setting for row in read_runs([tmp_path])[0]] == [
        "model.pretrained=None",
        "model.pretrained=torchvision",
    ]


def _recipe(**model):
    return Recipe(
        model=ModelConfig(arch="resnet20", attention=("none",), **model), train=TrainConfig(lr=0.1, epochs=3)
    ).to_dict()


def test_a_default_that_is_spelled_out_is_the_same_network(tmp_path):
    write(tmp_path / "a.pt", seed=0)
    write(tmp_path / "b.pt", seed=1, options={"stem": "small", "head": "linear"})
    assert len(read_runs([tmp_path])[0]) == 1


def test_the_stem_that_versions_chose_otherwise(tmp_path):
    """A recipe that leaves it open once meant another network for images between 64x64 and ImageNet's."""
    tall = {**PLAIN, "size": (128, 64)}
    write(tmp_path / "new.pt", seed=0, **tall)
    write(tmp_path / "old.pt", seed=1, **tall, options={"stem": "small"})
    document = torch.load(tmp_path / "old.pt", weights_only=True)
    del document["config"]["stem"], document["training"]["recipe"]["model"]["stem"]
    torch.save(document, tmp_path / "old.pt")
    assert [row.setting for row in read_runs([tmp_path])[0]] == ["model.stem=imagenet", "model.stem=small"]

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rgaviz.errors import RgavizError
from rgaviz.models import MODELS, create_model
from rgaviz.training.config import (
    RECIPES,
    DataConfig,
    ModelConfig,
    Recipe,
    TrainConfig,
    load_recipe,
    recipe_names,
    recipe_text,
)
from rgaviz.training.optim import learning_rate

SHIPPED = sorted(path.stem for path in RECIPES.rglob("*.toml"))


def fault(name, overrides=(), **options) -> str:
    with pytest.raises(RgavizError) as caught:
        load_recipe(str(name), overrides, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def write(tmp_path, text) -> str:
    path = tmp_path / "my.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_all_shipped_recipes_are_listed():
    assert recipe_names() == SHIPPED
    assert {"cifar10", "cifar100", "folder", "shapes", "cifar-resnet110", "cifar-resnet218"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_recipe_loads_and_its_copy_is_equal(name, tmp_path):
    recipe = load_recipe(name)
    assert recipe.model.arch in MODELS
    assert load_recipe(write(tmp_path, recipe_text(name))) == recipe


@pytest.mark.parametrize("name", ["cifar10", "shapes"])
def test_default_networks(name):
    recipe = load_recipe(name)
    assert recipe.model == ModelConfig(arch="resnet18-w16", attention_layers=("conv3", "conv4", "conv5"))
    assert recipe.data.image_size == (32, 32)
    config = create_model(recipe.model.arch, "rga-sc", attention_layers=recipe.model.attention_layers).config
    assert (config["s1"], config["s2"]) == (4, 4)


@pytest.mark.parametrize("depth", [110, 218])
def test_table_7_as_he_et_al_train_it(depth):
    recipe = load_recipe(f"cifar-resnet{depth}")
    trained = ("none",) if depth == 218 else ("none", "rga-sc")
    assert recipe.model == ModelConfig(arch=f"resnet{depth}", attention=trained)
    assert recipe.data == DataConfig(image_size=(32, 32))
    train = recipe.train
    assert (train.epochs, train.batch_size, train.milestones) == (164, 128, (81, 122))
    # 50,000 images in batches of 128 make 390 steps an epoch: 32k, 48k and 64k iterations
    assert [round(390 * epochs / 1000) for epochs in (*train.milestones, train.epochs)] == [32, 48, 64]
    assert (train.lr, train.warmup_lr, train.warmup) == (0.1, 0.01, 1.0)
    assert (train.momentum, train.weight_decay, train.decay_all) == (0.9, 1e-4, True)
    assert train.label_smoothing == 0
    rates = {0: 0.01, 0.99: 0.01, 1: 0.1, 80.9: 0.1, 81: 0.01, 121.9: 0.01, 122: 0.001, 163.9: 0.001}
    for epoch, rate in rates.items():
        assert math.isclose(learning_rate(train, epoch), rate)


def test_one_cycle():
    train = TrainConfig(epochs=10, lr=0.4, warmup=2.0)
    for epoch, rate in {0: 0.0, 0.5: 0.1, 1: 0.2, 2: 0.4, 4: 0.3, 6: 0.2, 9.5: 0.025, 10: 0.0}.items():
        assert math.isclose(learning_rate(train, epoch), rate, abs_tol=1e-12)
    assert learning_rate(replace(train, warmup=0.0), 0) == 0.4


def test_epochs_scale_the_schedule():
    train = load_recipe("cifar-resnet110", epochs=82).train
    assert (train.epochs, train.milestones, train.warmup) == (82, (40, 61), 0.5)
    assert load_recipe("cifar-resnet110", epochs=328).train.milestones == (162, 244)
    assert load_recipe("cifar-resnet110", epochs=328).train.warmup == 1.0
    short = load_recipe("cifar10", epochs=1).train
    assert (short.epochs, short.warmup) == (1, 0.25)
    assert load_recipe("cifar10", ["train.epochs=16"], epochs=8).train.warmup == 1.0


def test_overrides():
    overrides = [
        "train.lr=1",
        "train.compile=true",
        "train.schedule=steps",
        "train.milestones=[3, 5]",
        "model.arch=resnet50",
        'model.attention_layers=["conv5"]',
        "model.s1 = 8",
        "data.image_size=[48, 64]",
        "data.train_size=600",
        "train.lr=0.1",  # the last one wins
    ]
    recipe = load_recipe("shapes", overrides)
    assert recipe.model == ModelConfig(arch="resnet50", attention_layers=("conv5",), s1=8)
    assert recipe.data == DataConfig(image_size=(48, 64), train_size=600)
    shipped = load_recipe("shapes").train
    assert recipe.train == replace(shipped, lr=0.1, compile=True, schedule="steps", milestones=(3, 5))


def test_an_empty_recipe_is_all_defaults(tmp_path):
    assert load_recipe(write(tmp_path, "")) == Recipe()


def test_to_dict_is_plain():
    recipe = load_recipe("cifar-resnet110")
    plain = recipe.to_dict()
    assert set(plain) == {"model", "data", "train"}
    parts = ModelConfig(**plain["model"]), DataConfig(**plain["data"]), TrainConfig(**plain["train"])
    assert Recipe(*parts) == recipe


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.lr=fast", ["train.lr", "'fast'", "a number"]),
        ("train.lr=true", ["train.lr", "True", "a number"]),
        ("train.epochs=2.5", ["train.epochs", "2.5", "a whole number"]),
        ("train.compile=1", ["train.compile", "true or false"]),
        ("train.milestones=3", ["train.milestones", "a list of int"]),
        ("train.milestones=[1, 'a']", ["train.milestones", "a list of int"]),
        ("model.attention_layers=conv5", ["model.attention_layers", "a list of str"]),
        ("model.arch=18", ["model.arch", "a string"]),
        ("data.train_size=", ["data.train_size", "a whole number"]),
        ("train.lr=0", ["train.lr", "positive"]),
        ("train.lr=nan", ["train.lr", "positive"]),
        ("train.epochs=-1", ["train.epochs", "positive"]),
        ("train.warmup=99", ["train.warmup", "less than train.epochs"]),
        ("train.momentum=1.0", ["train.momentum", "below 1"]),
        ("train.label_smoothing=-0.1", ["train.label_smoothing", "at least 0"]),
        ("train.schedule=one-cicle", ["train.schedule", "Did you mean 'one-cycle'"]),
        ("train.precision=fp16", ["train.precision", "bf16", "fp32"]),
        ("data.image_size=[32]", ["data.image_size", "two sides"]),
        ("data.image_size=[4, 32]", ["data.image_size", "8 pixels"]),
        ("data.held_out=1.0", ["data.held_out", "between 0 and 1"]),
        ("data.test_size=0", ["data.test_size", "1 or more"]),
        ("train.leraning_rate=1", ["leraning_rate", "label_smoothing", "lr"]),
        ("train.epoch=1", ["'epoch'", "Did you mean 'epochs'"]),
        ("trian.lr=1", ["'trian'", "Did you mean 'train'"]),
        ("lr=1", ["--set lr=1", "table.key=value"]),
        ("train.lr", ["--set train.lr", "table.key=value"]),
        ("train.=1", ["table.key=value"]),
    ],
)
def test_bad_overrides(override, words):
    message = fault("cifar10", [override])
    for word in words:
        assert word in message


def test_several_faults_at_once(tmp_path):
    text = """
    modle = 3
    data = 4
    [model]
    arhc = "resnet50"
    width = "wide"
    [train]
    lr = -1
    momentum = 2
    """
    message = fault(write(tmp_path, text))
    for word in (
        "my.toml",
        "modle",
        "data = 4 is not a table",
        "arhc",
        "'wide'",
        "train.lr",
        "train.momentum",
    ):
        assert word in message


def test_bad_files(tmp_path):
    assert "not a valid recipe" in fault(write(tmp_path, "[train\nlr = 1"))
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe\x00")
    assert "rgaviz recipe cifar10" in fault(tmp_path / "my.toml")
    message = fault(tmp_path / "none.toml")
    assert "none.toml does not exist" in message
    assert "rgaviz list recipes" in message
    assert "Did you mean 'cifar10'" in fault("cifar1O")
    assert "../" in fault("../recipes/cifar10")

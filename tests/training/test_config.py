from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from rgaviz.checkpoint import schema
from rgaviz.errors import LONGEST, RgavizError
from rgaviz.models import MODELS, create_model
from rgaviz.training import config
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

SHIPPED = sorted(path.stem for path in RECIPES.rglob("*.toml"))


def fault(name, overrides=(), **options) -> str:
    with pytest.raises(RgavizError) as caught:
        load_recipe(str(name), overrides, **options)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= LONGEST
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
    assert recipe.train == shipped.changed(lr=0.1, compile=True, schedule="steps", milestones=(3, 5))


def test_an_empty_recipe_is_all_defaults(tmp_path):
    assert load_recipe(write(tmp_path, "")) == Recipe()


def test_to_dict_is_plain():
    recipe = load_recipe("cifar-resnet110")
    plain = recipe.to_dict()
    assert set(plain) == {"model", "data", "train"}
    kinds = {"model": ModelConfig, "data": DataConfig, "train": TrainConfig}
    assert Recipe(**{table: kind(**plain[table]) for table, kind in kinds.items()}) == recipe
    given = {"arch": "resnet110", "attention": ("none", "rga-sc"), "pretrained": "none"}
    assert given.items() <= plain["model"].items()
    assert {value for key, value in plain["model"].items() if key not in given} == {None}
    assert "s1" in plain["model"]
    values = [value for table in plain.values() for value in table.values()]
    assert {type(each) for each in values} <= {int, float, str, bool, tuple, type(None)}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.lr=fast", ["train.lr", "'fast'", "a number"]),
        ("train.lr=true", ["train.lr", "True", "a number"]),
        ("train.epochs=2.5", ["train.epochs", "2.5", "a whole number"]),
        ("train.compile=1", ["train.compile", "true or false"]),
        ("train.milestones=3", ["train.milestones", "a list of int"]),
        ("train.milestones=[1, 'a']", ["train.milestones", "a list of int"]),
        ("model.attention_layers=conv5", ["model.attention_layers", "'conv5'", "a list of names"]),
        ("model.attention_layers=[1]", ["model.attention_layers", "a list of names"]),
        ('model.attention_layers=[["conv5"]]', ["model.attention_layers", "a list of names"]),
        ("model.attention_layers={conv5=1}", ["model.attention_layers", "a list of names"]),
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
        ("data.image_size=[99999, 32]", ["data.image_size", "two sides of 8 to 4096 pixels"]),
        ("data.image_size=[4, 32]", ["data.image_size", "8 to 4096 pixels"]),
        ("data.held_out=1.0", ["data.held_out", "between 0 and 1"]),
        ("data.test_size=0", ["data.test_size", "1 or more"]),
        ("train.leraning_rate=1", ["leraning_rate", "keep_last", "label_smoothing"]),
        ("train.epoch=1", ["'epoch'", "Did you mean 'epochs'"]),
        ("trian.lr=1", ["'trian'", "Did you mean 'train'"]),
        ("lr=1", ["--set lr=1", "table.key=value"]),
        ("train.lr", ["--set train.lr", "table.key=value"]),
        ("train.=1", ["table.key=value"]),
        ("train.lr=[0.1]", ["train.lr = [0.1] is not a number"]),
        ("train.lr='0.1'", ["train.lr = '0.1' is not a number"]),
        ("train.epochs=true", ["train.epochs = True is not a whole number"]),
        ("train.epochs=0", ["train.epochs = 0 must be positive"]),
        ("train.warmup=nan", ["train.warmup = nan must be 0 or more"]),
        ("train.milestones=[1.0]", ["train.milestones = [1.0] is not a list of int"]),
        ("train.milestones={a = 1}", ["train.milestones", "a list of int"]),
        ("train.decay_all='yes'", ["train.decay_all = 'yes' is not true or false"]),
        ("train.optimizer=adamm", ["train.optimizer", "Did you mean 'adam"]),
        ("train.clip_norm=0", ["train.clip_norm = 0 must be positive"]),
        ("train.class_weights=[1, -1]", ["train.class_weights = [1, -1] must be positive"]),
        ("train.class_weights=[]", ["train.class_weights = [] must be positive"]),
        ("train.accumulate=129", ["train.accumulate = 129 must be at most train.batch_size"]),
        ("train.evaluate_every=0", ["train.evaluate_every = 0 must be positive"]),
        ("train.save_minutes=-1", ["train.save_minutes = -1 must be 0 or more"]),
        ("data.augment=mirror", ["data.augment", "shift-mirror"]),
        ("data.workers=-1", ["data.workers = -1 must be 0 or more"]),
        ("model.attention=rga-sc", ["model.attention = 'rga-sc' is not a list of str"]),
        ("model.pretrained=true", ["model.pretrained = True is not a string"]),
        ("model.s1=8.0", ["model.s1", "8.0", "a whole number"]),
        ("model.memory_efficient=1", ["model.memory_efficient", "only a DenseNet has"]),
        ("model.widht=8", ["model.*", "Did you mean 'width'"]),
        ("train.self=1", ["'self'", "train.*"]),
        ("train.title=1", ["'title'", "train.*"]),
        ("model.options=1", ["'options'", "model.*"]),
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
        "my.toml: Unknown recipe table 'modle'. Did you mean 'model'?",
        "data = 4 is not a table",
        " And 4 more faults.",
    ):
        assert word in message


def test_every_fault_of_a_file_is_told_once(tmp_path):
    text = """
    [model]
    attention = "none"
    [data]
    image_size = [4, "x", 4.0]
    [train]
    epochs = 3
    warmup = 3
    accumulate = 200
    """
    message = fault(write(tmp_path, text))
    assert message.count("data.image_size = [4, 'x', 4.0] is not a list of int.") == 1
    assert "model.attention = 'none' is not a list of str." in message
    assert "train.warmup = 3.0 must be less than train.epochs." in message
    assert message.endswith(
        (" And 1 more fault.", "train.accumulate = 200 must be at most train.batch_size.")
    )


def test_of_many_faults_the_first_are_told_whole_and_the_others_counted(tmp_path):
    text = "[train]\n" + "\n".join(f"unknown{number} = 1" for number in range(200))
    message = fault(write(tmp_path, text))
    assert "train.* 'unknown0'. Choose one of: accumulate, " in message
    assert message.endswith(" And 199 more faults.")
    text = "[train]\n" + "\n".join(
        f"{name} = -1" for name in ("epochs", "batch_size", "lr", "gamma", "momentum")
    )
    message = fault(write(tmp_path, f"{text}\nsave_minutes = -1\nclip_norm = -1"))
    told = message.partition(": ")[2]
    assert re.fullmatch(r"(train\.\w+ = -1 must be [a-z0-9 ]+\. )+And \d more faults\.", told)
    assert told.count("train.") + int(told.split("And ")[1][0]) == 7


@pytest.mark.parametrize(
    ("table", "values", "words"),
    [
        (
            TrainConfig,
            {"epochs": 0, "lr": "x"},
            ["train.epochs = 0 must be positive", "train.lr = 'x' is not"],
        ),
        (DataConfig, {"image_size": (32,)}, ["data.image_size = [32] must be two sides"]),
        (ModelConfig, {"arhc": "resnet50"}, ["Did you mean 'arch'"]),
        (Recipe, {"train": {"epochs": 3}, "modle": 1}, ["modle"]),
    ],
)
def test_tables_made_in_python_are_checked_alike(table, values, words):
    with pytest.raises(RgavizError) as caught:
        table(**values)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_settings_are_frozen_and_changed_ones_are_checked():
    train = TrainConfig()
    with pytest.raises(ValidationError, match="frozen"):
        train.lr = 1.0
    assert train.changed(lr=1).lr == 1.0
    with pytest.raises(RgavizError, match="lr"):
        train.changed(lr=0)
    with pytest.raises(RgavizError, match="'width'"):
        ModelConfig(width=8).changed(widht=8)


def test_options_of_the_network_that_are_none_are_not_given():
    assert ModelConfig(width=None, s1=8) == ModelConfig(s1=8)
    assert ModelConfig(s1=8).options == {"s1": 8}
    assert ModelConfig(s1=8).changed(s1=None) == ModelConfig()
    assert ModelConfig(attention_layers=["conv5"]).options == {"attention_layers": ("conv5",)}


def test_bad_files(tmp_path):
    assert "not a valid recipe" in fault(write(tmp_path, "[train\nlr = 1"))
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe\x00")
    assert "rgaviz recipe cifar10" in fault(tmp_path / "my.toml")
    message = fault(tmp_path / "none.toml")
    assert "none.toml does not exist" in message
    assert "rgaviz list recipes" in message
    assert "Did you mean 'cifar10'" in fault("cifar1O")
    assert "../" in fault("../recipes/cifar10")


def test_the_largest_image_is_that_of_a_checkpoint():
    assert (
        config.LARGEST_IMAGE == schema.LARGEST_IMAGE
    )  # recipes are read without PyTorch, so it stands twice


@pytest.mark.parametrize("name", ["cityscapes", "camvid-small"])
def test_rows_of_table_6_differ_in_the_head_alone(name):
    plain = load_recipe(name)
    assert plain.model.head == "fcn"
    for head in ("ppm", "aspp"):
        assert load_recipe(f"{name}-{head}") == plain.changed(model=plain.model.changed(head=head))

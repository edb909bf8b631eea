"""Options of networks: each is honoured, kept in the config, or refused in one line."""

from __future__ import annotations

import pytest
import torch
from changed_options import CHANGED
from parametrised import rare
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.models import create_model, model_options, option_faults
from rgaviz.models.network import shapes_only


def traits(model):
    """Names and shapes of the weights, the shape of the last map, and how it is trained."""
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    for name in model.stages:
        model.attention[name] = nn.Identity()  # no sizes are lost, and autocast knows no meta device
    last = model.maps(torch.zeros(2, 3, 60, 68, device="meta")).shape
    return shapes, last, any(getattr(module, "memory_efficient", False) for module in model.modules())


@pytest.mark.parametrize("arch", ["resnet18-w16", "resnet20", rare("densenet-bc100")])
def test_every_option_is_honoured(arch):
    with shapes_only():
        usual = create_model(arch, "rga-c", image_size=(60, 68))
        expected = traits(usual)
        for name, default in model_options(arch).items():
            value = CHANGED[name](list(usual.stages))
            model = create_model(arch, "rga-c", image_size=(60, 68), **{name: value})
            assert value != default
            assert model.config == {**usual.config, name: value}
            assert traits(model) != expected, name
            if name not in ("stem", "attention_layers"):  # the defaults of these are decided by the network
                assert (
                    create_model(arch, "rga-c", image_size=(60, 68), **{name: default}).config == usual.config
                )


@pytest.mark.parametrize("arch", ["resnet20", "densenet-bc100"])
def test_none_is_the_default(arch):
    with shapes_only():
        nothing = dict.fromkeys(CHANGED)  # those of other networks, too, as recipes give them
        assert create_model(arch, "rga-s", **nothing).config == create_model(arch, "rga-s").config


def test_options_of_an_architecture():
    assert model_options("resnet18-w16") == {
        "attention_layers": None,
        "width": 16,
        "s1": 4,
        "s2": 4,
        "last_stride": 1,
        "stem": "auto",
        "head": "linear",
    }
    assert model_options("densenet-bc100").keys() ^ model_options("resnet20").keys() == {
        "last_stride",
        "memory_efficient",
    }
    assert model_options("torchvision:resnet18") == {"attention_layers": None, "s1": None, "s2": None}
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet18'"):
        model_options("resnet1x8")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"wdith": 16},
            "Unknown option of resnet20 'wdith'. Did you mean 'width'? "
            "Choose one of: attention_layers, head, last_stride, s1, s2, stem, width.",
        ),
        ({"wdith": None}, "Did you mean 'width'?"),
        ({"shortcut": None}, "Unknown option of resnet20 'shortcut'."),
        (
            {"memory_efficient": True},
            "resnet20 has no option memory_efficient, only a DenseNet has; leave it out.",
        ),
        ({"width": "16"}, "width='16' cannot build a resnet20; give a whole number."),
        ({"width": 3.5}, "width=3.5 cannot build a resnet20; give a whole number."),
        ({"head": 3}, "head=3 cannot build a resnet20; give a name."),
        (
            {"attention_layers": "conv2"},
            "attention_layers='conv2' cannot build a resnet20; give a list of names.",
        ),
        ({"width": 0}, "width=0 cannot build a resnet20; give a positive number."),
    ],
)
def test_options_that_are_refused(options, told):
    (fault,) = option_faults("resnet20", options)
    assert told in fault
    with pytest.raises(RgavizError) as caught:
        create_model("resnet20", **options)
    assert str(caught.value) == fault


def test_all_faults_of_options_are_told_at_once():
    with pytest.raises(RgavizError) as caught:
        create_model("densenet100", num_classes=0, last_stride=2, width=-1, memory_efficient=1)
    assert str(caught.value) == (
        "densenet100 has no option last_stride, only a ResNet has; leave it out. "
        "width=-1 cannot build a densenet100; give a positive number. "
        "memory_efficient=1 cannot build a densenet100; give true or false. "
        "num_classes=0 cannot build a densenet100; give a positive number."
    )


@pytest.mark.parametrize(
    ("size", "stem"),
    [
        ((32, 32), "small"),
        ((64, 64), "small"),
        ((128, 32), "small"),
        ((65, 64), "imagenet"),
        ((128, 64), "imagenet"),
        ((64, 128), "imagenet"),
        ((16, 400), "imagenet"),
    ],
)
@pytest.mark.parametrize("arch", ["resnet18-w16", "resnet20", "densenet-bc100"])
def test_the_stem_goes_by_the_number_of_pixels(arch, size, stem):
    """A picture of re-identification, 128x64, is not run at full resolution."""
    with shapes_only():
        for options in ({}, {"stem": "auto"}, {"stem": stem}):
            model = create_model(arch, image_size=size, **options)
            first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
            assert model.config["stem"] == stem
            assert first.kernel_size == {"small": (3, 3), "imagenet": (7, 7)}[stem]


def test_config_carries_every_option():
    options = {
        "num_classes": 3,
        "image_size": (20, 24),
        "attention_layers": ["conv3", "conv5"],
        "width": 8,
        "s1": 2,
        "s2": 1,
        "last_stride": 2,
        "stem": "small",
        "head": "bnneck",
    }
    model = create_model("resnet18", "rga-cs", **options)
    expected = {"arch": "resnet18", "attention": "rga-cs", **options, "image_size": [20, 24]}
    assert model.config == expected
    assert {type(slot).__name__ for slot in model.attention.values()} == {"Identity", "SequentialRGA"}
    assert [type(model.attention[name]).__name__ for name in model.stages] == [
        "Identity",
        "SequentialRGA",
    ] * 2


@pytest.mark.parametrize(
    ("arch", "ratio", "width"),
    [("resnet18", 8, 64), ("resnet50", 8, 64), ("resnet18-w16", 4, 16), ("resnet20", 4, 16)],
)
def test_defaults_of_an_architecture(arch, ratio, width):
    with torch.device("meta"):
        config = create_model(arch).config
    assert (config["s1"], config["s2"], config["width"]) == (ratio, ratio, width)
    assert config["last_stride"] == (2 if arch == "resnet20" else 1)


@pytest.mark.parametrize(
    ("call", "near"),
    [
        ({"arch": "resnet1x8"}, "resnet18"),
        ({"arch": "resnet18", "attention": "rga_sc"}, "rga-sc"),
        ({"arch": "resnet18", "attention": "rga-sc", "attention_layers": ["conv6"]}, "conv5"),
        ({"arch": "resnet20", "attention": "none", "attention_layers": ["conv5"]}, "conv4"),
        ({"arch": "resnet20", "stem": "imagnet"}, "imagenet"),
        ({"arch": "densenet100", "stem": "smal"}, "small"),
    ],
)
def test_unknown_names_come_with_a_suggestion(call, near):
    with pytest.raises(UnknownNameError) as caught:
        create_model(**call)
    message = str(caught.value)
    assert "\n" not in message
    assert "Did you mean" in message
    assert repr(near) in message or near in message.split("Choose one of")[1]


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 0},
        {"image_size": (0, 32)},
        {"image_size": (32, -1)},
        {"width": 0},
        {"s1": 0},
        {"s2": -1},
        {"last_stride": 0},
    ],
)
def test_impossible_numbers(options):
    with pytest.raises(RgavizError, match="positive") as caught:
        create_model("resnet18-w16", "rga-sc", **options)
    assert "\n" not in str(caught.value)


def test_an_image_too_small_for_the_ratios_is_refused():
    with pytest.raises(RgavizError, match=r"s1=s2=\d works"):
        create_model("resnet18", "rga-sc", image_size=(8, 8))

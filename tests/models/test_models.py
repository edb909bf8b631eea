"""Networks: parameters of the papers, stages, torchvision's weights, and one contract for all."""

from __future__ import annotations

import json

import pytest
import torch
import torchvision
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.layers import find_layer
from rgaviz.models import MODELS, count_parameters, create_model, model_options, option_faults
from rgaviz.models.network import shapes_only
from rgaviz.models.resnet import SubsamplePad

FOUR = ["conv2", "conv3", "conv4", "conv5"]
CIFAR = ["resnet20", "resnet56", "resnet110", "resnet218"]
DENSE = ["densenet100", "densenet115", "densenet-bc100", "densenet-bc115"]
SMALL = {"width": 8, "s1": 2, "s2": 2, "image_size": (16, 14)}
STAGES = {
    **{arch: FOUR[:3] for arch in CIFAR},
    **{arch: ["transition1", "transition2", "denseblock3"] for arch in DENSE},
}


@pytest.mark.parametrize(
    ("arch", "attention", "classes", "count"),
    [
        ("resnet110", "none", 10, 1_727_962),
        ("resnet110", "rga-sc", 10, 3_057_734),
        ("resnet218", "none", 10, 3_477_850),
        ("resnet110", "none", 100, 1_733_812),
        ("resnet110", "rga-sc", 100, 3_063_584),
        ("resnet218", "none", 100, 3_483_700),
    ],
)
def test_parameters_of_table_7(arch, attention, classes, count):
    with torch.device("meta"):
        model = create_model(arch, attention, num_classes=classes, image_size=(32, 32))
    assert count_parameters(model) == count


def test_resnet50_with_rga_at_256x128_has_the_modules_of_the_paper():
    with torch.device("meta"):
        plain = create_model("resnet50", num_classes=767, image_size=(256, 128))
        model = create_model("resnet50", "rga-sc", num_classes=767, image_size=(256, 128))
    assert count_parameters(model) - count_parameters(plain) == 6_314_096


def sizes(model, image_size):
    """Stage name -> shape of what its slot puts out."""
    found = {}
    handles = [
        find_layer(model, name).register_forward_hook(
            lambda module, inputs, output, name=name: found.update({name: tuple(output.shape[1:])})
        )
        for name in model.stages
    ]
    with torch.no_grad():
        logits = model.eval()(torch.zeros(1, 3, *image_size))
    for handle in handles:
        handle.remove()
    assert logits.shape == (1, model.config["num_classes"])
    return found


@pytest.mark.parametrize(
    ("image_size", "options", "expected"),
    [
        ((32, 32), {}, [(32, 32), (16, 16), (8, 8), (8, 8)]),
        ((32, 32), {"last_stride": 2}, [(32, 32), (16, 16), (8, 8), (4, 4)]),
        ((33, 47), {}, [(33, 47), (17, 24), (9, 12), (9, 12)]),
        (
            (64, 72),
            {"last_stride": 2, "attention_layers": FOUR[1:], "stem": "small"},
            [(64, 72), (32, 36), (16, 18), (8, 9)],
        ),
        ((128, 32), {}, [(128, 32), (64, 16), (32, 8), (32, 8)]),
        ((64, 65), {}, [(16, 17), (8, 9), (4, 5), (4, 5)]),
        ((128, 64), {}, [(32, 16), (16, 8), (8, 4), (8, 4)]),
        ((20, 24), {"stem": "imagenet"}, [(5, 6), (3, 3), (2, 2), (2, 2)]),
        ((65, 65), {}, [(17, 17), (9, 9), (5, 5), (5, 5)]),
        ((97, 130), {}, [(25, 33), (13, 17), (7, 9), (7, 9)]),
        ((97, 130), {"last_stride": 2}, [(25, 33), (13, 17), (7, 9), (4, 5)]),
    ],
)
def test_stages_of_a_four_stage_network(image_size, options, expected):
    model = create_model("resnet18-w16", "rga-s", image_size=image_size, width=4, s1=2, s2=2, **options)
    assert list(model.stages) == FOUR
    shapes = [(4 * 2**i, *size) for i, size in enumerate(expected)]
    assert list(sizes(model, image_size).values()) == shapes


@pytest.mark.parametrize(
    ("image_size", "expected"),
    [((32, 32), [(32, 32), (16, 16), (8, 8)]), ((31, 45), [(31, 45), (16, 23), (8, 12)])],
)
def test_stages_of_a_cifar_network(image_size, expected):
    model = create_model("resnet20", "rga-s", image_size=image_size, attention_layers=FOUR[:3])
    assert list(model.stages) == FOUR[:3]
    shapes = [(16 * 2**i, *size) for i, size in enumerate(expected)]
    assert list(sizes(model, image_size).values()) == shapes


def test_a_stage_is_what_the_next_layer_sees():
    torch.manual_seed(0)
    model = create_model("resnet18-w16", "rga-s", image_size=(16, 16)).eval()
    seen = {}
    for name in ("conv3", "layer2", "layer3.0"):
        find_layer(model, name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: (inputs[0].clone(), output.clone())})
        )
    with torch.no_grad():
        model(torch.randn(2, 3, 16, 16))
    assert torch.equal(seen["conv3"][0], seen["layer2"][1])
    assert torch.equal(seen["conv3"][1], seen["layer3.0"][0])
    assert not torch.equal(seen["conv3"][1], seen["layer2"][1])


@pytest.mark.parametrize("arch", ["resnet18-w16", "resnet50", "resnet20", "densenet-bc100"])
def test_layers_are_used_in_the_order_they_are_listed(arch):
    """FullGrad of pytorch-grad-cam pairs the layers of one order with the maps of the other."""
    model = create_model(arch, image_size=(16, 16), width=8).eval()
    listed = [name for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    used = []
    for name in listed:
        model.get_submodule(name).register_forward_hook(lambda m, i, o, name=name: used.append(name))
    with torch.no_grad():
        model(torch.zeros(1, 3, 16, 16))
    assert used == listed


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_torchvision_weights_load_as_they_are(arch):
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, arch)(weights=None, num_classes=7)
    theirs.train()
    x = torch.randn(4, 3, 80, 72)
    with torch.no_grad():
        theirs(x)  # running statistics of its own
    theirs.eval()
    ours = create_model(arch, num_classes=7, image_size=(80, 72), last_stride=2).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))

    attended = create_model(arch, "rga-sc", num_classes=7, image_size=(80, 72), s1=1, s2=1)
    missing, unexpected = attended.load_state_dict(theirs.state_dict(), strict=False)
    assert unexpected == []
    assert missing
    assert all(key.startswith("attention.") for key in missing)


def test_the_parameter_free_shortcut():
    x = torch.arange(2 * 3 * 5, dtype=torch.float32).view(1, 2, 3, 5)
    expected = torch.zeros(1, 4, 2, 3)  # a channel of zeros on either side, every second pixel
    expected[0, 1] = torch.tensor([[0, 2, 4], [10, 12, 14]])
    expected[0, 2] = torch.tensor([[15, 17, 19], [25, 27, 29]])
    assert torch.equal(SubsamplePad(2, 4, 2)(x), expected)


# Option -> a value that is nobody's default.
CHANGED = {
    "attention_layers": lambda stages: stages[1:2],
    "width": lambda _: 48,
    "s1": lambda _: 2,
    "s2": lambda _: 2,
    "last_stride": lambda _: 3,
    "stem": lambda _: "imagenet",
    "head": lambda _: "bnneck",
    "memory_efficient": lambda _: True,
}


def contract_options(arch):
    """Small enough for a test."""
    return {} if arch in CIFAR + DENSE else {"width": 16, "s1": 4, "s2": 4}


@pytest.mark.parametrize("attention", ["none", "rga-sc"])
@pytest.mark.parametrize("arch", MODELS)
def test_contract(arch, attention):
    torch.manual_seed(0)
    model = create_model(arch, attention, num_classes=5, image_size=(16, 14), **contract_options(arch))
    stages = STAGES.get(arch, FOUR)
    assert list(model.stages) == stages
    assert model.config["attention_layers"] == (FOUR if stages == FOUR else stages[:1])
    assert model.task == "classification"
    assert model.head is (model.classifier if arch in DENSE else model.fc)

    images, seen = torch.randn(3, 3, 16, 14), []
    find_layer(model, stages[-1]).register_forward_hook(lambda module, inputs, output: seen.append(output))
    logits = model(images)
    assert logits.shape == (3, 5)
    (last,) = seen
    logits.square().sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        if parameter.ndim > 1 and "score" not in key:  # a single weight before a BN has none but by rounding
            assert parameter.grad.abs().max() > 0, key

    assert last.ndim == 4
    assert torch.equal(model.head(model.neck(last.mean((2, 3)))), logits)
    assert all(
        name not in vars(type(model)) for name in ("pooled", "embed", "forward")
    )  # only maps is its own

    assert model.config == json.loads(json.dumps(model.config))
    assert model.config.keys() - {"arch", "attention", "num_classes", "image_size"} == set(
        model_options(arch)
    )
    changed = {name: CHANGED[name](stages) for name in model_options(arch)}
    with shapes_only():
        again = create_model(**model.config)
        other = create_model(arch, num_classes=5, image_size=(60, 68), **changed)
    assert other.config.items() >= changed.items()
    assert again.config == model.config
    shapes, same = ([(key, value.shape) for key, value in m.state_dict().items()] for m in (model, again))
    assert shapes == same


@pytest.mark.parametrize("head", ["linear", "bnneck"])
@pytest.mark.parametrize("arch", ["resnet18-w16", "resnet20", "densenet-bc100"])
@torch.no_grad()
def test_each_output_is_made_of_the_one_before(arch, head):
    torch.manual_seed(0)
    model = create_model(arch, "rga-sc", head=head, **SMALL).eval()
    images, seen = torch.randn(2, 3, 16, 14), []
    find_layer(model, list(model.stages)[-1]).register_forward_hook(
        lambda m, inputs, output: seen.append(output)
    )
    maps = model.maps(images)
    assert maps is seen[0]
    assert torch.equal(model.pooled(images), maps.mean((2, 3)))
    assert torch.equal(model.embed(images), model.neck(maps.mean((2, 3))))
    assert torch.equal(model(images), model.head(model.neck(maps.mean((2, 3)))))


@pytest.mark.parametrize("arch", MODELS)
def test_a_pair_starts_from_one_backbone(arch):
    pair = []
    for attention in ("none", "rga-sc"):
        torch.manual_seed(5)
        pair.append(create_model(arch, attention, **contract_options(arch)).state_dict())
    plain, attended = pair
    assert all(torch.equal(value, attended[key]) for key, value in plain.items())
    added = attended.keys() - plain.keys()
    assert added
    assert all("attention." in key for key in added)


def traits(model):
    """Names and shapes of the weights, the shape of the last map, and how it is trained."""
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    for name in model.stages:
        model.attention[name] = nn.Identity()  # no sizes are lost, and autocast knows no meta device
    last = model.maps(torch.zeros(2, 3, 60, 68, device="meta")).shape
    return shapes, last, any(getattr(module, "memory_efficient", False) for module in model.modules())


@pytest.mark.parametrize("arch", ["resnet18-w16", "resnet20", "densenet-bc100"])
def test_every_option_is_honoured(arch):
    with shapes_only():
        usual = create_model(arch, "rga-c", image_size=(60, 68))
        expected = traits(usual)
        for name, default in model_options(arch).items():
            value = CHANGED[name](STAGES.get(arch, FOUR))
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
    assert model_options("torchvision:resnet18") == {}
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
        ((8, 600), "imagenet"),
    ],
)
@pytest.mark.parametrize("arch", ["resnet18-w16", "resnet20", "densenet-bc100"])
def test_the_stem_goes_by_the_number_of_pixels(arch, size, stem):
    """A picture of re-identification, 128x64, is not run at full resolution."""
    if arch == "densenet-bc100" and size == (8, 600):
        pytest.skip("halved too often")
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
    assert [type(model.attention[name]).__name__ for name in FOUR] == ["Identity", "SequentialRGA"] * 2


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

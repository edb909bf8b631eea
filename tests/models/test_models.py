"""Networks: parameters of the papers, stages, torchvision's weights, and one contract for all."""

from __future__ import annotations

import json

import pytest
import torch
import torchvision
from changed_options import CHANGED
from parametrised import mostly
from torch import nn

from rgaviz.explain.layers import find_layer
from rgaviz.models import MODELS, count_parameters, create_model, model_options
from rgaviz.models.network import shapes_only
from rgaviz.models.resnet import SubsamplePad

FOUR = ["conv2", "conv3", "conv4", "conv5"]
DILATED = [arch for arch in MODELS if arch.startswith("dilated-")]  # see test_segmentation.py
CLASSIFIERS = [arch for arch in MODELS if arch not in DILATED]
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


@pytest.mark.parametrize("arch", mostly(["resnet18", "resnet50"], "resnet50"))
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


def contract_options(arch):
    """Small enough for a test."""
    return {} if arch in CIFAR + DENSE else {"width": 16, "s1": 4, "s2": 4}


DEEP = (
    "resnet34",
    "resnet101",
    "resnet110",
    "resnet218",
    "densenet115",
    "densenet-bc115",
)  # as others, longer
CONTRACT = [(arch, attention) for arch in CLASSIFIERS for attention in ("none", "rga-sc")]


@pytest.mark.parametrize(("arch", "attention"), mostly(CONTRACT, *((arch, "none") for arch in DEEP)))
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
    if arch in DILATED:  # the attended map stands beside the other before the classifier
        plain = {key: value for key, value in plain.items() if not key.startswith("classifier.")}
        attended = {key: value for key, value in attended.items() if not key.startswith("classifier.")}
    assert all(torch.equal(value, attended[key]) for key, value in plain.items())
    added = attended.keys() - plain.keys()
    assert added
    assert all("attention." in key for key in added)

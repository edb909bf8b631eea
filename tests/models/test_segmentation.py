"""Dilated networks: torchvision's weights, any size of picture, the attention on its grid, and one contract for all."""

from __future__ import annotations

import json

import pytest
import torch
import torchvision
from torch import nn

from rgaviz.attention import ATTENTIONS, Gate, build_attention
from rgaviz.errors import RgavizError
from rgaviz.explain.layers import find_layer
from rgaviz.models import MODELS, count_parameters, create_model, model_options
from rgaviz.models.context import WIRINGS, build_context, roi_align
from rgaviz.models.network import shapes_only
from rgaviz.models.pyramids import BINS, PROJECTIONS
from rgaviz.models.segmentation import DilatedResNet

ARCHS = [arch for arch in MODELS if arch.startswith("dilated-")]
STAGES = ["conv2", "conv3", "conv4", "conv5", "context"]
SMALL = {"width": 8, "grid": 4, "s1": 2, "s2": 2, "image_size": (64, 48), "num_classes": 5}
HEADS = pytest.mark.parametrize("head", PROJECTIONS)


def small(attention="rga-sc", arch="dilated-resnet18", **options):
    torch.manual_seed(0)
    return create_model(arch, attention, **{**SMALL, **options})


def seen_much(model):
    """With running statistics that have seen something, in eval mode."""
    with torch.no_grad():
        model.train()(torch.randn(4, 3, 64, 48, dtype=model.conv1.weight.dtype))
    return model.eval()


@pytest.mark.parametrize("attention", ["none", "rga-sc"])
@HEADS
@pytest.mark.parametrize("arch", ARCHS)
def test_contract(arch, head, attention):
    model = small(attention, arch, head=head, auxiliary=True)
    assert isinstance(model, DilatedResNet)
    assert list(model.stages) == STAGES
    assert model.task == "segmentation"
    images, seen = torch.randn(2, 3, 64, 48), {}
    for name in STAGES:
        find_layer(model, name).register_forward_hook(
            lambda m, i, output, name=name: seen.update({name: output})
        )
    found = model.dense(images)
    assert {key: value.shape for key, value in found.items()} == dict.fromkeys(
        ("logits", "auxiliary"), (2, 5, 64, 48)
    )
    assert [tuple(each.shape[2:]) for each in seen.values()] == [(16, 12), *[(8, 6)] * 4]
    sum(value.square().sum() for value in found.values()).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
    config = model.config
    assert config == json.loads(json.dumps(config))
    assert config.keys() - {"arch", "attention", "num_classes", "image_size"} == set(model_options(arch))
    with shapes_only():
        again = create_model(**config)
    assert again.config == config
    shapes, same = ([(key, value.shape) for key, value in m.state_dict().items()] for m in (model, again))
    assert shapes == same


def test_every_option_is_kept():
    changed = {
        "attention_layers": ["conv3", "context"],
        "width": 16,
        "s1": 2,
        "s2": 2,
        "head": "ppm",
        "auxiliary": True,
        "grid": 5,
        "wiring": "masks",
    }
    assert changed.keys() == model_options("dilated-resnet18").keys()
    with shapes_only():
        model = create_model("dilated-resnet18", "rga-sc", image_size=(64, 64), **changed)
    assert model.config.items() >= changed.items()


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
@torch.no_grad()
def test_the_backbone_is_torchvisions_with_dilation_for_stride(arch):
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, arch)(weights=None, num_classes=5)
    for layer, dilation in ((theirs.layer3, 2), (theirs.layer4, 4)):
        for module in layer.modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
                if module.kernel_size == (3, 3):
                    module.dilation = module.padding = (dilation, dilation)
    theirs.train()(torch.randn(4, 3, 64, 72))  # running statistics of its own
    theirs.eval()
    ours = create_model(f"dilated-{arch}", num_classes=5, image_size=(64, 72)).eval()
    backbone = {key: value for key, value in theirs.state_dict().items() if not key.startswith("fc.")}
    missing, unexpected = ours.load_state_dict(backbone, strict=False)
    assert unexpected == []
    assert {key.partition(".")[0] for key in missing} == {"projection", "classifier"}
    x, seen = torch.randn(2, 3, 64, 72), []
    find_layer(ours, "conv5").register_forward_hook(lambda m, i, output: seen.append(output))
    ours(x)
    expected = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(x))))
    for layer in (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4):
        expected = layer(expected)
    assert expected.shape[2:] == (8, 9)
    torch.testing.assert_close(seen[0], expected)


@pytest.mark.parametrize("wiring", WIRINGS)
@HEADS
@torch.no_grad()
def test_pictures_of_any_size_alone_as_in_a_batch(head, wiring):
    model = seen_much(small(head=head, wiring=wiring).double())
    for size in ((64, 48), (61, 77), (33, 130), (1, 1), (9, 200)):
        images = torch.randn(3, 3, *size, dtype=torch.float64)
        logits = model(images)
        assert logits.shape == (3, 5, *size)
        torch.testing.assert_close(logits[1:2], model(images[1:2]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [(33, 97), (24, 24), (8, 8), (5, 200), (1, 1), (24, 7)])
@pytest.mark.parametrize("grid", [1, 7, 24])
def test_the_grid_is_torchvisions_roi_align(size, grid):
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    box = torch.tensor([[0, 0, size[1], size[0]]], dtype=torch.float64)
    expected = torchvision.ops.roi_align(x, [box, box], grid, aligned=True)
    found = roi_align(x, grid)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weights = torch.randn_like(expected)
    ours, theirs = (torch.autograd.grad((each * weights).sum(), x)[0] for each in (found, expected))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_a_grid_of_its_own_size_leaves_a_map_as_it_is():
    x = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(roi_align(x, 6), x)


def masked(attention, x):
    """Whether an attention multiplies by its masks and does no more."""
    masks = []
    handles = [
        gate.register_forward_hook(lambda m, i, output: masks.append(output))
        for gate in attention.modules()
        if isinstance(gate, Gate)
    ]
    found = attention(x)
    for handle in handles:
        handle.remove()
    expected = x
    for mask in masks:
        expected = expected * mask
    return torch.allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in ATTENTIONS if name != "none"])
@torch.no_grad()
def test_every_attention_in_either_wiring(name):
    torch.manual_seed(0)
    attention = build_attention(name, 8, (6, 6), 2, 2).double()
    for parameter in attention.parameters():  # a non-local block begins as the identity
        parameter.copy_(torch.randn_like(parameter))
    attention(torch.randn(4, 8, 6, 6, dtype=torch.float64))
    attention.eval()
    x = torch.randn(2, 8, 6, 6, dtype=torch.float64).relu()
    whole = build_context("maps", attention, 6)(x)
    torch.testing.assert_close(whole, torch.cat([x, attention(x)], 1), rtol=0, atol=1e-9)
    if not masked(attention, x):
        with pytest.raises(RgavizError, match="wiring=maps"):
            build_context("masks", attention, 6)
        return
    torch.testing.assert_close(build_context("masks", attention, 6)(x), whole, rtol=0, atol=1e-9)
    large = torch.randn(2, 8, 13, 17, dtype=torch.float64).relu()
    mask = build_context("masks", attention, 6).attended(large) / large
    assert ((mask >= 0) & (mask <= 1) | large.eq(0)).all()  # 0 / 0 where the map is 0


def test_what_is_refused():
    with pytest.raises(RgavizError, match="s1=s2="):
        small(grid=1, s1=8, s2=8)
    with pytest.raises(RgavizError, match="Unknown wiring"):
        small(wiring="both")
    with pytest.raises(RgavizError, match="Unknown head"):
        small(head="linear")


@pytest.mark.parametrize(("head", "side"), [("ppm", 64), ("aspp", 64), ("ppm", 8), ("fcn", 8)])
def test_one_picture_alone_has_no_spread(head, side):
    model, image = small(head=head).train(), torch.randn(1, 3, side, side)
    with pytest.raises(RgavizError, match=r"train\.batch_size") as caught:
        model(image)
    assert "\n" not in str(caught.value)
    assert model.eval()(image).shape == (1, 5, side, side)
    assert model.train()(torch.cat([image, image])).shape == (2, 5, side, side)


def test_one_picture_alone_trains_where_it_has_a_map():
    small(head="fcn").train()(torch.randn(1, 3, 64, 48))


@pytest.mark.parametrize(
    ("head", "attention", "millions"),
    [
        ("fcn", "none", 51.95),
        ("ppm", "none", 65.58),
        ("aspp", "none", 59.23),
        ("fcn", "rga-sc", 52.33),
        ("ppm", "rga-sc", 65.97),
        ("aspp", "rga-sc", 59.61),
    ],
)
def test_parameters_of_table_6(head, attention, millions):
    with shapes_only():
        model = create_model("dilated-resnet101", attention, num_classes=19, image_size=(769, 769), head=head)
    assert count_parameters(model) / 1e6 == pytest.approx(millions, abs=0.005)


@torch.no_grad()
def test_the_pyramid_is_means_of_parts():
    """Against a slow loop, on a map whose sides the parts do not divide."""
    torch.manual_seed(0)
    pyramid = PROJECTIONS["ppm"](8, 4).double().eval()
    x = torch.randn(1, 8, 7, 11, dtype=torch.float64)
    for size, pool in zip(BINS, pyramid.pools, strict=True):
        means = torch.zeros(1, 8, size, size, dtype=torch.float64)
        for row in range(size):
            for column in range(size):
                top, bottom = row * 7 // size, -(-(row + 1) * 7 // size)
                left, right = column * 11 // size, -(-(column + 1) * 11 // size)
                means[..., row, column] = x[..., top:bottom, left:right].mean((2, 3))
        torch.testing.assert_close(pool(x), pool[1](means))
    assert pyramid(x).shape == (1, 4, 7, 11)


@pytest.mark.parametrize(
    ("head", "images", "size", "refused"),
    [
        ("ppm", 1, 64, True),
        ("aspp", 1, 64, True),
        ("fcn", 1, 64, False),
        ("fcn", 1, 8, True),
        ("ppm", 2, 8, False),
    ],
)
def test_a_part_of_one_picture_is_refused_before_any_step(head, images, size, refused):
    with shapes_only():
        model = create_model("dilated-resnet18", head=head, width=8, num_classes=3, image_size=(64, 64))
    if refused:
        with pytest.raises(RgavizError, match="One picture alone"):
            model.refuse_part(images, (size, size))
    else:
        model.refuse_part(images, (size, size))

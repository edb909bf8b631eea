"""Layers by name, and the one that a map is taken at by default."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
import torchvision
from snapshots import assert_same, snapshot
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.cam import cam
from rgaviz.explain.layers import default_cam_layer, find_layer
from rgaviz.models import create_model


def test_a_stage_is_its_slot(model):
    assert find_layer(model, "conv5") is model.attention["conv5"]
    assert find_layer(model, "conv2") is model.attention["conv2"]
    assert find_layer(model, "layer4") is model.layer4
    assert find_layer(model, "layer4.0.bn2") is model.layer4[0].bn2
    assert find_layer(model, "attention.conv5.first.gate") is model.attention["conv5"].first.gate


@pytest.mark.parametrize(("name", "near"), [("conv6", "conv"), ("layer4.7", "layer4."), ("Conv5", "conv5")])
def test_an_unknown_layer_lists_what_exists(model, name, near):
    with pytest.raises(UnknownNameError) as caught:
        find_layer(model, name)
    message = str(caught.value)
    assert "\n" not in message
    assert f"Did you mean '{near}" in message
    assert "conv2, conv3, conv4, conv5" in message
    assert "layer4" in message


def test_the_network_itself_is_no_layer(model):
    with pytest.raises(UnknownNameError):
        find_layer(model, "")


def test_a_network_without_stages(foreign):
    model = foreign
    assert find_layer(model, "conv") is model["conv"]
    with pytest.raises(
        UnknownNameError, match="no stages; choose a dotted module name below conv, block, gate"
    ):
        find_layer(model, "conv5")


def test_another_meaning_of_stages():
    model = nn.Module()
    model.stages = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    assert find_layer(model, "stages.0") is model.stages[0]
    with pytest.raises(UnknownNameError):
        find_layer(model, "conv5")


def test_the_default_is_the_last_stage(model):
    assert default_cam_layer(model) == "conv5"


def lined(*modules):
    return nn.Sequential(OrderedDict(modules))


def head(channels):
    return [("pool", nn.AdaptiveAvgPool2d(3)), ("flat", nn.Flatten()), ("fc", nn.Linear(9 * channels, 5))]


def block(channels):
    return lined(("conv", nn.Conv2d(3, channels, 3, padding=1)), ("relu", nn.ReLU(inplace=True)))


@pytest.mark.parametrize(
    ("model", "layer"),
    [
        (lined(("features", block(4)), *head(4)), "features"),  # not what the pooling enlarges
        (lined(("body", lined(("a", block(3)), ("b", block(4)))), *head(4)), "body"),
        (lined(("a", block(4)), ("drop", nn.Dropout()), ("act", nn.ReLU()), *head(4)), "a"),
        (lined(("a", block(4)), ("norm", nn.BatchNorm2d(4)), *head(4)), "norm"),
        (
            lined(("stem", block(3)), ("deep", nn.Conv2d(3, 4, (8, 12))), *head(4)),
            "stem",
        ),  # one position is no map
        (
            lined(
                ("stem", block(4)), ("mean", nn.AdaptiveAvgPool2d(1)), ("conv", nn.Conv2d(4, 9, 1)), *head(9)
            ),
            "stem",
        ),
    ],
)
def test_default_cam_layer(model, layer):
    assert default_cam_layer(model, (8, 12)) == layer
    model.config = {"image_size": [8, 12]}
    before = snapshot(model)
    assert default_cam_layer(model) == layer
    assert_same(model, before)
    images = torch.randn(2, 3, 8, 12)
    expected = cam(model, images, layer, targets=[0, 1])["gradcam"]
    assert expected.shape == (2, 8, 12)
    np.testing.assert_array_equal(cam(model, images, targets=[0, 1])["gradcam"], expected)


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (torchvision.models.resnet18, "layer4"),
        (torchvision.models.mobilenet_v2, "features"),
        (torchvision.models.mobilenet_v3_small, "features"),
        (torchvision.models.densenet121, "features"),
        (torchvision.models.shufflenet_v2_x0_5, "conv5"),
        (torchvision.models.regnet_y_400mf, "trunk_output"),
        (torchvision.models.squeezenet1_1, "classifier.1"),  # a convolution gives the classes
    ],
)
def test_default_cam_layer_of_torchvision(build, layer):
    assert default_cam_layer(build(weights=None), (64, 48)) == layer


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", "layer4"),
        ("convnext_atto", "stages"),
        ("mobilenetv3_small_050", "blocks"),
        ("efficientnet_b0", "bn2"),
        ("regnety_002", "s4"),
        ("legacy_seresnet18", "layer4"),
    ],
)
def test_default_cam_layer_of_timm(name, layer):
    timm = pytest.importorskip("timm")
    assert default_cam_layer(timm.create_model(name, pretrained=False), (64, 48)) == layer


def test_default_cam_layer_of_transformers():
    vit = torchvision.models.VisionTransformer(16, 4, 2, 2, 8, 8, num_classes=3)
    swin = torchvision.models.SwinTransformer([2, 2], 12, [1, 1], [1, 2], [2, 2], num_classes=3)
    for model, layer in ((vit, "encoder.layers.encoder_layer_1.ln_1"), (swin, "norm")):
        before = snapshot(model)
        assert default_cam_layer(model, (16, 16)) == layer
        assert_same(model, before)


def test_no_default_cam_layer():
    conv, pool = nn.Conv2d(3, 4, 2, 2), nn.AdaptiveAvgPool1d(1)
    tokens = lined(("conv", conv), ("flat", nn.Flatten(2)), ("out", nn.Linear(64, 64)), ("pool", pool))
    flat = lined(("flat", nn.Flatten()), ("fc", nn.Linear(3 * 16 * 16, 2)))
    for model, words in ((tokens, "ends in 'out'.*--layer .*'conv'"), (flat, "no layer")):
        before = snapshot(model)
        with pytest.raises(RgavizError, match=words) as caught:
            default_cam_layer(model, (16, 16))
        assert "\n" not in str(caught.value)
        assert_same(model, before)


def test_default_cam_layer_removes_its_hooks_on_errors():
    model = lined(("features", block(4)), *head(5))  # the last does not fit
    before = snapshot(model)
    with pytest.raises(RgavizError, match="takes no images"):
        default_cam_layer(model, (8, 8))
    assert_same(model, before)


def test_a_network_may_name_the_stage_of_its_maps():
    model = create_model("resnet18-w16", width=4, num_classes=2, image_size=(16, 16))
    assert default_cam_layer(model) == "conv5"
    model.cam_stage = "conv3"
    assert default_cam_layer(model) == "conv3"
    model.cam_stage = "conv9"  # of a stranger's making
    assert default_cam_layer(model) == "conv5"

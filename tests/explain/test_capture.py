"""Layers by name, gates, and a network that comes back exactly as it was lent."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from rgaviz.attention import Gate, build_attention
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.cam import cam
from rgaviz.explain.capture import capture, explained_forward
from rgaviz.explain.gates import expand_layers, gated_layers, gates
from rgaviz.explain.layers import default_cam_layer, find_layer
from rgaviz.explain.lending import unchanged
from rgaviz.explain.maps import as_map
from rgaviz.models import create_model


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = ["conv3", "conv5"]
    return create_model(
        "resnet18-w16", "rga-sc", width=4, s1=2, s2=2, image_size=(12, 16), attention_layers=layers
    )


def foreign():
    """A network of someone else's: no stages, two gates of one kind in one block, and one by itself."""
    block = nn.ModuleDict({"a": Gate("channel"), "b": Gate("channel")})
    return nn.ModuleDict({"conv": nn.Conv2d(3, 4, 3), "block": block, "gate": Gate("spatial")})


def snapshot(model):
    """All that explaining must give back."""
    return {
        "state": {key: value.clone() for key, value in model.state_dict().items()},
        "modules": dict(model.named_modules()),
        "modes": {name: module.training for name, module in model.named_modules()},
        "wanted": {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        "gradients": {name: parameter.grad for name, parameter in model.named_parameters()},
        "values": {n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()},
        "hooks": {n: (len(m._forward_hooks), len(m._backward_hooks)) for n, m in model.named_modules()},
        "attributes": {name: set(vars(module)) for name, module in model.named_modules()},
    }


def assert_same(model, before):
    after = snapshot(model)
    for key in ("modules", "modes", "wanted", "hooks", "attributes"):
        assert after[key] == before[key], key
    for key, value in before["state"].items():
        assert torch.equal(after["state"][key], value), key
    for key, gradient in before["gradients"].items():
        assert after["gradients"][key] is gradient, key
        if gradient is not None:
            assert torch.equal(gradient, before["values"][key]), key


def disturb(model):
    """Mixed modes, some parameters frozen, some with gradients, a hook of the user's."""
    model.train()
    model.layer2.eval()
    model(torch.randn(4, 3, 12, 16)).sum().backward()
    model.layer1.requires_grad_(False)
    model.fc.weight.grad = None
    model.layer3.register_forward_hook(lambda module, inputs, output: None)


# names


def test_a_stage_is_its_slot(model):
    assert find_layer(model, "conv5") is model.attention["conv5"]
    assert find_layer(model, "conv2") is model.attention["conv2"]
    assert find_layer(model, "layer4") is model.layer4
    assert find_layer(model, "layer4.1.bn2") is model.layer4[1].bn2
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


def test_a_network_without_stages():
    model = foreign()
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


def test_gates(model):
    assert gates(model, "conv2") == {}
    slot = model.attention["conv5"]
    assert gates(model, "conv5") == {"conv5/spatial": slot.first.gate, "conv5/channel": slot.second.gate}
    assert list(gates(model, "attention.conv5.second")) == ["attention.conv5.second/channel"]
    assert list(gates(foreign(), "block")) == ["block.a/channel", "block.b/channel"]


def test_gated_layers(model):
    assert gated_layers(model) == ["conv3", "conv5"]
    assert gated_layers(foreign()) == ["block", "gate"]
    assert default_cam_layer(model) == "conv5"


def test_modules_that_hold_only_attention_are_one_layer():
    pair, single = build_attention("rga-sc", 4, (4, 4), 2, 2), build_attention("se", 4, (4, 4))
    model = nn.ModuleDict(
        {"block": nn.ModuleDict({"conv": nn.Conv2d(4, 4, 1), "pair": pair, "single": single})}
    )
    assert gated_layers(model) == ["block.pair", "block.single"]
    assert list(gates(model, "block.pair")) == ["block.pair/spatial", "block.pair/channel"]
    assert list(gates(model, "block")) == [
        "block.pair.first.gate/spatial",
        "block.pair.second.gate/channel",
        "block.single.scale_activation/channel",
    ]
    assert gated_layers(nn.Sequential(Gate("channel"), Gate("spatial"))) == ["0", "1"]


def test_every_gated_layer_of_a_foreign_network_can_be_asked_for():
    model = foreign()
    found = {key: gate for layer in expand_layers(model, "all") for key, gate in gates(model, layer).items()}
    assert list(found.values()) == [module for module in model.modules() if isinstance(module, Gate)]
    assert list(gates(build_attention("rga-s", 4, (4, 4), 2, 2), "gate")) == ["gate/spatial"]


def test_expand_layers(model):
    assert expand_layers(model, "all") == ["conv3", "conv5"]
    assert expand_layers(model, "conv5, conv3") == ["conv5", "conv3"]
    assert expand_layers(model, "attention.conv5") == ["attention.conv5"]
    with pytest.raises(UnknownNameError, match=r"layer with attention 'conv4'.*conv3, conv5"):
        expand_layers(model, "conv4")
    with pytest.raises(UnknownNameError):
        expand_layers(model, "conv5,")
    with pytest.raises(RgavizError, match="no attention"):
        expand_layers(create_model("resnet20"), "all")


# lending


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_unchanged(model, trainable, error):
    disturb(model)
    before = snapshot(model)

    def use():
        with unchanged(model, trainable=trainable):
            assert not any(module.training for module in model.modules())
            assert all(parameter.requires_grad is trainable for parameter in model.parameters())
            for parameter in model.parameters():
                parameter.grad = torch.ones_like(parameter)
            model.layer4[1] = nn.Identity()
            if error:
                raise error

    if error:
        with pytest.raises(error):
            use()
    else:
        use()
    assert_same(model, before)


def test_capture_removes_its_hooks_on_errors(model):
    before = snapshot(model)

    def use():
        with capture(layer=model.layer2, watched=gates(model, "conv5")):
            assert snapshot(model)["hooks"] != before["hooks"]
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        use()
    assert_same(model, before)


def test_capture_sees_masks_and_activations_and_changes_nothing(model):
    model.eval()
    images = torch.randn(2, 3, 12, 16)
    expected = model(images).detach()
    target = find_layer(model, "conv4")
    with unchanged(model):
        logits, caught = explained_forward(model, images, layer=target, watched=gates(model, "conv5"))
    torch.testing.assert_close(logits, expected)
    assert caught.activations.shape == (2, 16, 3, 4)
    assert {key: value.shape for key, value in caught.masks.items()} == {
        "conv5/spatial": (2, 1, 3, 4),
        "conv5/channel": (2, 32, 1, 1),
    }


def test_the_graph_ends_at_the_target(model):
    images = torch.randn(2, 3, 12, 16)
    visited = []
    handle = model.layer4.register_full_backward_hook(lambda *call: visited.append("layer4"))
    early = model.layer2.register_full_backward_hook(lambda *call: visited.append("layer2"))
    with unchanged(model):
        logits, caught = explained_forward(model, images, layer=find_layer(model, "conv4"), watched={})
        logits.sum().backward()
    handle.remove()
    early.remove()
    assert visited == ["layer4"]
    assert caught.activations.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in model.parameters())


def test_gradients_equal_those_of_a_whole_backward_pass(model):
    model.eval()
    twin, images = copy.deepcopy(model), torch.randn(2, 3, 12, 16)
    kept = []
    twin.layer3.register_forward_hook(
        lambda module, inputs, output: (output.retain_grad(), kept.append(output))[0]
    )
    twin(images)[:, 3].sum().backward()
    with unchanged(model):
        logits, caught = explained_forward(model, images, layer=model.layer3, watched={})
        (gradient,) = torch.autograd.grad(logits[:, 3].sum(), caught.activations)
    torch.testing.assert_close(caught.activations, kept[0])
    torch.testing.assert_close(gradient, kept[0].grad)


# layers that have no map


@pytest.mark.parametrize("layer", ["fc", "attention.conv5.second.attend"])
def test_a_layer_without_a_map(model, layer):
    before = snapshot(model)
    with pytest.raises(RgavizError, match="convolutional") as caught, unchanged(model):
        explained_forward(model, torch.randn(2, 3, 12, 16), layer=find_layer(model, layer), watched={})
    assert "\n" not in str(caught.value)
    assert_same(model, before)


class Empty(nn.Module):
    """A layer whose map has no channels, and one that is never called."""

    def __init__(self):
        super().__init__()
        self.cut, self.unused, self.pair, self.fc = nn.Identity(), nn.Identity(), Pair(), nn.Linear(3, 2)

    def forward(self, x):
        self.cut(x[:, :0])
        return self.fc(self.pair(x)[0].mean((2, 3)))


class Pair(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize(
    ("layer", "words"), [("cut", "one map"), ("pair", "one map"), ("unused", "not used")]
)
def test_odd_layers(layer, words):
    model = Empty()
    with pytest.raises(RgavizError, match=words) as caught, unchanged(model):
        explained_forward(model, torch.randn(2, 3, 4, 4), layer=find_layer(model, layer), watched={})
    assert "\n" not in str(caught.value)


def test_channels_last():
    model = nn.Sequential(
        nn.Conv2d(3, 7, 1), Turn(), Turn(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 2)
    )
    images = torch.randn(2, 3, 6, 4)
    np.testing.assert_array_equal(cam(model, images, "1")["gradcam"], cam(model, images, "0")["gradcam"])


class Turn(nn.Module):
    """Channels last, and back again."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1) if x.shape[1] == 7 else x.permute(0, 3, 1, 2)


@pytest.mark.parametrize("extra", [0, 1, 2, 5])
@pytest.mark.parametrize(("size", "grid"), [((32, 32), (4, 4)), ((64, 48), (4, 3)), ((24, 64), (3, 8))])
def test_tokens_in_a_grid(extra, size, grid):
    expected = torch.randn(2, 7, *grid)
    tokens = [expected[:, :, row, column] for row in range(grid[0]) for column in range(grid[1])]
    output = torch.stack([torch.randn(2, 7)] * extra + tokens, 1)  # (B, extra + h * w, C)
    torch.testing.assert_close(as_map(output, size), expected, rtol=0, atol=0)


def test_the_form_of_a_map():
    wide, image = torch.randn(2, 9, 3, 4), (12, 16)
    assert as_map(wide, image) is wide
    torch.testing.assert_close(as_map(wide.permute(0, 2, 3, 1), image), wide, rtol=0, atol=0)
    either = torch.randn(2, 4, 4, 4)
    assert as_map(either, (8, 8)) is either
    for shape in (
        (2, 5),
        (2, 18, 7),
        (2, 0, 7),
        (2, 3, 7),
        (2, 0, 3, 4),
        (2, 5, 6, 7, 8),
    ):  # 18: 3 * 4 and six more
        with pytest.raises(RgavizError, match="must give one map") as caught:
            as_map(torch.zeros(shape), image)
        assert "\n" not in str(caught.value)


def test_maps_of_windows_are_refused():
    split, join = nn.Unflatten(2, (2, 4)), nn.Unflatten(0, (-1, 2))  # (B, 3, 8, 8) -> (B, 3, 2, 4, 8)
    windows = nn.Sequential(split, Swapped(), nn.Conv2d(3, 7, 1), join, nn.Flatten(), nn.Linear(448, 2))
    with pytest.raises(RgavizError, match="4 maps for 2 images, of windows") as caught:
        cam(windows, torch.randn(2, 3, 8, 8), "2")
    assert "\n" not in str(caught.value)


class Swapped(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2).flatten(0, 1)  # (B, 3, 2, 4, 8) -> (2 * B, 3, 4, 8)


# the default layer


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
    with pytest.raises(RuntimeError):
        default_cam_layer(model, (8, 8))
    assert_same(model, before)

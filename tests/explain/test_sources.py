"""Masks of attention modules of timm and torchvision, found by their type."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.ops import SqueezeExcitation

from rgaviz.attention import Gate
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.gates import expand_layers, gated_layers, gates
from rgaviz.explain.masks import joint_means, masks
from rgaviz.explain.sources import SOURCES, mask_kind

CHANNELS = 12
IMAGES = torch.randn(3, 3, 8, 10, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A network with one attention module, whose input has no zeros."""

    def __init__(self, attention):
        super().__init__()
        self.stem, self.attention = nn.Conv2d(3, CHANNELS, 3, padding=1), attention
        self.fc = nn.Linear(CHANNELS, 4)

    def features(self, x):
        return self.stem(x).exp()

    def forward(self, x):
        return self.fc(self.attention(self.features(x)).mean((2, 3)))


class Last(nn.Module):
    """Gives a module maps with the channels last."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def perturbed(model):
    """In eval mode, every parameter moved: fresh ones can be zero or equal, and hide a mistake."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def seen(model, images, key_modules):
    """Input and output of each module in a forward pass, by the hooks of this test."""
    found = {}
    for key, module in key_modules.items():
        module.register_forward_hook(lambda m, i, o, key=key: found.update({key: (i[0].clone(), o.clone())}))
    with torch.no_grad():
        model(images)
    for module in key_modules.values():
        module._forward_hooks.clear()
    return found


def expanded(mask, kind):
    """A mask as an array that multiplies (B, C, H, W)."""
    mask = torch.from_numpy(mask)
    return {
        "spatial": lambda: mask[:, None],
        "channel": lambda: mask[:, :, None, None],
        "joint": lambda: mask,
    }[kind]()


TIMM = [
    ("layers.squeeze_excite.SEModule", {}, "channel"),
    ("layers.squeeze_excite.SEModule", {"add_maxpool": True, "gate_layer": "hard_sigmoid"}, "channel"),
    ("layers.squeeze_excite.EffectiveSEModule", {}, "channel"),
    ("layers.squeeze_excite.SqueezeExciteCl", {}, "channel"),
    ("models._efficientnet_blocks.SqueezeExcite", {}, "channel"),
    ("models.senet.SEModule", {"reduction": 4}, "channel"),
    ("models.hgnet.EseModule", {}, "channel"),
    ("layers.eca.EcaModule", {}, "channel"),
    ("layers.eca.EcaModule", {"use_mlp": True}, "channel"),
    ("layers.eca.CecaModule", {}, "channel"),
    ("layers.cbam.ChannelAttn", {}, "channel"),
    ("layers.cbam.LightChannelAttn", {}, "channel"),
    ("layers.cbam.SpatialAttn", None, "spatial"),
    ("layers.cbam.LightSpatialAttn", None, "spatial"),
    ("layers.gather_excite.GatherExcite", {"use_mlp": False}, "channel"),
    ("layers.gather_excite.GatherExcite", {"use_mlp": False, "extent": 2}, "joint"),
    ("layers.global_context.GlobalContext", {}, "channel"),
    ("layers.global_context.GlobalContext", {"use_attn": False}, "channel"),
    ("layers.coord_attn.CoordAttn", {}, "joint"),
    ("layers.coord_attn.SimpleCoordAttn", {}, "joint"),
    ("layers.coord_attn.EfficientLocalAttn", {}, "joint"),
    ("layers.coord_attn.StripAttn", {}, "joint"),
]


def timm_module(path, options):
    pytest.importorskip("timm")
    file, _, name = path.rpartition(".")
    kind = getattr(__import__(f"timm.{file}", fromlist=[name]), name)
    torch.manual_seed(0)
    return kind() if options is None else kind(CHANNELS, **options)


@pytest.mark.parametrize(("path", "options", "kind"), TIMM)
def test_the_mask_is_what_the_input_is_multiplied_by(path, options, kind):
    module = timm_module(path, options)
    model = perturbed(Net(Last(module) if path.endswith("Cl") else module))
    (key, mask), *others = masks(model, IMAGES).items()
    assert not others
    assert key == f"attention/{kind}"
    assert mask.dtype == np.float32
    assert (
        mask.shape == {"spatial": (3, 8, 10), "channel": (3, CHANNELS), "joint": (3, CHANNELS, 8, 10)}[kind]
    )
    with torch.no_grad():
        given = model.features(IMAGES)
        factor = model.attention(given) / given  # there are no zeros
    assert factor.std() > 1e-3
    assert 0 <= mask.min() < mask.max() <= 1
    torch.testing.assert_close(expanded(mask, kind).expand_as(factor), factor, rtol=1e-5, atol=1e-6)


def test_every_source_is_tested():
    tested = {".".join((path.split(".")[-2], path.split(".")[-1])) for path, *_ in TIMM}
    tested |= {"ghostnet.GhostModuleV2", "ghostnet.GhostModuleV3", "misc.SqueezeExcitation"}
    assert {name.partition(".")[2] for name in SOURCES} == tested


@pytest.mark.parametrize("has_skip", [True, False])
def test_a_module_that_adds_its_input_still_shows_its_gate(has_skip):
    module = timm_module("layers.coord_attn.CoordAttn", {"has_skip": has_skip})
    model = perturbed(Net(module))
    mask = torch.from_numpy(masks(model, IMAGES)["attention/joint"])
    with torch.no_grad():
        given = model.features(IMAGES)
        torch.testing.assert_close(model.attention(given), given * (mask + has_skip), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("version", ["V2", "V3"])
def test_ghost_modules_gate_at_half_the_resolution(version):
    options = {"mode": "shortcut"} if version == "V3" else {}
    module = timm_module(f"models.ghostnet.GhostModule{version}", {"out_chs": 7, **options})
    model = Net(module)
    model.fc = nn.Linear(7, 4)
    perturbed(model)
    mask = masks(model, IMAGES)["attention/joint"]
    assert mask.shape == (3, 7, 4, 5)
    with torch.no_grad():
        given = model.features(IMAGES)
        output = model.attention(given)
        module.gate_fn = nn.Identity()
        module.short_conv = Ones(7)
        ungated = model.attention(given)  # what the mask multiplies
    upsampled = torch.from_numpy(mask).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(ungated * upsampled, output, rtol=1e-5, atol=1e-6)
    assert ungated.abs().max() > 0
    if version == "V3":  # without the shortcut it has a gate that it never calls
        assert mask_kind(timm_module("models.ghostnet.GhostModuleV3", {"out_chs": 7})) is None


class Ones(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return x.new_ones(len(x), self.channels, *x.shape[2:])


NETWORKS = [
    ("legacy_seresnet18", {}, "layer4.1.se_module", {"channel": 8}),
    ("ecaresnet26t", {}, "layer4.1.se", {"channel": 8}),
    ("efficientnet_b0", {}, "blocks.6.0.se", {"channel": 16}),
    ("mobilenetv3_small_050", {}, "blocks.4.2.se", {"channel": 9}),
    ("regnety_002", {}, "s4.b7.se", {"channel": 13}),
    ("nf_seresnet26", {}, "stages.3.1.attn_last", {"channel": 8}),
    ("ese_vovnet19b_dw", {}, "stages.3.blocks.0.attn", {"channel": 4}),
    ("resnet18", {"block_args": {"attn_layer": "cbam"}}, "layer4.1.se", {"channel": 8, "spatial": 8}),
    ("resnet18", {"block_args": {"attn_layer": "gc"}}, "layer4.1.se", {"channel": 8}),
    ("resnet18", {"block_args": {"attn_layer": "coord"}}, "layer4.1.se", {"joint": 8}),
]


@pytest.mark.parametrize(("name", "options", "deepest", "counts"), NETWORKS)
def test_networks_of_timm(name, options, deepest, counts):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    model = perturbed(timm.create_model(name, pretrained=False, **options))
    images = torch.randn(2, 3, 64, 48)
    found = masks(model, images)
    layers = gated_layers(model)
    assert layers[-1] == deepest
    watched = {key: module for layer in layers for key, module in gates(model, layer).items()}
    assert list(found) == list(watched)
    kinds = [key.rpartition("/")[2] for key in found]
    assert {kind: kinds.count(kind) for kind in kinds} == counts
    for key, (given, output) in seen(model, images, watched).items():
        mask = expanded(found[key], key.rpartition("/")[2])
        assert 0 <= mask.min() < mask.max() <= 1
        torch.testing.assert_close(given * mask, output, rtol=1e-5, atol=1e-6 * float(output.abs().max()))


def test_a_parent_module_holds_several_gates():
    timm = pytest.importorskip("timm")
    model = perturbed(timm.create_model("resnet18", pretrained=False, block_args={"attn_layer": "cbam"}))
    images = torch.randn(2, 3, 64, 48)
    everything, last = masks(model, images), masks(model, images, "layer4")
    assert list(last) == [
        f"layer4.{block}.se.{kind}/{kind}" for block in range(2) for kind in ("channel", "spatial")
    ]
    for key, values in last.items():
        np.testing.assert_array_equal(
            values, everything[key.replace(".channel/", "/").replace(".spatial/", "/")]
        )
    assert list(masks(model, images, "layer4.1")) == ["layer4.1/channel", "layer4.1/spatial"]
    model.stages = {f"conv{n + 1}": f"layer{n}" for n in (1, 2, 3, 4)}
    assert gated_layers(model) == list(model.stages)
    by_stage = masks(model, images, "conv5")
    assert list(by_stage) == list(last)  # a stage's name alone would not tell them apart
    for key, values in last.items():
        np.testing.assert_array_equal(by_stage[key], values)
    del model.stages
    with pytest.raises(UnknownNameError, match=r"layer with attention 'conv1'.*layer4\.1\.se"):
        expand_layers(model, "conv1")
    with pytest.raises(UnknownNameError, match="Unknown layer 'conv5'"):
        expand_layers(model, "conv5")


@pytest.mark.parametrize(
    ("build", "deepest", "count"),
    [
        (torchvision.models.mobilenet_v3_small, "features.11.block.2", 9),  # hard sigmoid
        (torchvision.models.efficientnet_b0, "features.7.0.block.2", 16),
        (torchvision.models.regnet_y_400mf, "trunk_output.block4.block4-5.f.se", 16),
    ],
)
def test_networks_of_torchvision(build, deepest, count):
    torch.manual_seed(0)
    model, images = perturbed(build(weights=None)), torch.randn(2, 3, 64, 48)
    found = masks(model, images)
    assert len(found) == count
    assert list(found)[-1] == f"{deepest}/channel"
    modules = {key: model.get_submodule(key.removesuffix("/channel")) for key in found}
    for key, (given, _) in seen(model, images, modules).items():
        se = modules[key]
        squeezed = se.activation(given.mean((2, 3)) @ se.fc1.weight[:, :, 0, 0].T + se.fc1.bias)
        logits = squeezed @ se.fc2.weight[:, :, 0, 0].T + se.fc2.bias
        hard = isinstance(se.scale_activation, nn.Hardsigmoid)
        expected = ((logits + 3) / 6).clamp(0, 1) if hard else 1 / (1 + torch.exp(-logits))
        np.testing.assert_allclose(found[key], expected.detach().numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {}),
        ("resnest14d", {}),  # its softmax chooses between branches
        ("skresnet18", {}),
        ("resnet18", {"block_args": {"attn_layer": "gca"}}),  # adds its context, and never calls its gate
    ],
)
def test_no_gate(name, options):
    timm = pytest.importorskip("timm")
    model = timm.create_model(name, pretrained=False, **options)
    assert gated_layers(model) == []
    with pytest.raises(RgavizError, match="no attention that ends in a gate"):
        masks(model, torch.randn(2, 3, 64, 48))


def squeeze(**options):
    return SqueezeExcitation(CHANNELS, 4, **options)


def test_what_is_no_sigmoid_is_no_gate():
    for activation in (nn.Tanh, nn.ReLU, nn.Identity):
        assert mask_kind(squeeze(scale_activation=activation)) is None
    for activation in (nn.Sigmoid, nn.Hardsigmoid):
        assert mask_kind(squeeze(scale_activation=activation)) == "channel"


def test_a_subclass_may_compute_something_else():
    class Own(SqueezeExcitation):
        def forward(self, x):
            return x + super().forward(x)

    assert mask_kind(Own(CHANNELS, 4)) is None
    SameName = type("SqueezeExcitation", (nn.Module,), {"__module__": "mine.misc"})
    assert mask_kind(SameName()) is None


def test_our_gate_in_a_module_of_torchvision_is_one_gate():
    model = perturbed(Net(squeeze(scale_activation=lambda: Gate("channel"))))
    plain = perturbed(Net(squeeze()))
    plain.load_state_dict(model.state_dict())
    assert list(gates(model, "attention").values()) == [model.attention.scale_activation]
    assert gated_layers(model) == ["attention"]
    found, expected = masks(model, IMAGES), masks(plain, IMAGES)
    assert list(found) == list(expected) == ["attention/channel"]
    np.testing.assert_array_equal(found["attention/channel"], expected["attention/channel"])


class Windows(nn.Module):
    """Attends to the upper and the lower half by themselves."""

    def __init__(self):
        super().__init__()
        self.se = squeeze()

    def forward(self, x):
        return torch.cat(self.se(torch.cat(x.chunk(2, 2))).chunk(2), 2)


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.se = squeeze()

    def forward(self, x):
        return x


def shared_gate():
    pair = [squeeze(), squeeze()]
    pair[1].scale_activation = pair[0].scale_activation
    return nn.Sequential(*pair)


def twice(module):
    return nn.Sequential(module, nn.ReLU(), module)


@pytest.mark.parametrize(
    ("attention", "words"),
    [
        (Windows(), "attention/channel has 6 masks for 3 images"),
        (Unused(), "attention/channel has no mask: its gate is not used"),
        (shared_gate(), "attention.0/channel has no mask: its gate is used 2 times"),
        (twice(squeeze()), "attention.0/channel has no mask: its gate is used 2 times"),
        (twice(Gate("joint")), "used 2 times in a forward pass, not 1"),
    ],
)
def test_what_is_no_single_mask_for_each_image_is_refused(attention, words):
    model = Net(attention)
    with pytest.raises(RgavizError, match=words) as caught:
        masks(model, IMAGES)
    assert "\n" not in str(caught.value)
    assert not any(module._forward_hooks for module in model.modules())
    with torch.no_grad():
        assert model(IMAGES).shape == (3, 4)


def test_joint_masks():
    """All of one is returned; its two means are what can be drawn."""

    class Joint(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gate = nn.Conv2d(CHANNELS, CHANNELS, 1), Gate("joint")

        def forward(self, x):
            return x * self.gate(self.conv(x))

    model = perturbed(Net(Joint()))
    mask = masks(model, IMAGES)["attention/joint"]
    with torch.no_grad():
        logits = model.attention.conv(model.features(IMAGES)).double().numpy()
    np.testing.assert_allclose(mask, 1 / (1 + np.exp(-logits)), rtol=1e-5)
    means = joint_means(mask)
    assert list(means) == ["joint-spatial", "joint-channel"]
    np.testing.assert_allclose(
        means["joint-spatial"], sum(mask[:, c] for c in range(CHANNELS)) / CHANNELS, rtol=1e-5
    )
    expected = [[mask[b, c].sum() / 80 for c in range(CHANNELS)] for b in range(3)]
    np.testing.assert_allclose(means["joint-channel"], expected, rtol=1e-5)

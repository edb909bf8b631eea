"""Masks of attention modules of timm and torchvision, found by their type."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gated import CHANNELS, IMAGES, TIMM, Last, Net, expanded, perturbed, timm_module
from torch import nn
from torchvision.ops import SqueezeExcitation

from rgaviz.attention import Gate
from rgaviz.errors import RgavizError
from rgaviz.explain.gates import gated_layers, gates
from rgaviz.explain.masks import joint_means, masks
from rgaviz.explain.sources import SOURCES, mask_kind


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

"""Masks of whole networks of timm and torchvision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from gated import expanded, perturbed, seen
from parametrised import mostly
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.gates import expand_layers, gated_layers, gates
from rgaviz.explain.masks import masks

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


@pytest.mark.parametrize(("name", "options", "deepest", "counts"), mostly(NETWORKS, *NETWORKS[4:7]))
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

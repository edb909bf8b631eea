"""Gates by layer and by name."""

from __future__ import annotations

import pytest
from torch import nn

from rgaviz.attention import Gate, build_attention
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.gates import expand_layers, gated_layers, gates
from rgaviz.models import create_model


def test_gates(model, foreign):
    assert gates(model, "conv2") == {}
    slot = model.attention["conv5"]
    assert gates(model, "conv5") == {"conv5/spatial": slot.first.gate, "conv5/channel": slot.second.gate}
    assert list(gates(model, "attention.conv5.second")) == ["attention.conv5.second/channel"]
    assert list(gates(foreign, "block")) == ["block.a/channel", "block.b/channel"]


def test_gated_layers(model, foreign):
    assert gated_layers(model) == ["conv3", "conv5"]
    assert gated_layers(foreign) == ["block", "gate"]


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


def test_every_gated_layer_of_a_foreign_network_can_be_asked_for(foreign):
    model = foreign
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

"""Networks with fresh weights in some parts, and given back."""

from __future__ import annotations

import pytest
import torch
from snapshots import assert_same, snapshot
from torch import nn

from rgaviz import create_model
from rgaviz.errors import RgavizError
from rgaviz.explain.lending import lent
from rgaviz.explain.randomized import parts_of, randomized

IMAGES = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))
PARTS = ["fc", "attention.conv5", "layer4.0", "layer3.0", "layer2.0", "layer1.0", "bn1", "conv1"]


def network(seed=0):
    torch.manual_seed(seed)
    options = {"attention_layers": ["conv5"], "width": 4, "s1": 2, "s2": 2, "num_classes": 3}
    model = create_model("resnet10-w16", "rga-sc", **options, image_size=(16, 16)).train()
    with torch.no_grad():
        for _ in range(3):
            model(IMAGES)
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
    return model


@pytest.fixture
def model(light):
    return network()


def test_parts_are_from_the_head_down(model):
    assert parts_of(model, (16, 16)) == PARTS
    unused = nn.Module()
    unused.first, unused.second, unused.never = (
        nn.Conv2d(3, 4, 1),
        nn.Sequential(nn.Conv2d(4, 4, 1)),
        nn.Linear(2, 2),
    )
    unused.forward = lambda x: unused.second(unused.first(x))
    assert parts_of(unused, (8, 8)) == ["second.0", "first"]


def changed(model, parts):
    """Which parts have other weights within the block."""
    before = {part: [each.clone() for each in model.get_submodule(part).parameters()] for part in PARTS}
    with lent(model), randomized(model, parts, lambda: model(IMAGES)):
        assert not any(module.training for module in model.modules())
        return {
            part
            for part in PARTS
            if not all(map(torch.equal, model.get_submodule(part).parameters(), before[part]))
        }


@pytest.mark.parametrize("parts", [["fc"], ["layer3.0"], PARTS[:3], PARTS])
def test_these_parts_and_no_others_are_fresh_and_come_back(model, parts):
    model.layer2.eval()
    before = snapshot(model)
    momentum = model.bn1.momentum
    assert changed(model, parts) == set(parts)
    assert_same(model, before)
    assert model.bn1.momentum == momentum


def test_weights_are_those_of_a_fresh_layer(model):
    """As PyTorch draws them: of a linear layer within the bound of its inputs; the same again, alone or with others."""
    outputs = []
    for parts in (["fc"], ["fc"], ["fc", "conv1"]):
        with lent(model), randomized(model, parts, lambda: model(IMAGES)):
            weight = model.fc.weight.clone()
            assert float(weight.abs().max()) <= weight.shape[1] ** -0.5
            outputs.append(weight)
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])
    assert len(outputs[0].unique()) == outputs[0].numel()


def test_normalisation_sees_the_pictures(model):
    seen = []
    model.bn1.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    with lent(model), randomized(model, ["conv1", "bn1"], lambda: [model(each) for each in IMAGES.split(3)]):
        mean = torch.stack([each.mean((0, 2, 3)) for each in seen]).mean(0)
        torch.testing.assert_close(model.bn1.running_mean, mean)
        assert torch.equal(model.bn1.weight, torch.ones_like(model.bn1.weight))


def test_what_has_no_fresh_weights_is_shuffled():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.by = nn.Parameter(torch.arange(64.0))

        def forward(self, x):
            return x * self.by.mean()

    model = nn.Sequential(nn.Conv2d(3, 4, 1), Scale())
    with lent(model), randomized(model, ["1"], lambda: None):
        moved = model[1].by.clone()
        assert not torch.equal(moved, torch.arange(64.0))
        assert torch.equal(moved.sort().values, torch.arange(64.0))
    assert torch.equal(model[1].by.detach(), torch.arange(64.0))


def test_an_error_gives_the_network_back(model):
    before = snapshot(model)
    with (
        pytest.raises(ValueError, match="stop"),
        lent(model),
        randomized(model, PARTS, lambda: model(IMAGES)),
    ):
        raise ValueError("stop")
    assert_same(model, before)
    norm = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3))
    alone = randomized(norm, ["1"], lambda: norm(IMAGES[:1]))
    with pytest.raises(RgavizError, match="two at least"), lent(norm), alone:
        pass

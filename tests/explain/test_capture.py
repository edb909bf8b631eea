"""One watched forward pass: what it sees, where its graph ends, and layers that cannot be watched."""

from __future__ import annotations

import copy

import pytest
import torch
from snapshots import assert_same, snapshot
from torch import nn

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import cam
from rgaviz.explain.capture import capture, explained_forward
from rgaviz.explain.gates import gates
from rgaviz.explain.layers import find_layer
from rgaviz.explain.lending import lent


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
    with lent(model):
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
    with lent(model):
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
    with lent(model):
        logits, caught = explained_forward(model, images, layer=model.layer3, watched={})
        (gradient,) = torch.autograd.grad(logits[:, 3].sum(), caught.activations)
    torch.testing.assert_close(caught.activations, kept[0])
    torch.testing.assert_close(gradient, kept[0].grad)


@pytest.mark.parametrize("layer", ["fc", "attention.conv5.second.attend"])
def test_a_layer_without_a_map(model, layer):
    before = snapshot(model)
    with pytest.raises(RgavizError, match="convolutional") as caught, lent(model):
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
    with pytest.raises(RgavizError, match=words) as caught, lent(model):
        explained_forward(model, torch.randn(2, 3, 4, 4), layer=find_layer(model, layer), watched={})
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

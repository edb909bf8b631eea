"""Networks as people write them, with gates beside the main way, compiled or scripted; and images that are none."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import cam
from rgaviz.explain.layers import default_cam_layer, ends_in_sigmoid
from rgaviz.explain.masks import masks

IMAGES = torch.randn(2, 3, 12, 16, generator=torch.Generator().manual_seed(0))


class Gated(nn.Module):
    """An attention as CBAM's is usually written: the mask is a module's, and is applied outside of it."""

    def __init__(self, functional=False):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU())
        self.reduce, self.score, self.act = nn.Conv2d(6, 4, 1), nn.Conv2d(4, 1, 1), nn.Sigmoid()
        self.fc, self.functional = nn.Linear(6, 3), functional

    def forward(self, images):
        found = self.body(images)
        score = self.score(self.reduce(found).relu())
        mask = score.sigmoid() if self.functional else self.act(score)
        return self.fc((found * mask).mean((2, 3)))


class Inside(Gated):
    def forward(self, images):
        return super().forward(images).sigmoid()


@pytest.mark.parametrize("functional", [False, True])
def test_the_layers_of_a_gate_are_no_default(functional):
    """A map of one channel that only scales the others would be the mask itself."""
    network = Gated(functional).eval()
    assert default_cam_layer(network, (12, 16)) == "body"
    np.testing.assert_array_equal(cam(network, IMAGES)["gradcam"], cam(network, IMAGES, "body")["gradcam"])


def test_where_no_layer_is_passed_by_all_it_is_the_last():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 2, 3), nn.Conv2d(3, 2, 3)

        def forward(self, images):
            return (self.one(images) + self.two(images)).mean((2, 3))

    assert default_cam_layer(Two(), (12, 16)) == "two"


def test_a_sigmoid_at_the_end_is_found():
    for network, found in ((Gated(), False), (Inside(), True), (nn.Sequential(Gated(), nn.Sigmoid()), True)):
        assert ends_in_sigmoid(network, (12, 16)) is found


def test_compiled_in_place():
    network, plain = Gated().eval(), Gated().eval()
    network.load_state_dict(plain.state_dict())
    gates = {"act": "spatial"}
    expected = masks(plain, IMAGES, gates=gates)["act/spatial"]
    network.compile(backend="eager")
    compiled = network._compiled_call_impl
    np.testing.assert_array_equal(masks(network, IMAGES, gates=gates)["act/spatial"], expected)
    assert network._compiled_call_impl is compiled


def test_torchscript_is_refused():
    with warnings.catch_warnings(action="ignore"):  # it is old
        traced = torch.jit.trace(Gated().eval(), IMAGES)
    for ask in (lambda: cam(traced, IMAGES, "body"), lambda: masks(traced, IMAGES)):
        with pytest.raises(RgavizError, match="TorchScript, whose modules cannot be watched"):
            ask()


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (IMAGES[0], r"a batch \(B, 3, H, W\) for this network, not \(3, 12, 16\); give images\[None\]"),
        (IMAGES[:0], r"not \(0, 3, 12, 16\)"),
        (IMAGES[:, :2], r"not \(2, 2, 12, 16\)"),
        (IMAGES.to(torch.int64), "floating point numbers, not int64"),
        (IMAGES.to(torch.complex64), "floating point numbers, not complex64"),
        (IMAGES.to_sparse(), "floating point numbers, not sparse_coo"),
        (IMAGES / 0, "no finite numbers"),
        (IMAGES[..., :2], "The network takes no images"),
    ],
)
@pytest.mark.parametrize("ask", [cam, masks])
def test_images_that_are_none_are_one_line(ask, images, told):
    more = {"gates": {"act": "spatial"}} if ask is masks else {"layer": "body"}
    with pytest.raises(RgavizError, match=told):
        ask(Gated().eval(), images, **more)

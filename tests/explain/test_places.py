"""Before or after which masks a layer lies."""

from __future__ import annotations

import pytest
import torch
from snapshots import assert_same, snapshot
from torchvision.ops import SqueezeExcitation

from rgaviz import create_model
from rgaviz.errors import UnknownNameError
from rgaviz.explain.places import mask_place


@pytest.fixture
def network():
    options = {"width": 4, "s1": 2, "s2": 2, "image_size": (16, 16), "attention_layers": ["conv4", "conv5"]}
    return create_model("resnet18-w16", "rga-sc", **options)


@pytest.mark.parametrize(
    ("layer", "place"),
    [
        ("conv3", "before the mask of conv4"),
        ("layer3", "before the mask of conv4"),
        ("conv4", "after the mask of conv4, before that of conv5"),
        ("layer4.1.conv2", "after the mask of conv4, before that of conv5"),
        ("layer4", "after the mask of conv4, before that of conv5"),
        ("conv5", "after the mask of conv5"),
    ],
)
def test_stages_and_modules(network, layer, place):
    before = snapshot(network)
    assert mask_place(network, layer, (16, 16)) == place
    assert_same(network, before)


def test_no_attention():
    network = create_model("resnet18-w16", width=4, image_size=(16, 16))
    assert mask_place(network, "layer4", (16, 16)) == "no mask"


def test_masks_inside_the_layer_have_been_passed():
    """As in a network with squeeze and excitation in every block; the order is that of use, not of names."""
    network = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), SqueezeExcitation(4, 2)))
    network.append(torch.nn.Conv2d(4, 4, 1))
    assert mask_place(network, "0", (8, 8)) == "after the mask of 0.1"
    assert mask_place(network, "0.0", (8, 8)) == "before the mask of 0.1"
    assert mask_place(network, "1", (8, 8)) == "after the mask of 0.1"


def test_an_unused_and_an_unknown_layer(network):
    network.spare = torch.nn.Conv2d(3, 3, 1)
    assert mask_place(network, "spare", (16, 16)) == ""
    with pytest.raises(UnknownNameError, match="Unknown layer 'conv9'"):
        mask_place(network, "conv9", (16, 16))

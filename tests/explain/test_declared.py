"""Gates that the user declares, against hooks on the modules themselves."""

import numpy as np
import pytest
import torch
from own_networks import write_nets
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.declared import declare, parse_gates, refuse_unknown_gates
from rgaviz.explain.gates import gated_layers
from rgaviz.explain.masks import masks
from rgaviz.own_code import own_object

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def gated(tmp_path):
    """A network with a home-made attention."""
    torch.manual_seed(0)
    return own_object(f"{write_nets(tmp_path)}:Gated")()


def hooked(network):
    found = {}
    handles = [
        network.get_submodule(f"att.{name}").register_forward_hook(
            lambda module, given, output, name=name: found.update({name: output.detach().numpy()})
        )
        for name in ("ca", "sa")
    ]
    with torch.no_grad():
        network.eval()(IMAGES)
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize(
    "given", [{"att.ca": "channel", "att.sa": None}, "att.?a", ["att.ca", "att.sa:spatial"]]
)
def test_masks_are_what_the_modules_give(gated, given):
    expected = hooked(gated)
    found = masks(gated.train(), IMAGES, gates=given)
    assert list(found) == ["att/channel", "att/spatial"]
    np.testing.assert_allclose(found["att/channel"], expected["ca"], rtol=1e-5)
    np.testing.assert_allclose(found["att/spatial"], expected["sa"][:, 0], rtol=1e-5)
    assert gated.training
    assert gated_layers(gated) == [], "the declaration outlived the call"


def test_of_modules_within_each_other_the_innermost_count(gated):
    assert declare(gated, {"att*": None, "att.mlp": "channel"}, (16, 16)) == {
        "att.mlp": "channel",
        "att.ca": "channel",
        "att.conv": "spatial",
        "att.sa": "spatial",
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("att.xx", "Did you mean"),
        ("att.sa:spatail", "Did you mean 'spatial'"),
        (":spatial", "has no name"),
        ("att.conv:spatial", r"lies between .*no mask in \[0, 1\]"),
    ],
)
def test_what_is_no_gate(gated, given, told):
    with pytest.raises((RgavizError, UnknownNameError), match=told):
        masks(gated, IMAGES, gates=given)
    assert gated_layers(gated) == []


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((2, 1, 4, 5), "spatial"),
        ((2, 4, 5), "spatial"),
        ((2, 1, 1, 5), "spatial"),
        ((2, 6, 1, 1), "channel"),
        ((2, 6), "channel"),
        ((2, 1, 6), "channel"),
        ((2, 6, 1), "channel"),
        ((2, 6, 4, 5), "joint"),
    ],
)
def test_the_shape_tells_the_kind(shape, kind):
    class Shaped(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Sigmoid()

        def forward(self, x):
            return self.gate(torch.zeros(len(x), *shape[1:]))

    found = masks(Shaped(), IMAGES, gates="gate")
    assert list(found) == [f"gate/{kind}"]
    axes = {"spatial": shape[-2:], "channel": (max(shape[1:]),), "joint": shape[1:]}
    np.testing.assert_array_equal(found[f"gate/{kind}"], np.full((2, *axes[kind]), 0.5, np.float32))


@pytest.mark.parametrize("given", ["att.ca:spatial", "att.sa:channel", "att:channel", "body:spatial"])
def test_a_kind_that_the_shape_cannot_have_is_refused(gated, given):
    with pytest.raises(RgavizError, match=rf"gives \(B, .*, which is no {given.partition(':')[2]} mask"):
        masks(gated, IMAGES, gates=given)
    assert gated_layers(gated) == []


def test_every_pattern_is_that_of_a_module(gated):
    with pytest.raises(UnknownNameError, match=r"'att.saa'. Did you mean 'att.sa'"):
        masks(gated, IMAGES, gates=["att.ca", "att.saa"])


def test_a_module_that_is_used_twice_has_no_mask(gated):
    gated.att.ca = gated.att.sa
    for name in ("att.ca", "att.sa"):
        with pytest.raises(RgavizError, match=r"2 times .* an nn.Sigmoid.. of its own"):
            masks(gated, IMAGES, gates=name)


def test_a_module_that_is_not_used_is_told(gated):
    gated.spare = nn.Sigmoid()
    with pytest.raises(RgavizError, match=r"spare is not used .* torch.sigmoid"):
        masks(gated, IMAGES, gates="spare")


def test_gates_as_they_are_typed():
    assert parse_gates(["a.b:spatial", "c"]) == {"a.b": "spatial", "c": None}
    assert parse_gates(None) == {}


def test_an_identity_in_a_gates_place_has_no_mask():
    """One name for a pair whose baseline leaves the attention out."""
    gated = nn.Sequential(nn.Conv2d(3, 1, 1), nn.Sigmoid())
    plain = nn.Sequential(nn.Conv2d(3, 1, 1), nn.Identity())
    refuse_unknown_gates([plain, gated], {"1": None})
    assert declare(gated, {"1": None}, (8, 8)) == {"1": "spatial"}
    assert declare(plain, {"1": None}, (8, 8)) == {}
    with pytest.raises(RgavizError, match="Unknown module for --gate '1'"):
        refuse_unknown_gates([plain], {"1": None})

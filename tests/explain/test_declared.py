"""Gates that the user declares, against hooks on the modules themselves."""

import numpy as np
import pytest
import torch
from own_networks import write_nets

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.declared import declare, parse_gates
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


def test_gates_as_they_are_typed():
    assert parse_gates(["a.b:spatial", "c"]) == {"a.b": "spatial", "c": None}
    assert parse_gates(None) == {}

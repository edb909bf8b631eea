"""The direct form computes the same function as the factored one, or comparing what they cost would mean nothing."""

from __future__ import annotations

import pytest
import torch

from rgaviz.attention import ATTENTIONS, build_attention
from rgaviz.profiling.direct import DIRECT, direct_form


def randomised(name: str, size: tuple[int, int]) -> torch.nn.Module:
    """A module in which no scale, shift or running value is the default."""
    torch.manual_seed(0)
    module = build_attention(name, 12, size, 3, 2).double()
    for key, value in module.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "bn" in key else torch.randn_like(value))
    return module


def outcome(module, x, weighting):
    """Output and input gradient."""
    leaf = x.clone().requires_grad_()
    output = module(leaf)
    (output * weighting).sum().backward()
    return output.detach(), leaf.grad


@pytest.mark.parametrize("size", [(6, 4), (3, 5)])
@pytest.mark.parametrize("name", DIRECT)
def test_same_output_and_gradient(name, size):
    ours = randomised(name, size)
    direct = direct_form(ours)
    x, weighting = torch.randn(2, 3, 12, *size, dtype=torch.float64)
    assert sum(p.numel() for p in direct.parameters()) == sum(p.numel() for p in ours.parameters())
    for train in (False, True):  # running values first: training changes them
        mine, peer = (outcome(module.train(train), x, weighting) for module in (ours, direct))
        torch.testing.assert_close(mine, peer, rtol=1e-10, atol=1e-10)


def test_others_have_none():
    for name in set(ATTENTIONS) - set(DIRECT) - {"rga-s-norel", "rga-s-novis", "rga-c-norel", "rga-c-novis"}:
        with pytest.raises(TypeError, match="No direct form"):
            direct_form(build_attention(name, 64, (8, 8)))


@pytest.mark.parametrize("name", [name for name in ATTENTIONS if name not in DIRECT])
def test_other_modules_have_none(name):
    with pytest.raises(TypeError, match="No direct form"):
        direct_form(build_attention(name, 16, (6, 4), 2, 2))

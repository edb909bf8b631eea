"""The peer of the benchmarks computes the same function as our module, or its times would mean nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import rgaviz

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(name="direct_rga")
def _direct_rga(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import direct_rga

    yield direct_rga
    sys.modules.pop("direct_rga")


def randomised(name: str, size: tuple[int, int]) -> torch.nn.Module:
    """A module in which no scale, shift or running value is the default."""
    torch.manual_seed(0)
    module = rgaviz.build_attention(name, 12, size, 3, 2).double()
    for key, value in module.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "bn" in key else torch.randn_like(value))
    return module


@pytest.mark.parametrize("size", [(6, 4), (3, 5)])
@pytest.mark.parametrize("name", ["rga-s", "rga-c", "rga-sc", "rga-cs"])
def test_direct_form_equals_ours(direct_rga, name, size):
    ours = randomised(name, size)
    direct = direct_rga.direct_form(ours)
    x = torch.randn(3, 12, *size, dtype=torch.float64)
    direct_rga.check_equal(ours, direct, x)
    torch.testing.assert_close(direct.eval()(x), ours.eval()(x), rtol=1e-10, atol=1e-10)
    assert sum(p.numel() for p in direct.parameters()) == sum(p.numel() for p in ours.parameters())


def test_check_equal_notices_swapped_relations(direct_rga):
    ours = randomised("rga-s", (3, 5))
    direct = direct_rga.direct_form(ours)
    weight = direct.attend.varphi[0].weight
    weight.data = weight.data.roll(15, dims=1)  # [A | B] -> [B | A]
    with pytest.raises(AssertionError, match="not close"):
        direct_rga.check_equal(ours, direct, torch.randn(3, 12, 3, 5))

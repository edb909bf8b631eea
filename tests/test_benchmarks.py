"""The check that the benchmarks make before they time anything notices a difference."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import rgaviz
from rgaviz.attention.direct import direct_form

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(name="check_equal")
def _check_equal(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from direct_rga import check_equal

    yield check_equal
    sys.modules.pop("direct_rga")


def test_check_equal_notices_swapped_relations(check_equal):
    torch.manual_seed(0)
    ours = rgaviz.build_attention("rga-s", 12, (3, 5), 3, 2)
    direct = direct_form(ours)
    x = torch.randn(3, 12, 3, 5)
    check_equal(ours, direct, x)
    weight = direct.attend.varphi[0].weight
    weight.data = weight.data.roll(15, dims=1)  # [A | B] -> [B | A]
    with pytest.raises(AssertionError, match="not close"):
        check_equal(ours, direct, x)

"""Relations on demand change nothing, and are a picture's own."""

from __future__ import annotations

import copy

import pytest
import torch
from comparison import features, settled

from rgaviz.attention import ATTENTIONS, build_attention

SHAPE = (3, 10, 7, 5)  # B, C, H, W
PAIRS = [("rga-s", "spatial"), ("rga-c", "channel"), ("nl", "spatial"), ("nl+rga-s", "spatial")]
PAIRS += [(f"rga-{name}", kind) for name in ("sc", "cs", "parallel") for kind in ("spatial", "channel")]


def module(name):
    torch.manual_seed(0)
    return settled(build_attention(name, SHAPE[1], SHAPE[2:], 3, 2)).train()


def test_all_that_have_relations_are_here():
    without = {
        name for name in ATTENTIONS if not hasattr(build_attention(name, 64, (6, 5), 2, 2), "affinity")
    }
    assert {name for name, _ in PAIRS} == {
        name for name in set(ATTENTIONS) - without if not name.endswith(("-norel", "-novis"))
    }


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_in_train_mode_nothing_moves_and_a_picture_is_alone(name, kind):
    attention, x = module(name), features(SHAPE).detach()
    before = {key: value.clone() for key, value in attention.state_dict().items()}
    relations = attention.affinity(x, kind)
    assert attention.training
    for key, value in attention.state_dict().items():
        assert torch.equal(value, before[key]), key
    for row in range(len(x)):
        torch.testing.assert_close(attention.affinity(x[row][None], kind)[0], relations[row])
    torch.testing.assert_close(attention.eval().affinity(x, kind), relations)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_half_precision_neither_overflows_nor_rounds(name, kind, dtype):
    """Against the same rounded weights and features in float64; at features of 300 float16 products end in inf."""
    half = module(name).eval().to(dtype)
    x = (300 * features(SHAPE).detach()).to(dtype)
    expected = copy.deepcopy(half).double().affinity(x.double(), kind)
    found = half.affinity(x, kind)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected.float(), rtol=1e-3, atol=1e-3 * expected.abs().max().item())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["rga-s", "rga-c"])
def test_masks_of_weights_in_half_precision(name, dtype, training):
    half = module(name).to(dtype).train(training)
    wide, x = copy.deepcopy(half).float(), (300 * features(SHAPE).detach()).to(dtype)
    torch.testing.assert_close(half.mask(x).float(), wide.mask(x.float()), atol=0.01, rtol=0)
    for key, value in wide.state_dict().items():
        torch.testing.assert_close(half.state_dict()[key].to(value), value, rtol=0.01, atol=0.01)

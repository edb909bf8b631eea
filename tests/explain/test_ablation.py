"""Masks replaced, against networks that multiply by them in the open, and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gated import CHANNELS, IMAGES, TIMM, Last, Net, expanded, perturbed, timm_module
from snapshots import assert_same, snapshot
from torch import nn

from rgaviz.attention import Gate
from rgaviz.explain.ablation import SEED, WAYS, Seen, ablated, changed_by, fitted, seen
from rgaviz.explain.gates import gates
from rgaviz.explain.lending import lent
from rgaviz.explain.masks import masks

KINDS = ("spatial", "channel", "joint")


class Attention(nn.Module):
    """Multiplies by a mask of a kind, or by one that it is told."""

    def __init__(self, kind):
        super().__init__()
        self.logits, self.gate, self.told = nn.Conv2d(CHANNELS, CHANNELS, 1), Gate(kind), None

    def forward(self, x):
        logits = self.logits(x / 4)
        over = {"spatial": (1,), "channel": (2, 3), "joint": ()}[self.gate.kind]
        mask = self.gate(logits.mean(over, keepdim=True) if over else logits)
        return x * (mask if self.told is None else self.told)


def network(kind):
    torch.manual_seed(0)
    return perturbed(Net(Attention(kind)))


def run(model, batches, way=None):
    """Outputs of some batches, with the masks replaced, and what the gates gave."""
    found = gates(model, "attention")
    with lent(model), torch.no_grad():
        with seen(found) as known:
            plain = [model(batch) for batch in batches]
        if way is None:
            return torch.cat(plain), known
        with ablated(changed_by(way, found), way, known):
            return torch.cat([model(batch) for batch in batches]), known


def mask_of(model):
    """Of the images, as it multiplies (3, ...)."""
    ((key, mask),) = masks(model, IMAGES).items()
    return expanded(mask, key.rpartition("/")[2])


def told(model, mask):
    model.attention.told = mask
    with torch.no_grad():
        return model(IMAGES)


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_ones_means_and_neighbours_are_those_of_a_loop(kind):
    batches = IMAGES.split([2, 1])
    model = network(kind)
    mask, before = mask_of(model), snapshot(model)
    expected = {
        "ones": torch.ones_like(mask),
        "mean": torch.stack([torch.full_like(each, float(each.mean())) for each in mask]),
        "average": torch.stack([(mask[0] + mask[1] + mask[2]) / 3] * 3),
        "pictures": torch.stack([mask[2], mask[0], mask[1]]),
    }
    found = {way: run(model, batches, way)[0] for way in expected}
    assert_same(model, before)
    plain, _ = run(model, batches)
    for way, wanted in expected.items():
        assert not torch.allclose(found[way], plain, atol=1e-4), way
        same(found[way], told(model, wanted))


@pytest.mark.parametrize(
    ("kind", "way"),
    [("spatial", "positions"), ("joint", "positions"), ("channel", "channels"), ("joint", "channels")],
)
def test_what_is_shuffled_is_the_same_in_another_order(kind, way):
    """Each picture's own, of joint masks all channels or positions alike, by a fixed seed."""
    model = network(kind)
    mask = mask_of(model)
    draw = torch.Generator().manual_seed(SEED)
    moved = mask.clone()
    count = mask[0, 0].numel() if way == "positions" else mask.shape[1]
    orders = torch.rand(3, count, generator=draw).argsort(1)
    assert len(set(map(tuple, orders.tolist()))) == 3
    for picture, order in enumerate(orders.tolist()):
        for place, source in enumerate(order):
            if way == "channels":
                moved[picture, place] = mask[picture, source]
            else:
                for channel in range(mask.shape[1]):
                    moved[picture, channel].view(-1)[place] = mask[picture, channel].reshape(-1)[source]
    found, again = (run(model, [IMAGES], way)[0] for _ in range(2))
    assert torch.equal(found, again)
    plain, _ = run(model, [IMAGES])
    assert not torch.allclose(found, plain, atol=1e-4)
    same(found, told(model, moved))


def test_ways_leave_alone_what_they_do_not_fit():
    model = network("spatial")
    assert changed_by("channels", gates(model, "attention")) == {}
    assert set(WAYS) - {"channels"} == {way for way in WAYS if changed_by(way, gates(model, "attention"))}


@pytest.mark.parametrize(("path", "options", "kind"), TIMM)
def test_libraries_without_their_mask_give_what_they_got(path, options, kind):
    module = timm_module(path, options)
    model = perturbed(Net(Last(module) if path.endswith("Cl") else module))
    found = gates(model, "attention")
    with lent(model), torch.no_grad(), seen(found) as known:
        model(IMAGES)
    with lent(model), torch.no_grad(), ablated(found, "ones", known):
        given = model.features(IMAGES)
        same(model.attention(given), given)
    (each,) = known.values()
    if len(each.sums) == 1:
        mean = torch.from_numpy(masks(model, IMAGES)[f"attention/{kind}"]).double().mean(0)
        same(each.mean(0).flatten(), mean.flatten())


def test_masks_of_several_sizes_are_brought_to_one():
    known = Seen()
    first, second = torch.rand(2, 1, 4, 6), torch.rand(1, 1, 8, 12)
    known.add(0, first)
    known.add(0, second)
    mean = (first.sum(0, keepdim=True) + fitted(second, first)) / 3
    same(known.mean(0).float(), mean)
    assert known.last[0].shape == second.shape
    assert fitted(second, first).shape == (1, 1, 4, 6)
    flat = torch.full((1, 4, 6), 0.25)
    assert torch.equal(fitted(flat, torch.zeros(1, 2, 3)), torch.full((1, 2, 3), 0.25))
    model = network("spatial")
    several = [IMAGES[:, :, :6, :8], IMAGES]
    for way in ("average", "pictures"):
        found, _ = run(model, several, way)
        assert np.isfinite(found.numpy()).all()


def test_an_error_leaves_no_hook():
    model = network("spatial")
    before, found = snapshot(model), gates(model, "attention")
    with pytest.raises(ValueError, match="stop"), seen(found):
        raise ValueError("stop")
    assert_same(model, before)

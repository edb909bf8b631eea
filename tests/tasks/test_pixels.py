"""The loss over pixels, and how they count in parts of a batch."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from rgaviz.tasks.pixels import IGNORED, pixel_loss, pixel_weight
from rgaviz.training.parts import part_weights

LN2 = math.log(2)


def slow_loss(logits, labels, weights=None, keep=0, threshold=0.7):
    """Pixel by pixel; the mean over those that count."""
    found = []
    for image, truth in zip(logits.double(), labels, strict=True):
        for y, x in ((y, x) for y in range(truth.shape[0]) for x in range(truth.shape[1])):
            label = int(truth[y, x])
            if label != IGNORED:
                shares = torch.softmax(image[:, y, x], 0)
                found.append((float(shares[label]), 1.0 if weights is None else weights[label]))
    if keep and found:
        hardest = sorted(share for share, _ in found)[min(keep, len(found)) - 1]
        found = [(share, weight) for share, weight in found if share <= max(hardest, threshold)]
    total = sum(weight for _, weight in found)
    return sum(-weight * math.log(share) for share, weight in found) / total if found else 0.0


def test_ignored_pixels_are_not_in_the_mean():
    loss = pixel_loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, IGNORED]]]))
    assert float(loss) == pytest.approx(0.6931, abs=1e-4)


@pytest.mark.parametrize("keep", [0, 3])
def test_a_picture_of_ignored_pixels_costs_nothing(keep):
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    loss = pixel_loss(logits, torch.full((2, 4, 5), IGNORED), [1.0, 2.0, 3.0], keep=keep)
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.25, 0.1]])
@pytest.mark.parametrize(("keep", "threshold"), [(0, 0.7), (7, 0.01), (7, 0.3), (1000, 0.3)])
def test_against_a_slow_loop(weights, keep, threshold):
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 5, 6) * 2, torch.randint(0, 4, (2, 5, 6))
    labels[torch.rand(labels.shape) < 0.3] = IGNORED
    found = pixel_loss(logits, labels, weights, keep=keep, threshold=threshold)
    assert float(found) == pytest.approx(slow_loss(logits, labels, weights, keep, threshold), rel=1e-5)


def test_weighted_as_pytorch_does():
    torch.manual_seed(0)
    logits, labels, weights = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4)), [0.5, 2.0, 1.0]
    expected = nn.CrossEntropyLoss(torch.tensor(weights), ignore_index=IGNORED)(logits, labels)
    torch.testing.assert_close(pixel_loss(logits, labels, weights), expected)


def test_how_much_pixels_count():
    labels = torch.tensor([[[0, 1, IGNORED]]])
    assert float(pixel_weight(labels, None)) == 2
    assert float(pixel_weight(labels, [0.5, 3.0])) == 3.5
    assert float(pixel_weight(torch.full((1, 2, 2), IGNORED), None)) == 0


class Two:
    """Two processes, of which the other counted so much."""

    count = 2

    def __init__(self, other):
        self.other = other

    def sum(self, value):
        return value + self.other


def test_pixels_count_alike_on_several_processes():
    """One has a pixel that costs 0.6931, the other three that cost nothing; gradients are means over both."""
    from rgaviz.tasks.segmentation import Segmentation

    task, config = Segmentation(), SimpleNamespace(class_weights=None)
    one, three = torch.tensor([[[0, IGNORED, IGNORED]]]), torch.tensor([[[0, 0, 0]]])
    (weight,) = part_weights(task, [one], config, Two(3))
    (other,) = part_weights(task, [three], config, Two(1))
    assert float((weight * LN2 + other * 0) / 2) == pytest.approx(0.1733, abs=1e-4)


def test_a_batch_in_parts_is_the_same_batch():
    from rgaviz.tasks.segmentation import Segmentation

    torch.manual_seed(0)
    weights = [0.5, 2.0, 1.0]
    task, config = Segmentation(), SimpleNamespace(class_weights=weights)
    logits, labels = torch.randn(4, 3, 5, 5), torch.randint(0, 3, (4, 5, 5))
    labels[0] = IGNORED
    labels[1, 2:] = IGNORED
    alone = SimpleNamespace(count=1)
    parts = list(zip(logits.chunk(4), labels.chunk(4), strict=True))
    shares = part_weights(task, [own for _, own in parts], config, alone)
    found = sum(
        share * pixel_loss(some, own, weights) for (some, own), share in zip(parts, shares, strict=True)
    )
    torch.testing.assert_close(found, pixel_loss(logits, labels, weights))

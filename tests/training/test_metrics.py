from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from rgaviz.training.metrics import class_errors, evaluate, summarise

LOGITS = torch.tensor([[2.0, 0, 0], [0, 1, 0], [0, 0, 3], [1, 0, 0], [0, 5, 0]])
LABELS = torch.tensor([0, 0, 2, 0, 1])


class Lookup(nn.Module):
    """Gives the rows of ``LOGITS`` in order."""

    def __init__(self):
        super().__init__()
        self.position = 0

    def forward(self, images):
        assert not self.training
        assert torch.is_inference_mode_enabled()
        rows = LOGITS[self.position : self.position + len(images)]
        self.position += len(images)
        return rows


def batches(*sizes):
    for labels in LABELS.split(sizes):
        yield torch.zeros(len(labels), 3, 2, 2), labels


@pytest.mark.parametrize("sizes", [(5,), (2, 2, 1)])
def test_loss_and_confusion(sizes):
    loss, confusion = evaluate(Lookup().train(), batches(*sizes), 3)
    right = (math.log(math.exp(x) + 2) - x for x in (2, 3, 1, 5))
    expected = sum(right) + math.log(math.e + 2)
    assert loss.dtype == torch.float64
    assert float(loss) == pytest.approx(expected, abs=1e-6)
    assert confusion.dtype == torch.int64
    assert confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 1]]
    summary = summarise(loss, confusion)
    assert summary == {"test_loss": pytest.approx(expected / 5), "test_error": pytest.approx(20)}
    assert all(type(value) is float for value in summary.values())


def test_autocast_computes_in_the_precision_asked_for():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    with torch.no_grad():
        model[1].weight.fill_(1 / 3)
        model[1].bias.copy_(torch.tensor([0, 0.001, 0]))  # vanishes in bfloat16 beside the sum
    images, labels = torch.full((1, 3, 2, 2), 1.0), torch.tensor([1])
    _, exact = evaluate(model, [(images, labels)], 3)
    _, coarse = evaluate(model, [(images, labels)], 3, torch.bfloat16)
    assert exact[1].tolist() == [0, 1, 0]
    assert coarse[1].tolist() == [1, 0, 0]


def test_a_class_never_seen_has_no_error():
    confusion = torch.tensor([[3, 1, 0], [0, 0, 0], [2, 0, 0]])
    assert class_errors(confusion) == [pytest.approx(25), None, pytest.approx(100)]

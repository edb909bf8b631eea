from __future__ import annotations

import pytest
import torch

from rgaviz.tasks.triplet import batch_hard


def loop(features, labels, margin):
    """The definition, image by image."""
    terms = []
    for anchor, identity in zip(features, labels, strict=True):
        distances = [float(((anchor - other) ** 2).sum()) ** 0.5 for other in features]
        own = max(d for d, other in zip(distances, labels, strict=True) if other == identity)
        others = min(d for d, other in zip(distances, labels, strict=True) if other != identity)
        terms.append(max(0.0, own - others + margin))
    return terms


def test_right_values():
    features = torch.tensor([[0.0], [0.0], [0.1], [0.5]], requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1])
    assert loop(features.detach(), labels, 0.3) == pytest.approx([0.2, 0.2, 0.6, 0.2], abs=1e-6)
    loss = batch_hard(features, labels, 0.3)
    assert loss.item() == pytest.approx(0.3, abs=1e-6)
    loss.backward()
    assert torch.isfinite(features.grad).all()  # although a distance is 0
    assert features.grad.abs().sum() > 0


@pytest.mark.parametrize("margin", [0.0, 0.3, 20.0])
def test_as_the_definition(margin):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(24, 7, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 3, 3, 4, 4] * 3)
    features[3] = features[11]  # a picture that was drawn twice
    expected = torch.tensor(loop(features, labels, margin)).mean()
    torch.testing.assert_close(batch_hard(features, labels, margin), expected, rtol=1e-5, atol=1e-6)


def test_near_features_far_from_the_origin():
    features = 1000 + torch.tensor([[0.0, 0.0], [0.25, 0.0], [1.0, 0.0], [1.5, 0.0]])
    found = batch_hard(features, torch.tensor([0, 0, 1, 1]), 1.0)
    assert found.item() == pytest.approx(
        (0.25 - 1 + 0.25 - 0.75 + 0.5 - 0.75 + 0.5 - 1.25) / 4 + 1.0, abs=1e-6
    )


def test_half_precision_gives_float32():
    features = torch.randn(8, 16, generator=torch.Generator().manual_seed(1)).bfloat16().requires_grad_()
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    loss = batch_hard(features, labels, 0.3)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, batch_hard(features.float(), labels, 0.3))
    loss.backward()
    assert torch.isfinite(features.grad).all()


def test_the_gradient_is_that_of_differences():
    features = torch.randn(12, 5, generator=torch.Generator().manual_seed(2), requires_grad=True)
    labels = torch.arange(4).repeat_interleave(3)
    step, direction = 1e-2, torch.randn(12, 5, generator=torch.Generator().manual_seed(3))
    batch_hard(features, labels, 5.0).backward()
    with torch.no_grad():
        up, down = (batch_hard(features + s * direction, labels, 5.0) for s in (step, -step))
    slope = (features.grad * direction).sum()
    torch.testing.assert_close((up - down) / (2 * step), slope, rtol=1e-2, atol=1e-3)

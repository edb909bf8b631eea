"""A small DenseNet, and all that a training step makes of a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

STAGES = ["transition1", "transition2", "denseblock3"]
SMALL = {
    "num_classes": 5,
    "image_size": (16, 14),
    "attention_layers": STAGES[:2],
    "width": 6,
    "s1": 2,
    "s2": 2,
}
KINDS = pytest.mark.parametrize("bc", [False, True], ids=["plain", "bc"])


def outcome(model: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Logits, gradients and running statistics of a training step, and the logits behind it."""
    images = images.clone().requires_grad_()
    model.train().zero_grad()
    logits = model(images)
    logits.square().sum().backward()
    with torch.no_grad():
        after = model.eval()(images)
    return {
        "logits": logits.detach(),
        "image": images.grad,
        "after": after,
        **{f"gradient of {name}": each.grad for name, each in model.named_parameters()},
        **dict(model.named_buffers()),
    }

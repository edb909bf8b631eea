"""A network comes back exactly as it was lent."""

from __future__ import annotations

import pytest
import torch
from snapshots import assert_same, snapshot
from torch import nn

from rgaviz.explain.lending import lent


def disturb(model):
    """Mixed modes, some parameters frozen, some with gradients, a hook of the user's."""
    model.train()
    model.layer2.eval()
    model(torch.randn(4, 3, 12, 16)).sum().backward()
    model.layer1.requires_grad_(False)
    model.fc.weight.grad = None
    model.layer3.register_forward_hook(lambda module, inputs, output: None)


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_unchanged(model, trainable, error):
    disturb(model)
    before = snapshot(model)

    def use():
        with lent(model, trainable=trainable):
            assert not any(module.training for module in model.modules())
            assert all(parameter.requires_grad is trainable for parameter in model.parameters())
            for parameter in model.parameters():
                parameter.grad = torch.ones_like(parameter)
            model.layer4[0] = nn.Identity()
            if error:
                raise error

    if error:
        with pytest.raises(error):
            use()
    else:
        use()
    assert_same(model, before)

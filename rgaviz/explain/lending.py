"""A network is lent, and given back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def lent(model: nn.Module, *, trainable: bool = False) -> Iterator[None]:
    """Lend a network in eval mode, with autograd on; whatever happens, it comes back as it was.

    Args:
        model: the network.
        trainable: whether its parameters ask for gradients meanwhile.
    """
    # Children too: Ablation-CAM swaps a layer, and an interrupt would leave it so.
    modules = [(module, module.training, dict(module._modules)) for module in model.modules()]
    parameters = [(each, each.requires_grad, each.grad) for each in model.parameters()]
    model.eval()
    for parameter, _, _ in parameters:
        parameter.requires_grad_(trainable)
    try:
        with torch.inference_mode(False), torch.enable_grad():  # the caller may have turned autograd off
            yield
    finally:
        for module, mode, children in modules:
            module.training = mode
            module._modules.update(children)
        for parameter, wanted, gradient in parameters:
            parameter.requires_grad_(wanted)
            parameter.grad = gradient

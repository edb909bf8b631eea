"""The peer of the RGA benchmarks, ``rgaviz.attention.direct``, computes the same function as ours."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.testing import assert_close


def check_equal(ours: nn.Module, direct: nn.Module, x: Tensor, tolerance: float = 1e-10) -> None:
    """Raise unless both give the same output and input gradient for ``x``, in float64 and training mode.

    Without this a comparison of their speed would mean nothing.
    """
    outputs, gradients = [], []
    for module in (ours, direct):
        leaf = x.detach().double().requires_grad_()
        output = copy.deepcopy(module).double().train()(leaf)
        output.backward(torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view(output.shape))
        outputs.append(output.detach())
        gradients.append(leaf.grad)
    for mine, peer in (outputs, gradients):
        scale = float(peer.abs().max())
        assert_close(mine, peer, rtol=tolerance, atol=tolerance * scale)

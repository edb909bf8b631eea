"""Squeeze-and-Excitation, served by torchvision.

Source: Hu et al., *Squeeze-and-Excitation Networks*, CVPR 2018, Eq. 2-4, as :class:`torchvision.ops.SqueezeExcitation`:

    a = sigmoid(W2 ReLU(W1 GAP(x) + b1) + b2),    z = a x,

GAP the mean over the positions, W1: C -> C / r, W2: C / r -> C, r = 16. With h = max(1, C // 16) it has
2 C h + h + C parameters: 8,464 / 33,312 / 132,160 / 526,464 at C = 256 / 512 / 1024 / 2048, the stages of ResNet-50.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from rgaviz.attention.gate import Gate

REDUCTION = 16


def se(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """SE, Table 2: channel attention from average-pooled features; by torchvision."""
    from torchvision.ops import SqueezeExcitation

    del size, s1, s2
    return SqueezeExcitation(
        channels, max(1, channels // REDUCTION), scale_activation=partial(Gate, "channel")
    )

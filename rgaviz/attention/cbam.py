"""Convolutional Block Attention Module: its channel half, its spatial half, and one after the other.

Source: Woo et al., *CBAM: Convolutional Block Attention Module*, ECCV 2018, Eq. 2 and 3, with the widths of the
authors' code (Jongchan/attention-module, ``MODELS/cbam.py``):

    channel   a = sigmoid(MLP(mean over positions) + MLP(max over positions)),  one MLP C -> C / r -> C, r = 16
    spatial   a = sigmoid(BN(conv7x7([max over channels; mean over channels]))),  no bias

Parameters, at the stages of ResNet-50 (C = 256 / 512 / 1024 / 2048): channel 2 C h + h + C with h = max(1, C // 16),
8,464 / 33,312 / 132,160 / 526,464 as SE; spatial 2 * 49 + 2 = 100 everywhere; both 8,564 / 33,412 / 132,260 / 526,564.

timm's ``CbamModule`` is another function: its MLP has no biases by default, its spatial half takes [mean; max] and its
normalisation the momentum 0.1 rather than 0.01.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rgaviz.attention.gate import Gate

REDUCTION = 16


class ChannelCBAM(nn.Module):
    """CBAM-C: a mask over the channels, from average- and max-pooled features.

    Equal maxima share their gradient; behind a ReLU, where ties are zeros, none of it goes further.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels)
        )
        self.gate = Gate("channel")

    def forward(self, x: Tensor) -> Tensor:
        logits = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))  # (B, C)
        return x * self.gate(logits[:, :, None, None])  # (B, C, 1, 1)


class SpatialCBAM(nn.Module):
    """CBAM-S: a mask over the positions, from the maximum and the mean of their channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(1, momentum=0.01)
        self.gate = Gate("spatial")

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat((x.amax(1, keepdim=True), x.mean(1, keepdim=True)), dim=1)  # (B, 2, H, W)
        return x * self.gate(self.bn(self.conv(pooled)))  # (B, 1, H, W)


def cbam_c(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """CBAM-C, Table 2: channel attention from average- and max-pooled features."""
    del size, s1, s2
    return ChannelCBAM(channels)


def cbam_s(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """CBAM-S, Table 2: spatial attention from a 7x7 convolution."""
    del channels, size, s1, s2
    return SpatialCBAM()


def cbam_cs(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """CBAM-CS, Table 2: channel, then spatial."""
    del size, s1, s2
    return nn.Sequential(ChannelCBAM(channels), SpatialCBAM())

"""Attention by fully connected layers over the pooled map: FC-S, FC-C and both at once.

Source: Liu et al., *Spatial and Temporal Mutual Promotion for Video-based Person Re-identification*, AAAI 2019, with
the layers of the authors' code (yolomax/rru-reid, ``rru.py``). There the input joins two frames, here it is one map x:

    u   = ReLU(BN(W x))                              1x1, C -> 256, epsilon 1e-3
    l_s = W2 ReLU(W1 mean over channels of u)        N -> 128 -> N, a weight per position; N = H W
    l_c = V mean over positions of u                 256 -> C
    FC-S  a = sigmoid(l_s)      FC-C  a = sigmoid(l_c)      FC-S//C  a = sigmoid(l_s l_c)      z = a x

No bias anywhere. FC-S//C shares u and multiplies before the sigmoid, so its mask is of every channel and position.

Parameters: FC-S 256 C + 512 + 256 N, FC-C 512 C + 512, FC-S//C 512 C + 512 + 256 N. At the stages of ResNet-50 with
256x128 input (C, N = 256, 2048 / 512, 512 / 1024, 128 / 2048, 128):

    FC-S      590,336   262,656   295,424     557,568
    FC-C      131,584   262,656   524,800   1,049,088
    FC-S//C   655,872   393,728   557,568   1,081,856
"""

from __future__ import annotations

from torch import Tensor, nn

from rgaviz.attention.gate import Gate, Kind

EMBEDDED = 256  # both widths are the authors', whatever C
HIDDEN = 128


class FullyConnected(nn.Module):
    """FC-S, FC-C or FC-S//C.

    Args:
        channels: C.
        size: (H, W), fixed where there is a spatial part: its weights depend on it.
        kind: ``spatial`` for FC-S, ``channel`` for FC-C, ``joint`` for FC-S//C.
    """

    def __init__(self, channels: int, size: tuple[int, int], kind: Kind) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(channels, EMBEDDED, 1, bias=False),
            nn.BatchNorm2d(EMBEDDED, eps=1e-3),
            nn.ReLU(inplace=True),
        )
        if kind != "channel":
            positions = size[0] * size[1]
            self.spatial = nn.Sequential(
                nn.Linear(positions, HIDDEN, bias=False),
                nn.ReLU(inplace=True),
                nn.Linear(HIDDEN, positions, bias=False),
            )
        if kind != "spatial":
            self.channel = nn.Linear(EMBEDDED, channels, bias=False)
        self.gate = Gate(kind)

    def forward(self, x: Tensor) -> Tensor:
        embedded = self.embed(x)  # (B, 256, H, W)
        if self.gate.kind == "spatial":
            logits = self._spatial_logits(embedded)
        elif self.gate.kind == "channel":
            logits = self._channel_logits(embedded)
        else:
            logits = self._spatial_logits(embedded) * self._channel_logits(embedded)  # (B, C, H, W)
        return x * self.gate(logits)

    def _spatial_logits(self, embedded: Tensor) -> Tensor:
        pooled = embedded.mean(1, keepdim=True)  # (B, 1, H, W)
        return self.spatial(pooled.flatten(1)).view_as(pooled)  # (B, N) -> (B, 1, H, W)

    def _channel_logits(self, embedded: Tensor) -> Tensor:
        return self.channel(embedded.mean((2, 3)))[:, :, None, None]  # (B, C) -> (B, C, 1, 1)


def fc_s(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """FC-S, Table 2: spatial attention from fully connected layers over the positions."""
    del s1, s2
    return FullyConnected(channels, size, "spatial")


def fc_c(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """FC-C, Table 2: channel attention from embedded, average-pooled features."""
    del s1, s2
    return FullyConnected(channels, size, "channel")


def fc_parallel(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """FC-S//C, Table 2: both multiplied before one sigmoid, a mask of every channel and position."""
    del s1, s2
    return FullyConnected(channels, size, "joint")

"""The non-local block, alone and with RGA-S behind it (Table 3).

Source: Wang et al., *Non-local Neural Networks*, CVPR 2018, Eq. 1, 4 and 6 (embedded Gaussian), with the scale and the
initial values of the authors' code (facebookresearch/video-nonlocal-net, ``lib/models/nonlocal_helper.py``):

    P = softmax over j of (theta(x_i) . phi(x_j) d^-0.5),    z_i = x_i + BN(W sum_j P_ij g(x_j)),

theta, phi, g: 1x1 convolutions C -> d, W: 1x1 d -> C, all with biases, d = max(1, C // 2). The normalisation's gain
starts at zero, so the block starts as the identity. The authors' optional pooling of phi and g is left out.

Parameters: 3 (C d + d) + (d C + C) + 2 C; at C = 256 / 512 / 1024 / 2048, the stages of ResNet-50:
132,224 / 526,592 / 2,101,760 / 8,397,824; with RGA-S at 256x128 input and s1 = s2 = 8:
1,214,402 / 691,490 / 2,499,914 / 9,976,394.

timm's ``NonLocalAttn`` is another function: it scales by C^-0.5 and has d = C / 8.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.attention.relations import Related, on_a_copy, picked
from rgaviz.attention.rga import SpatialRGA
from rgaviz.errors import RgavizError

INITIAL_STD = 0.01
BLOCK = 2**22  # weights of a picture in memory at a time, where they are asked for


class NonLocal(nn.Module):
    """A residual block in which every position takes a weighted mean over all positions; it has no gate.

    The weights P (N x N) are not formed: PyTorch's fused attention computes the same function a few rows at a
    time, in float32 inside, so float16 does not overflow. For second derivatives choose its plain form, which forms
    P: ``with torch.nn.attention.sdpa_kernel(SDPBackend.MATH)``.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = max(1, channels // 2)
        # theta, phi and g see the same input: one convolution for all of them.
        self.embed = nn.Conv2d(channels, 3 * width, 1)
        self.output = nn.Conv2d(width, channels, 1)
        self.output_bn = nn.BatchNorm2d(channels)
        for conv in (self.embed, self.output):
            weight, bias = conv.parameters()
            nn.init.normal_(weight, std=INITIAL_STD)
            nn.init.zeros_(bias)
        nn.init.zeros_(self.output_bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (each.unsqueeze(1) for each in self._embed(x))  # (B, 1, N, d): one head
        mixed = F.scaled_dot_product_attention(query, key, value).squeeze(1)  # (B, N, d); scale d^-0.5
        mixed = mixed.transpose(1, 2).unflatten(2, x.shape[2:])  # (B, d, H, W), channels_last
        return x + self.output_bn(self.output(mixed))

    @on_a_copy
    def affinity(self, x: Tensor, kind: str = "spatial") -> Tensor:
        """The weights P (B, N, N) of ``x`` (B, C, H, W), after the softmax: every row sums to 1."""
        scaled, phi = self._pair(x, kind)
        return (scaled @ phi.transpose(1, 2)).softmax(dim=2)

    @on_a_copy
    def related(self, x: Tensor, asked: Tensor, kind: str = "spatial") -> Related:
        """Rows and columns (B, k, N) of P for the positions ``asked`` (B, k), a block of its rows at a time."""
        scaled, phi = self._pair(x, kind)
        rows = (picked(scaled, asked) @ phi.transpose(1, 2)).softmax(dim=2)
        index = asked[:, None, :]  # (B, 1, k)
        columns = [block.gather(2, index.expand(-1, block.shape[1], -1)) for block in _blocks(scaled, phi)]
        return Related(rows, torch.cat(columns, dim=1).transpose(1, 2))  # (B, N, k) -> (B, k, N)

    @on_a_copy
    def received(self, x: Tensor) -> Tensor:
        """How much all positions together look at each: the mean of P over its rows (B, N), which sums to 1."""
        scaled, phi = self._pair(x, "spatial")
        sums = [block.sum(1) for block in _blocks(scaled, phi)]  # (B, N) each
        return torch.stack(sums).sum(0) / scaled.shape[1]

    def _pair(self, x: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        """theta, scaled, and phi of every position, (B, N, d) each."""
        if kind != "spatial":
            raise RgavizError(
                f"A non-local block has spatial relations, not {kind!r}; ask for kind='spatial'."
            )
        theta, phi, _ = self._embed(x)
        return theta * theta.shape[2] ** -0.5, phi  # before the product, whose sums may be large

    def _embed(self, x: Tensor) -> tuple[Tensor, ...]:
        """theta, phi and g of every position, (B, N, d) each."""
        nodes = self.embed(x).flatten(2).transpose(1, 2)  # (B, N, 3d)
        # The fused attention wants a position's features side by side; channels_last maps have them so.
        return nodes.contiguous().chunk(3, dim=2)


class NonLocalRGA(nn.Module):
    """NL + RGA-S: spatial relation-aware attention on the output of a non-local block.

    Args:
        channels: C.
        size: (H, W), fixed: the weights of RGA-S depend on it.
        s1: reduction ratio of the embeddings of RGA-S.
        s2: reduction ratio of its W1.

    Attributes:
        nonlocal_block: the :class:`NonLocal`; ``module.nonlocal_block.affinity(x)`` gives its own weights.
        rga: the :class:`SpatialRGA` behind it.
    """

    def __init__(self, channels: int, size: tuple[int, int], s1: int, s2: int) -> None:
        super().__init__()
        self.nonlocal_block = NonLocal(channels)
        self.rga = SpatialRGA(channels, size, s1, s2)

    def forward(self, x: Tensor) -> Tensor:
        return self.rga(self.nonlocal_block(x))

    @on_a_copy
    def affinity(self, x: Tensor, kind: str = "spatial") -> Tensor:
        """The relations R (B, N, N) of RGA-S, as the network forms them for ``x`` (B, C, H, W)."""
        return self.rga.affinity(self.nonlocal_block(x), kind)

    @on_a_copy
    def related(self, x: Tensor, asked: Tensor, kind: str = "spatial") -> Related:
        """Rows and columns (B, k, N) of these relations for the positions ``asked`` (B, k)."""
        return self.rga.related(self.nonlocal_block(x), asked, kind)


def _blocks(scaled: Tensor, phi: Tensor) -> Iterator[Tensor]:
    """P, some rows at a time: (B, rows, N)."""
    for rows in scaled.split(max(1, BLOCK // phi.shape[1]), dim=1):
        yield (rows @ phi.transpose(1, 2)).softmax(dim=2)


def nl(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """Non-local, Table 3: the non-local block; no mask."""
    del size, s1, s2
    return NonLocal(channels)


def nl_rga_s(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """Non-local + RGA-S, Table 3: RGA-S behind the non-local block."""
    return NonLocalRGA(channels, size, s1, s2)

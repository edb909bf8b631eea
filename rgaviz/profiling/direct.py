"""The direct form of RGA, for measuring: the relation matrix materialised, as in the authors' code.

Eq. 1-4 of the paper (arXiv 1904.02998v1, 3.2 and 3.3) as they stand: theta, phi and psi are three 1x1
convolutions, R is an n x n matrix per image, the relation vectors r_i = [R(i, :), R(:, i)] are concatenated
to a map of 2n channels and embedded by a 1x1 convolution. Same function and same weights as
``rgaviz.attention.rga``, which forms neither; networks are built from that one, ``rgaviz profile`` and the
benchmarks compare the two.

Shapes: B images, C channels, H x W positions, N = H W; a graph has n nodes of F features on a grid (h, w),
n = h w (spatial: (H, W), F = C; channel: (C, 1), F = N); d = F / s1, m = n / s1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rgaviz.attention.rga import ChannelRGA, GatedRelations, RelationAttention, SpatialRGA
from rgaviz.attention.rga_variants import SequentialRGA

DIRECT = ("rga-s", "rga-c", "rga-sc", "rga-cs")  # the attentions that have a direct form here


class Embedding(nn.Sequential):
    """1x1 convolution without bias, normalisation, mostly ReLU: (B, F, h, w) -> (B, outputs, h, w).

    Args:
        linear: our weights (outputs, F).
        norm: our normalisation.
        rows: the outputs to take, where ours embeds several things at once.
        relu: whether a ReLU follows.
    """

    def __init__(
        self, linear: nn.Linear, norm: nn.BatchNorm1d, rows: slice = slice(None), relu: bool = True
    ) -> None:
        weight = linear.weight[rows, :, None, None]  # (outputs, F, 1, 1)
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1, bias=False)
        conv.weight = nn.Parameter(weight.detach().clone())
        bn = nn.BatchNorm2d(len(weight), eps=norm.eps, momentum=norm.momentum, dtype=weight.dtype)
        state = {name: value if value.ndim == 0 else value[rows] for name, value in norm.state_dict().items()}
        bn.load_state_dict(state)
        super().__init__(conv, bn, *([nn.ReLU(inplace=True)] if relu else []))


class DirectAttention(nn.Module):
    """One attention logit per node, Eq. 1-4: (B, F, h, w) -> (B, 1, h, w)."""

    def __init__(self, ours: RelationAttention) -> None:
        super().__init__()
        d = ours.width
        self.theta = Embedding(ours.embed, ours.embed_bn, slice(0, d))
        self.phi = Embedding(ours.embed, ours.embed_bn, slice(d, 2 * d))
        self.psi = Embedding(ours.embed, ours.embed_bn, slice(2 * d, 3 * d))
        self.varphi = Embedding(ours.relate, ours.relate_bn)
        self.shrink = Embedding(ours.shrink, ours.shrink_bn)
        self.score = Embedding(ours.score, ours.score_bn, relu=False)

    def forward(self, nodes: Tensor) -> Tensor:
        """Logits, before the sigmoid."""
        grid = nodes.shape[2:]
        theta, phi = self.theta(nodes).flatten(2), self.phi(nodes).flatten(2)  # (B, d, n) each
        relations = theta.transpose(1, 2) @ phi  # (B, n, n): R[b, i, j] = theta(x_i) . phi(x_j)
        rows = relations.transpose(1, 2).unflatten(2, grid)  # (B, n, h, w): channel j of node i is R(i, j)
        columns = relations.unflatten(2, grid)  # (B, n, h, w): channel j of node i is R(j, i)
        related = self.varphi(torch.cat((rows, columns), dim=1))  # (B, 2n, h, w) -> (B, m, h, w)
        pooled = self.psi(nodes).mean(1, keepdim=True)  # (B, 1, h, w)
        return self.score(self.shrink(torch.cat((pooled, related), dim=1)))


class DirectSpatial(nn.Module):
    """RGA-S: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, ours: SpatialRGA) -> None:
        super().__init__()
        self.attend = DirectAttention(ours.attend)

    def forward(self, x: Tensor) -> Tensor:
        """The map, every position weighted."""
        return x * torch.sigmoid(self.attend(x))


class DirectChannel(nn.Module):
    """RGA-C: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, ours: ChannelRGA) -> None:
        super().__init__()
        self.attend = DirectAttention(ours.attend)

    def forward(self, x: Tensor) -> Tensor:
        """The map, every channel weighted."""
        nodes = x.flatten(2).transpose(1, 2).unsqueeze(3)  # (B, C, H, W) -> (B, N, C, 1)
        return x * torch.sigmoid(self.attend(nodes)).transpose(1, 2)  # (B, 1, C, 1) -> (B, C, 1, 1)


def direct_form(ours: nn.Module) -> nn.Module:
    """The direct form of a module of :data:`DIRECT`, with copies of its weights.

    Raises:
        TypeError: another module.
    """
    if isinstance(ours, SequentialRGA):
        return nn.Sequential(direct_form(ours.first), direct_form(ours.second))
    if isinstance(ours, GatedRelations) and ours.attend.relations and ours.attend.visual:
        return DirectSpatial(ours) if isinstance(ours, SpatialRGA) else DirectChannel(ours)  # type: ignore[arg-type]
    raise TypeError(f"No direct form of {type(ours).__name__}.")

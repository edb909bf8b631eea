"""Relation-Aware Global Attention: RGA-S and RGA-C; their combinations are in ``rga_variants.py``.

Source: Zhang et al., *Relation-Aware Global Attention*, arXiv 1904.02998v1, sections 3.1-3.4, with the widths
of the authors' code (every 1x1 convolution without bias, then batch normalisation).

Shapes: B images, C channels, H x W positions, N = H W; a graph has n nodes of F features
(spatial: n = N, F = C; channel: n = C, F = N); d = F / s1; m = n / s1.

The relation matrix R = Theta Phi^T (n x n) and the 2n-vector r_i = [R(i, :), R(:, i)] are never formed. The
embedding of the relations, W_varphi = [A | B], is linear before its normalisation, so

    W_varphi r_i = (A Phi) theta_i + (B Theta) phi_i,

with A Phi and B Theta only m x d. The function is the same; at 32x32x16 it takes 129 times fewer products.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.attention.gate import Gate
from rgaviz.attention.relations import Related, on_a_copy, picked
from rgaviz.errors import RgavizError


class RelationAttention(nn.Module):
    """One attention logit per node of a graph, from the node and its relations to all nodes (Eq. 1-4).

    Two ablations of Table 1 leave half of the input out. The paper does not give their widths; chosen here:
    without relations the embedded feature psi(x_i) is kept whole (d values rather than their mean: one value
    would leave W1 no channel to shrink), W1 has max(1, d // s2) outputs; without the visual feature
    y_i = varphi(r_i) and W1 has m // s2.

    Args:
        features: F, length of a node's feature vector.
        nodes: n, number of nodes; fixed, since W_varphi has 2n inputs.
        s1: reduction ratio of the embeddings.
        s2: reduction ratio of W1.
        relations: use the relations r_i.
        visual: use the feature psi(x_i) itself.

    Raises:
        RgavizError: the graph is too small for the ratios.
    """

    def __init__(
        self, features: int, nodes: int, s1: int, s2: int, *, relations: bool = True, visual: bool = True
    ) -> None:
        super().__init__()
        width, related, hidden = _widths(features, nodes, s1, s2, relations, visual)
        if min(width, related, hidden) < 1:
            raise RgavizError(
                f"A graph of {nodes} nodes with {features} features is too small for s1={s1}, s2={s2}: "
                f"the embeddings would have {width} and {related} channels, and W1 {hidden}."
            )
        self.width, self.relations, self.visual = width, relations, visual
        # theta, phi and psi see the same input: one matrix product for all of them.
        embedded = width * (2 * relations + visual)
        self.embed = nn.Linear(features, embedded, bias=False)
        self.embed_bn = nn.BatchNorm1d(embedded)
        if relations:
            self.relate = nn.Linear(2 * nodes, related, bias=False)  # W_varphi = [A | B]
            self.relate_bn = nn.BatchNorm1d(related)
        inputs = (related + visual) if relations else width
        self.shrink = nn.Linear(inputs, hidden, bias=False)  # W1
        self.shrink_bn = nn.BatchNorm1d(hidden)
        self.score = nn.Linear(hidden, 1, bias=False)  # W2
        self.score_bn = nn.BatchNorm1d(1)

    def forward(self, nodes: Tensor) -> Tensor:
        """Attention logits (B, n, 1) of ``nodes`` (B, n, F)."""
        if nodes.dtype in (torch.float16, torch.bfloat16) and self.embed.weight.dtype == nodes.dtype:
            return self._widened(nodes)
        device = nodes.device.type
        if torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) is torch.float16:
            # Relations multiply features with features: float16 ends at 65504.
            with torch.autocast(device, enabled=False):
                return self._logits(nodes.float())
        return self._logits(nodes)

    def _widened(self, nodes: Tensor) -> Tensor:
        """:meth:`forward` of weights in half precision, in float32: relations multiply features with features."""
        state = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        wide = {name: each.float() if each.is_floating_point() else each for name, each in state.items()}
        logits = torch.func.functional_call(self, wide, (nodes.float(),))
        if self.training:
            for name, buffer in self.named_buffers():  # running statistics have moved
                buffer.copy_(wide[name])
        return logits.to(nodes.dtype)

    def _logits(self, nodes: Tensor) -> Tensor:
        batch, count, _ = nodes.shape
        embedded = self._embed(nodes)
        if not self.relations:
            hidden = self.shrink(embedded.flatten(0, 1))  # (B n, hidden)
        else:
            hidden = self._shrink_related(embedded)
        hidden = F.relu(self.shrink_bn(hidden), inplace=True)
        return self.score_bn(self.score(hidden)).view(batch, count, 1)

    def affinity(self, nodes: Tensor) -> Tensor:
        """The relations R (B, n, n) of ``nodes`` (B, n, F): R[b, i, j] = theta(x_i) . phi(x_j), Eq. 1 and 4."""
        theta, phi = self._pair(nodes)
        return theta @ phi.transpose(1, 2)

    def related(self, nodes: Tensor, asked: Tensor) -> Related:
        """Rows and columns of R for the nodes at places ``asked`` (B, k); the others are not computed."""
        theta, phi = self._pair(nodes)
        rows = picked(theta, asked) @ phi.transpose(1, 2)  # (B, k, n)
        return Related(rows, picked(phi, asked) @ theta.transpose(1, 2))

    def _pair(self, nodes: Tensor) -> tuple[Tensor, ...]:
        """Of every node theta and phi, (B, n, d) each."""
        if not self.relations:
            raise RgavizError("This attention has no relations; use one that is not '-norel'.")
        return self._embed(nodes)[..., : 2 * self.width].chunk(2, dim=2)

    def _embed(self, nodes: Tensor) -> Tensor:
        """[theta, phi, psi] of every node (B, n, F), after normalisation and ReLU: (B, n, embedded)."""
        rows = _rows_by(self.embed.weight, nodes.reshape(-1, nodes.shape[2]))  # (B n, embedded)
        return F.relu(self.embed_bn(rows), inplace=True).view(*nodes.shape[:2], -1)

    def _shrink_related(self, embedded: Tensor) -> Tensor:
        """W1 [pool_c(psi), varphi(r)] (B n, hidden), Eq. 2, from ``embedded`` (B, n, embedded)."""
        pair, psi = embedded.split((2 * self.width, embedded.shape[2] - 2 * self.width), dim=2)
        theta, phi = pair.chunk(2, dim=2)  # (B, n, d) each
        row_weight, column_weight = self.relate.weight.chunk(2, dim=1)  # A and B, (m, n) each
        mixing = torch.cat((_by_nodes(row_weight, phi), _by_nodes(column_weight, theta)), dim=2)  # (B, m, 2d)
        related = torch.bmm(pair, mixing.transpose(1, 2)).flatten(0, 1)  # (B n, m)
        related = F.relu(self.relate_bn(related), inplace=True)
        if not self.visual:
            return _rows_by(self.shrink.weight, related)
        # W1 acts on pool_c(psi), its first column, apart from the relations: no concatenated copy.
        pooled = psi.mean(dim=2).view(-1, 1)  # (B n, 1)
        weight = self.shrink.weight  # (hidden, 1 + m)
        return _rows_by(weight[:, 1:], related) + pooled * weight[:, 0]


# On a CPU the two products with shared weights are written as the 1x1 convolutions they are in the paper: PyTorch
# gives convolutions to oneDNN, which multiplies faster than its BLAS does on some processors (see docs/benchmarks.md).


def _rows_by(weight: Tensor, rows: Tensor) -> Tensor:
    """``rows @ weight.T``: (M, F) rows by a weight (o, F) -> (M, o)."""
    if rows.device.type != "cpu":
        return F.linear(rows, weight)
    pixels = rows.view(1, len(rows), 1, -1).permute(0, 3, 1, 2)  # (1, F, M, 1), channels_last
    product = F.conv2d(pixels, weight[:, :, None, None])  # (1, o, M, 1)
    return product.permute(0, 2, 3, 1).reshape(len(rows), -1)


def _by_nodes(weight: Tensor, nodes: Tensor) -> Tensor:
    """``weight @ nodes``: a weight (o, n) by nodes (B, n, d) -> (B, o, d)."""
    if nodes.device.type != "cpu":
        return weight @ nodes
    return F.conv2d(nodes[..., None], weight[:, :, None, None])[..., 0]


def _widths(
    features: int, nodes: int, s1: int, s2: int, relations: bool, visual: bool
) -> tuple[int, int, int]:
    """(d, m, outputs of W1) as in the authors' code: integer divisions."""
    width, related = features // s1, nodes // s1 if relations else 1
    hidden = (related + visual) // s2 if relations else max(1, width // s2)
    return width, related, hidden


class GatedRelations(nn.Module):
    """What RGA-S and RGA-C share: relations between nodes of a map, a gate, and the map times the mask.

    Args:
        channels: C.
        size: (H, W), fixed: the weights depend on it.
        s1: reduction ratio of the embeddings.
        s2: reduction ratio of W1.
        relations: False for "w/o Rel.".
        visual: False for "w/o Vis.".
    """

    kind: Literal["spatial", "channel"]

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        s1: int,
        s2: int,
        *,
        relations: bool = True,
        visual: bool = True,
    ) -> None:
        super().__init__()
        positions = size[0] * size[1]
        features, nodes = (channels, positions) if self.kind == "spatial" else (positions, channels)
        self.attend = RelationAttention(features, nodes, s1, s2, relations=relations, visual=visual)
        self.gate = Gate(self.kind)

    def nodes(self, x: Tensor) -> Tensor:
        """The graph's nodes (B, n, F) of ``x`` (B, C, H, W)."""
        raise NotImplementedError

    def mask(self, x: Tensor) -> Tensor:
        """Attention in [0, 1] for ``x`` (B, C, H, W)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return x * self.mask(x)

    @on_a_copy
    def affinity(self, x: Tensor, kind: str | None = None) -> Tensor:
        """Relations (B, n, n) between the nodes of ``x`` (B, C, H, W); ``kind``, if given, must be its own."""
        self._check(kind)
        return self.attend.affinity(self.nodes(x))

    @on_a_copy
    def related(self, x: Tensor, asked: Tensor, kind: str | None = None) -> Related:
        """Rows and columns (B, k, n) of the relations of ``x`` (B, C, H, W) for the nodes ``asked`` (B, k)."""
        self._check(kind)
        return self.attend.related(self.nodes(x), asked)

    def _check(self, kind: str | None) -> None:
        if kind not in (None, self.kind):
            raise RgavizError(
                f"This attention has {self.kind} relations, not {kind!r}; ask for kind={self.kind!r}."
            )


class SpatialRGA(GatedRelations):
    """RGA-S (3.2): a mask over the H x W positions, nodes are the C-vectors in raster order."""

    kind = "spatial"

    def nodes(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, N, C): a view where ``x`` is channels_last."""
        return x.flatten(2).transpose(1, 2)

    def mask(self, x: Tensor) -> Tensor:
        """Attention (B, 1, H, W) in [0, 1] for ``x`` (B, C, H, W)."""
        batch, _, height, width = x.shape
        logits = self.attend(self.nodes(x))  # (B, N, 1)
        return self.gate(logits.view(batch, 1, height, width))


class ChannelRGA(GatedRelations):
    """RGA-C (3.3): a mask over the C channels, nodes are the H W-vectors."""

    kind = "channel"

    def nodes(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, N)."""
        return x.flatten(2)

    def mask(self, x: Tensor) -> Tensor:
        """Attention (B, C, 1, 1) in [0, 1] for ``x`` (B, C, H, W)."""
        return self.gate(self.attend(self.nodes(x)).unsqueeze(3))  # (B, C, 1) -> (B, C, 1, 1)

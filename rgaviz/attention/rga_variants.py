"""The rows of Table 1: RGA-S and RGA-C alone, one behind the other, side by side, and with half their input left out.

Source: Zhang et al., *Relation-Aware Global Attention*, arXiv 1904.02998v1, sections 3.4 and 4.1.
"""

from __future__ import annotations

from torch import Tensor, nn

from rgaviz.attention.relations import Related, on_a_copy
from rgaviz.attention.rga import ChannelRGA, GatedRelations, SpatialRGA


class SequentialRGA(nn.Module):
    """RGA-SC or RGA-CS (3.4): the second attention is derived from the map the first one has modulated.

    Args:
        first: :class:`SpatialRGA` or :class:`ChannelRGA`.
        second: the other one.
    """

    def __init__(self, first: GatedRelations, second: GatedRelations) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))

    @on_a_copy
    def affinity(self, x: Tensor, kind: str) -> Tensor:
        """Relations of ``kind`` (B, n, n) as the network forms them for ``x`` (B, C, H, W)."""
        if kind == self.first.kind:
            return self.first.affinity(x)
        return self.second.affinity(self.first(x), kind)

    @on_a_copy
    def related(self, x: Tensor, asked: Tensor, kind: str) -> Related:
        """Rows and columns (B, k, n) of these relations for the nodes ``asked`` (B, k)."""
        if kind == self.first.kind:
            return self.first.related(x, asked)
        return self.second.related(self.first(x), asked, kind)


class ParallelRGA(nn.Module):
    """RGA-S//C: both attentions are derived from the same map.

    The paper does not say how the two are fused; chosen here: z = a_s a_c x, the product of both masks, which
    has the parameters and the range of the sequential forms.
    """

    def __init__(self, spatial: SpatialRGA, channel: ChannelRGA) -> None:
        super().__init__()
        self.spatial, self.channel = spatial, channel

    def forward(self, x: Tensor) -> Tensor:
        return x * self.spatial.mask(x) * self.channel.mask(x)

    @on_a_copy
    def affinity(self, x: Tensor, kind: str) -> Tensor:
        """Relations of ``kind`` (B, n, n) for ``x`` (B, C, H, W)."""
        return (self.spatial if kind == "spatial" else self.channel).affinity(x, kind)

    @on_a_copy
    def related(self, x: Tensor, asked: Tensor, kind: str) -> Related:
        """Rows and columns (B, k, n) of these relations for the nodes ``asked`` (B, k)."""
        return (self.spatial if kind == "spatial" else self.channel).related(x, asked, kind)


Size = tuple[int, int]


def rga_s(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-S, Table 1."""
    return SpatialRGA(channels, size, s1, s2)


def rga_c(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-C, Table 1."""
    return ChannelRGA(channels, size, s1, s2)


def rga_sc(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-SC, Table 1: spatial, then channel."""
    return SequentialRGA(SpatialRGA(channels, size, s1, s2), ChannelRGA(channels, size, s1, s2))


def rga_cs(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-CS, Table 1: channel, then spatial."""
    return SequentialRGA(ChannelRGA(channels, size, s1, s2), SpatialRGA(channels, size, s1, s2))


def rga_parallel(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-S//C, Table 1: both from the same map, masks multiplied."""
    return ParallelRGA(SpatialRGA(channels, size, s1, s2), ChannelRGA(channels, size, s1, s2))


def rga_s_norel(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-S w/o Rel., Table 1."""
    return SpatialRGA(channels, size, s1, s2, relations=False)


def rga_s_novis(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-S w/o Vis., Table 1."""
    return SpatialRGA(channels, size, s1, s2, visual=False)


def rga_c_norel(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-C w/o Rel., Table 1."""
    return ChannelRGA(channels, size, s1, s2, relations=False)


def rga_c_novis(channels: int, size: Size, s1: int = 8, s2: int = 8) -> nn.Module:
    """RGA-C w/o Vis., Table 1."""
    return ChannelRGA(channels, size, s1, s2, visual=False)

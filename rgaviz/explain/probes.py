"""Methods that ask the network again, with part of a picture or of a layer left out.

One picture at a time and a few variants of it in a pass: memory grows neither with the pictures nor with the channels,
and no map depends on its neighbours. The scores of a target are all read from the same passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.attention.slot import hook_before_slot
from rgaviz.explain.maps import as_map
from rgaviz.explain.targets import Target

VARIANTS = 16  # in a pass


@dataclass(frozen=True)
class Probe:
    """One picture, and a network to ask about it again.

    Attributes:
        network: (b, 3, H, W) -> output.
        layer: of the network.
        image: (1, 3, H, W).
        activations: the layer's output for the picture, (1, K, h, w), (1, h, w, K) or (1, N, K).
        answer: the network's (1, ...).
        target: of this picture, settled.
    """

    network: nn.Module
    layer: nn.Module
    image: Tensor
    activations: Tensor
    answer: Tensor
    target: Target

    @property
    def map(self) -> Tensor:
        """The layer's output as a map (1, K, h, w)."""
        return as_map(self.activations, self.image.shape[2:])

    @property
    def channels_last(self) -> bool:
        """Whether the layer's own form is tokens, or a map with the channels last."""
        return self.map is not self.activations

    def scores(self, images: Tensor) -> Tensor:
        """Scores (b, T) of variants (b, 3, H, W) of the picture."""
        return self.target.scores(self.network(images)).float()

    def without(self, channels: Tensor) -> Tensor:
        """Scores (b, T) with one channel of the layer set to zero in each of b passes."""
        kept = 1 - F.one_hot(channels, self.map.shape[1]).to(self.activations)  # (b, K)
        between = (1,) * (self.activations.ndim - 2)
        shape = (len(kept), *between, -1) if self.channels_last else (len(kept), -1, *between)
        ablated = self.activations * kept.view(shape)  # (b, ...)
        handle = hook_before_slot(self.layer, lambda *_: ablated)
        try:
            return self.scores(self.image.expand(len(channels), -1, -1, -1))
        finally:
            handle.remove()


def probes(
    network: nn.Module, layer: nn.Module, images: Tensor, activations: Tensor, answers: Tensor, target: Target
) -> Iterator[Probe]:
    """A probe of each picture of a batch (B, 3, H, W)."""
    each = (images.split(1), activations.split(1), answers.split(1), target.settled(answers))
    return (Probe(network, layer, *one) for one in zip(*each, strict=True))


# What such a method makes of a picture: weights (K, T) of the layer's channels.
Weights = Callable[[Probe], Tensor]


def in_parts(probe: Probe, scores: Callable[[Tensor], Tensor]) -> Tensor:
    """Scores (K, T) of all channels, asked for by their indices (b,), a few at a time."""
    channels = torch.arange(probe.map.shape[1], device=probe.image.device)
    return torch.cat([scores(part) for part in channels.split(VARIANTS)])


def scorecam(probe: Probe) -> Tensor:
    """Score-CAM, Wang et al., CVPRW 2020, Algorithm 1: the picture under each channel's activation, as a softmax.

    As in pytorch-grad-cam the scores are not reduced by the score of an empty picture, which the softmax takes out.
    """

    def seen(channels: Tensor) -> Tensor:
        size = probe.image.shape[2:]
        # in float32, for 1e-8 is 0 in half precision and a channel without contrast would be 0 / 0
        channel = probe.map[0, channels, None].float()  # (b, 1, h, w)
        wide = F.interpolate(channel, size, mode="bilinear", align_corners=True)
        low, high = wide.amin((2, 3), keepdim=True), wide.amax((2, 3), keepdim=True)  # (b, 1, 1, 1)
        return probe.scores(probe.image * ((wide - low) / (high - low + 1e-8)).to(probe.image))

    return in_parts(probe, seen).softmax(0)


def ablationcam(probe: Probe) -> Tensor:
    """Ablation-CAM, Desai and Ramaswamy, WACV 2020, Eq. 4: by how much a score falls without the channel.

    A channel is left out by setting it to zero, as in the paper. pytorch-grad-cam does so where the layer's least value
    is zero, and else sets it far below all others, where what it gives depends on the channel's place in the batch.
    """
    whole = probe.scores(probe.image)  # (1, T)
    return (whole - in_parts(probe, probe.without)) / whole

"""Densely connected networks of Table 7, with an attention slot after every stage.

Huang et al., *Densely Connected Convolutional Networks*, CVPR 2017, growth rate k = 12: three blocks at 32x32, 16x16
and 8x8, in which every layer sees the maps of all layers before it. The plain network has one 3x3 convolution a layer
and starts from 16 channels; the BC network has a 1x1 bottleneck of 4k channels before it, transitions that halve the
channels, and starts from 2k.

Modules bear torchvision's names (``features.denseblock1.denselayer1.conv1`` .., ``classifier``); the slots stand
beside them in ``attention``. torchvision's own network is not used: it has neither the stem for small images nor layers
without a bottleneck, and its memory-efficient form updates the running statistics twice a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from rgaviz.errors import RgavizError
from rgaviz.models.heads import build_head
from rgaviz.models.network import Network, shape_text
from rgaviz.models.resnet import conv3x3
from rgaviz.models.stem import behind_stem, chosen_stem, stem_convolution

GROWTH = 12  # k, the channels every layer adds
BOTTLENECK = 4 * GROWTH  # channels between the two convolutions of a BC layer
SHORTEST_SIDE = 4  # positions behind the stem: halved twice
# The module that ends a stage -> the stage. The last one includes the final normalisation: what is pooled.
ENDS = {"transition1": "transition1", "transition2": "transition2", "relu5": "denseblock3"}


class DenseLayer(nn.Sequential):
    """BN, ReLU, convolution on all maps so far: several (B, C_i, H, W), sum of C_i ``inputs`` -> (B, 12, H, W)."""

    def __init__(self, inputs: int, bottleneck: bool) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU(inplace=True)
        if bottleneck:
            self.conv1 = nn.Conv2d(inputs, BOTTLENECK, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(BOTTLENECK)
            self.relu2 = nn.ReLU(inplace=True)
            self.conv2 = conv3x3(BOTTLENECK, GROWTH)
        else:
            self.conv1 = conv3x3(inputs, GROWTH)

    def forward(self, *maps: Tensor) -> Tensor:
        return super().forward(torch.cat(maps, 1))  # (B, inputs, H, W) -> (B, 12, H, W)


class DenseBlock(nn.Sequential):
    """Layers that each see all maps before them: (B, inputs, H, W) -> (B, inputs + 12 depth, H, W).

    Args:
        depth: number of layers.
        inputs: channels.
        bottleneck: of the layers.
        memory_efficient: in training keep only what each layer adds, and compute its inside (a concatenation and a
            normalisation of all maps so far) a second time in the backward pass. Nothing else changes, to the last bit:
            the second time leaves the running statistics as they are.
    """

    def __init__(self, depth: int, inputs: int, bottleneck: bool, memory_efficient: bool) -> None:
        super().__init__()
        self.memory_efficient = memory_efficient
        for index in range(depth):
            self.add_module(f"denselayer{index + 1}", DenseLayer(inputs + index * GROWTH, bottleneck))

    def forward(self, x: Tensor) -> Tensor:
        run = _recomputed if self.memory_efficient and self.training and torch.is_grad_enabled() else _stored
        maps = [x]
        for layer in self:
            maps.append(run(layer, maps))  # (B, 12, H, W)
        return torch.cat(maps, 1)


def _stored(layer: nn.Module, maps: Sequence[Tensor]) -> Tensor:
    return layer(*maps)


def _recomputed(layer: nn.Module, maps: Sequence[Tensor]) -> Tensor:
    def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
        return nullcontext(), _same_buffers(layer)

    # The compiler takes no such contexts and needs none: it computes again without side effects.
    options: dict[str, Any] = {} if torch.compiler.is_compiling() else {"context_fn": contexts}
    return checkpoint(layer, *maps, use_reentrant=False, preserve_rng_state=False, **options)


@contextmanager
def _same_buffers(layer: nn.Module) -> Iterator[None]:
    """Whatever happens inside, the running statistics of ``layer`` end as they were."""
    before = [(buffer, buffer.clone()) for buffer in layer.buffers()]
    try:
        yield
    finally:
        for buffer, value in before:
            buffer.copy_(value)


class Transition(nn.Sequential):
    """BN, ReLU, 1x1 convolution, mean of 2x2: (B, inputs, H, W) -> (B, outputs, H // 2, W // 2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(2)


class DenseNet(Network):
    """A densely connected classifier of three blocks: (B, 3, H, W) -> (B, num_classes).

    Stages ``transition1``, ``transition2`` and ``denseblock3``, the last one with the final normalisation and ReLU.

    Args:
        depth: layers per block.
        bc: bottleneck layers, and transitions that halve the channels.
        num_classes: outputs.
        image_size: (H, W) in pixels; fixed where the attention depends on the size of the map.
        width: channels behind the stem.
        attention: a key of ``ATTENTIONS``.
        attention_layers: the stages that get it, or None for all.
        s1: reduction ratio of the embeddings.
        s2: reduction ratio of W1.
        stem: as of a :class:`~rgaviz.models.resnet.ResNet`.
        head: a key of ``HEADS``.
        memory_efficient: trade time for memory in training, see :class:`DenseBlock`.

    Raises:
        UnknownNameError: no such attention, stage, stem or head.
        RgavizError: an image too small, or a map too small for the ratios.
    """

    def __init__(
        self,
        depth: int,
        bc: bool,
        *,
        num_classes: int,
        image_size: tuple[int, int],
        width: int,
        attention: str = "none",
        attention_layers: Sequence[str] | None = ("transition1",),
        s1: int = 8,
        s2: int = 8,
        stem: str = "auto",
        head: str = "linear",
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        stem = chosen_stem(stem, image_size)
        height, breadth = behind_stem(stem, image_size)
        if min(height, breadth) < SHORTEST_SIDE:
            side = {"small": SHORTEST_SIDE, "imagenet": 4 * SHORTEST_SIDE - 3}[stem]
            raise RgavizError(
                f"An image of {shape_text(image_size)} is too small for a DenseNet, which halves the map twice behind "
                f"its stem ({stem}); give sides of {side} pixels or more."
            )
        self.features = nn.Sequential()
        self.features.conv0 = stem_convolution(stem, width)
        if stem == "imagenet":
            self.features.norm0 = nn.BatchNorm2d(width)
            self.features.relu0 = nn.ReLU(inplace=True)
            self.features.pool0 = nn.MaxPool2d(3, stride=2, padding=1)
        channels = width
        maps: dict[str, tuple[int, tuple[int, int]]] = {}  # stage -> channels, (H, W)
        for index in (1, 2, 3):
            block = DenseBlock(depth, channels, bc, memory_efficient)
            self.features.add_module(f"denseblock{index}", block)
            channels += depth * GROWTH
            if index < 3:
                outputs = channels // 2 if bc else channels
                self.features.add_module(f"transition{index}", Transition(channels, outputs))
                channels, height, breadth = outputs, height // 2, breadth // 2
                maps[f"transition{index}"] = channels, (height, breadth)
        self.features.norm5 = nn.BatchNorm2d(channels)
        self.features.relu5 = nn.ReLU(inplace=True)
        maps["denseblock3"] = channels, (height, breadth)
        self.neck, self.classifier = build_head(head, channels, num_classes)
        self._initialise()
        self.add_attention(maps, attention, attention_layers, s1, s2)
        self.config["stem"] = stem

    def _initialise(self) -> None:
        """As in the authors' code: He's for the convolutions, no bias at first."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if self.classifier.bias is not None:
            nn.init.zeros_(self.classifier.bias)

    @property
    def head(self) -> nn.Linear:
        """The layer that gives the logits."""
        return self.classifier

    def maps(self, x: Tensor) -> Tensor:
        """The last map, behind its slot: (B, 3, H, W) -> (B, C, h, w)."""
        for name, module in self.features.named_children():
            x = module(x)
            if name in ENDS:
                x = self.attention[ENDS[name]](x)  # (B, C, H, W) of this stage
        return x


def _sized(about: str, depth: int, *, bc: bool = False, width: int = 16) -> partial[DenseNet]:
    """A network of one size: it takes the options of :class:`DenseNet`, with its own width."""
    builder = partial(DenseNet, depth, bc, width=width)
    builder.__doc__ = f"{about} of Table 7, stages transition1, transition2, denseblock3."
    return builder


# 3 depth + 4 layers from 16 channels, and for BC 6 depth + 4 layers from 2k channels.
densenet100 = _sized("DenseNet of 100 layers (k = 12)", 32)
densenet115 = _sized("DenseNet of 115 layers (k = 12)", 37)
densenet_bc100 = _sized("DenseNet-BC of 100 layers (k = 12)", 16, bc=True, width=2 * GROWTH)
# 18 layers a block, 112 in all: 115 layers cannot be divided so, and these have the paper's 0.97M parameters.
densenet_bc115 = _sized("DenseNet-BC-115 (k = 12)", 18, bc=True, width=2 * GROWTH)

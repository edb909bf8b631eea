"""Residual networks with an attention slot after every stage.

Two families. The four-stage ResNet-18/34/50/101 of ImageNet (He et al., CVPR 2016; torchvision's variant, stride on
the 3x3 convolution), stages conv2..conv5, last down-sampling removed as in the RGA paper. The three-stage
ResNet-(6n+2) of CIFAR with parameter-free shortcuts, stages conv2..conv4.

Modules keep torchvision's names (``conv1``, ``bn1``, ``layer1``.., ``fc``), so its weights load as they are; the
slots stand beside them in ``attention``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.models.heads import build_head
from rgaviz.models.network import Network
from rgaviz.models.stem import behind_stem, chosen_stem, stem_convolution

Shortcut = Callable[[int, int, int], nn.Module]  # input channels, output channels, stride


def conv3x3(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the resolution at stride 1."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: (B, inputs, H, W) -> (B, width, H / stride, W / stride)."""

    expansion = 1

    def __init__(
        self, inputs: int, width: int, stride: int, downsample: nn.Module | None, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, width, stride, dilation)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, 1, dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(out + shortcut, inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a shortcut: (B, inputs, H, W) -> (B, 4 width, H / stride, W / stride)."""

    expansion = 4

    def __init__(
        self, inputs: int, width: int, stride: int, downsample: nn.Module | None, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride, dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        out = self.bn3(self.conv3(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(out + shortcut, inplace=True)


class SubsamplePad(nn.Module):
    """The parameter-free shortcut, option A: every second pixel, missing channels are zero."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.padding, self.stride = outputs - inputs, stride

    def forward(self, x: Tensor) -> Tensor:
        before = self.padding // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.padding - before))


def project(inputs: int, outputs: int, stride: int) -> nn.Module:
    """The projection shortcut, option B."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


Maps = dict[str, tuple[int, tuple[int, int]]]  # stage -> channels, (H, W)


class ResidualStages(Network):
    """The stem and the stages of a residual network, an attention slot after each."""

    def add_stages(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        shortcut: Shortcut,
        *,
        width: int,
        stem: str,
        image_size: tuple[int, int],
        strides: Sequence[int],
        dilations: Sequence[int],
    ) -> Maps:
        """Add ``conv1``, ``bn1``, ``maxpool`` and ``layer1`` and on.

        Args:
            block: :class:`BasicBlock` or :class:`Bottleneck`.
            depths: blocks per stage.
            shortcut: :func:`project` or :class:`SubsamplePad`.
            width: channels of the first stage, before the block's expansion.
            stem: ``small`` or ``imagenet``.
            image_size: (H, W) in pixels.
            strides: of the first block of each stage.
            dilations: of the 3x3 convolutions of each stage.

        Returns:
            Of every stage the channels and (H, W) of its map.
        """
        self.conv1 = stem_convolution(stem, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity() if stem == "small" else nn.MaxPool2d(3, stride=2, padding=1)
        channels, size = width, behind_stem(stem, image_size)
        maps: Maps = {}
        for index, (depth, stride, dilation) in enumerate(zip(depths, strides, dilations, strict=True)):
            layer = _stage(block, channels, width * 2**index, depth, stride, shortcut, dilation)
            self.add_module(f"layer{index + 1}", layer)
            channels, size = width * 2**index * block.expansion, _strided(size, stride)
            maps[f"conv{index + 2}"] = channels, size
        return maps

    def behind_stem(self, x: Tensor) -> Tensor:
        """The first map: (B, 3, H, W) -> (B, width, h, w)."""
        return self.maxpool(F.relu(self.bn1(self.conv1(x)), inplace=True))

    def stage(self, number: int, x: Tensor) -> Tensor:
        """The map of the stage ``layer<number>``, behind its slot, from the one before: (B, C, h, w)."""
        return self.attention[f"conv{number + 1}"](getattr(self, f"layer{number}")(x))


def initialise_convolutions(model: nn.Module) -> None:
    """Draw all kernels as He et al. did (arXiv 1502.01852), from the global random state."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(ResidualStages):
    """A residual classifier, stages ``conv2`` and on: (B, 3, H, W) -> (B, num_classes).

    Args:
        block: :class:`BasicBlock` or :class:`Bottleneck`.
        depths: blocks per stage.
        shortcut: :func:`project` or :class:`SubsamplePad`.
        num_classes: outputs.
        image_size: (H, W) in pixels; fixed where the attention depends on the size of the map.
        attention: a key of ``ATTENTIONS``.
        attention_layers: the stages that get it, or None for all.
        width: channels of the first stage, before the block's expansion.
        s1: reduction ratio of the embeddings.
        s2: reduction ratio of W1.
        last_stride: stride of the last stage; 1 keeps the resolution.
        stem: ``small``, one 3x3 convolution that keeps the resolution; ``imagenet``, a 7x7 with pooling that leaves a
            quarter of it; or ``auto``, ``small`` up to 64x64 = 4096 pixels.
        head: a key of ``HEADS``.

    Raises:
        UnknownNameError: no such attention, stage, stem or head.
        RgavizError: a map too small for the ratios.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        shortcut: Shortcut = project,
        *,
        num_classes: int,
        image_size: tuple[int, int],
        attention: str = "none",
        attention_layers: Sequence[str] | None = None,
        width: int = 64,
        s1: int = 8,
        s2: int = 8,
        last_stride: int = 1,
        stem: str = "auto",
        head: str = "linear",
    ) -> None:
        super().__init__()
        stem = chosen_stem(stem, image_size)
        maps = self.add_stages(
            block,
            depths,
            shortcut,
            width=width,
            stem=stem,
            image_size=image_size,
            strides=[1, *[2] * (len(depths) - 2), last_stride],
            dilations=[1] * len(depths),
        )
        channels, _ = list(maps.values())[-1]
        self.neck, self.fc = build_head(head, channels, num_classes)
        initialise_convolutions(self)
        self.add_attention(maps, attention, attention_layers, s1, s2)
        self.config["stem"] = stem

    @property
    def head(self) -> nn.Linear:
        """The layer that gives the logits."""
        return self.fc

    def maps(self, x: Tensor) -> Tensor:
        """The last map, behind its slot: (B, 3, H, W) -> (B, C, h, w)."""
        x = self.behind_stem(x)
        for number in range(1, len(self.stages) + 1):
            x = self.stage(number, x)  # (B, C, h, w)
        return x


def _strided(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """The map's (H, W) behind padded convolutions of this total stride."""
    return -(-size[0] // stride), -(-size[1] // stride)


def _stage(
    block: type[BasicBlock] | type[Bottleneck],
    inputs: int,
    width: int,
    depth: int,
    stride: int,
    shortcut: Shortcut,
    dilation: int,
) -> nn.Sequential:
    """``depth`` blocks; the first has the ``stride`` and, where the shape changes, the ``shortcut``."""
    outputs = width * block.expansion
    downsample = shortcut(inputs, outputs, stride) if stride != 1 or inputs != outputs else None
    first = block(inputs, width, stride, downsample, dilation)
    return nn.Sequential(first, *(block(outputs, width, 1, None, dilation) for _ in range(depth - 1)))


def _sized(
    about: str,
    block: type[BasicBlock] | type[Bottleneck],
    depths: Sequence[int],
    shortcut: Shortcut = project,
    **defaults: Any,
) -> partial[ResNet]:
    """A network of one size: it takes the options of :class:`ResNet`, with defaults of its own."""
    builder = partial(ResNet, block, depths, shortcut, **defaults)
    builder.__doc__ = about
    return builder


def _cifar(layers: int, about: str) -> partial[ResNet]:
    """ResNet-(6n + 2): widths 16, 32, 64, attention after the first stage (section 4.3)."""
    return _sized(
        f"ResNet-{layers} of {about}, stages conv2..conv4.",
        BasicBlock,
        ((layers - 2) // 6,) * 3,
        SubsamplePad,
        width=16,
        s1=4,
        s2=4,
        last_stride=2,
        attention_layers=("conv2",),
    )


resnet18 = _sized("ResNet-18, stages conv2..conv5.", BasicBlock, (2, 2, 2, 2))
resnet18_w16 = _sized(
    "ResNet-18 of width 16: light enough for a laptop, with the four stages of the paper's figures.",
    BasicBlock,
    (2, 2, 2, 2),
    width=16,
    s1=4,
    s2=4,
)
resnet34 = _sized("ResNet-34, stages conv2..conv5.", BasicBlock, (3, 4, 6, 3))
resnet50 = _sized("ResNet-50, stages conv2..conv5; the network of Tables 1-5.", Bottleneck, (3, 4, 6, 3))
resnet101 = _sized("ResNet-101, stages conv2..conv5.", Bottleneck, (3, 4, 23, 3))
resnet20 = _cifar(20, "CIFAR")
resnet56 = _cifar(56, "CIFAR")
resnet110 = _cifar(110, "Table 7")
resnet218 = _cifar(218, "Table 7")

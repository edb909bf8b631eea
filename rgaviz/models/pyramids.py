"""What stands between a dilated backbone and its classifier: (B, channels, h, w) -> (B, width, h, w)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rgaviz.models.enlarged import enlarged

BINS = (1, 2, 3, 6)  # PSPNet's
RATES = (12, 24, 36)  # DeepLabv3's where the map has an eighth of the resolution


def conv_bn_relu(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the resolution, normalised: (B, inputs, h, w) -> (B, outputs, h, w)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def fcn(channels: int, width: int) -> nn.Module:
    """One 3x3 convolution: the paper's baseline, as OCNet has it."""
    return conv_bn_relu(channels, width, 3)


class PyramidPooling(nn.Module):
    """Means over 1, 2x2, 3x3 and 6x6 parts of the map beside it (Zhao et al., *Pyramid Scene Parsing*, CVPR 2017)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        inner = channels // len(BINS)
        self.pools = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(size), conv_bn_relu(channels, inner, 1)) for size in BINS
        )
        self.fuse = conv_bn_relu(channels + inner * len(BINS), width, 3)

    def forward(self, x: Tensor) -> Tensor:
        means = [enlarged(pool(x), x.shape[2:], corners=True) for pool in self.pools]
        return self.fuse(torch.cat([x, *means], dim=1))  # (B, 2 channels, h, w) -> (B, width, h, w)


class AtrousPyramid(nn.Module):
    """Convolutions of several dilations and the mean of the map (Chen et al., arXiv 1706.05587), of torchvision."""

    def __init__(self, channels: int, width: int) -> None:
        from torchvision.models.segmentation.deeplabv3 import ASPP  # two seconds, for this head alone

        super().__init__()
        self.aspp = ASPP(channels, RATES, width // 2)  # 256 of the paper's 2048
        self.fuse = conv_bn_relu(width // 2, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fuse(self.aspp(x))


PROJECTIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "fcn": fcn,
    "ppm": PyramidPooling,
    "aspp": AtrousPyramid,
}
MEANS = ("ppm", "aspp")  # those that normalise means of the whole map, of which a picture has one

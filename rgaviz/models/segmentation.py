"""Dilated residual networks for scene segmentation, with attention on the last map of their head.

The backbone is that of :mod:`rgaviz.models.resnet` with ImageNet's stem; its last two stages keep the resolution and
are dilated by 2 and 4 instead, so the map has an eighth of the picture's (Yu et al., *Dilated Residual Networks*, CVPR
2017; every convolution of a stage is dilated, as in OCNet, whose training the RGA paper follows). Weights and their
names are torchvision's.

Behind it stand a projection (``fcn``, ``ppm`` or ``aspp``), the slot ``context`` of the attention, and a 1x1
convolution that gives the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from rgaviz.errors import RgavizError, lookup
from rgaviz.models.context import build_context
from rgaviz.models.enlarged import enlarged
from rgaviz.models.pyramids import MEANS, PROJECTIONS, conv_bn_relu
from rgaviz.models.resnet import (
    BasicBlock,
    Bottleneck,
    ResidualStages,
    initialise_convolutions,
    project,
)

STRIDE = 8  # of the map, in pixels of the picture
CONTEXT = "context"
DROPOUT = 0.05  # of whole channels before the logits, OCNet's


class DilatedResNet(ResidualStages):
    """Logits for every pixel, stages ``conv2`` to ``conv5`` and ``context``: (B, 3, H, W) -> (B, num_classes, H, W).

    Pictures may have any size. The attention sees the last map on a fixed grid (section 4.2 of the paper), so that its
    weights serve crops and whole pictures alike: see :mod:`rgaviz.models.context`.

    Args:
        block: :class:`rgaviz.models.resnet.BasicBlock` or :class:`rgaviz.models.resnet.Bottleneck`.
        depths: blocks per stage.
        num_classes: outputs.
        image_size: (H, W) in pixels of the pictures that it is trained on.
        attention: a key of ``ATTENTIONS``.
        attention_layers: the stages that get it; ``conv2`` to ``conv5`` see maps of their own size, which an attention
            whose weights depend on it ties to ``image_size``.
        width: channels of the first stage, before the block's expansion.
        s1: reduction ratio of the embeddings.
        s2: reduction ratio of W1.
        head: a key of ``PROJECTIONS``.
        auxiliary: whether a second classifier on ``conv4`` is trained beside, as in PSPNet.
        grid: side of the grid that the attention sees.
        wiring: a key of ``WIRINGS``: how the attended map gets back to the full one.

    Class activation maps are taken at ``conv5``, the map before the head: behind ``context`` stands a 1x1 convolution
    alone, so there a map of a class is nothing but the class's own logits.

    Raises:
        UnknownNameError: no such attention, stage, head or wiring.
        RgavizError: a grid too small for the ratios, or an attention that the wiring cannot take.
    """

    task = "segmentation"
    cam_stage = "conv5"
    heads = tuple(PROJECTIONS)

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        *,
        num_classes: int,
        image_size: tuple[int, int],
        attention: str = "none",
        attention_layers: Sequence[str] = (CONTEXT,),
        width: int = 64,
        s1: int = 8,
        s2: int = 8,
        head: str = "fcn",
        auxiliary: bool = False,
        grid: int = 24,
        wiring: str = "maps",
    ) -> None:
        super().__init__()
        maps = self.add_stages(
            block,
            depths,
            project,
            width=width,
            stem="imagenet",
            image_size=image_size,
            strides=(1, 2, 1, 1),
            dilations=(1, 1, 2, 4),
        )
        channels, inner = maps["conv5"][0], maps["conv5"][0] // 4
        self.projection = lookup(PROJECTIONS, head, "head")(channels, inner)
        self.means, self.auxiliary = head in MEANS, None
        if auxiliary:
            self.auxiliary = nn.Sequential(
                conv_bn_relu(maps["conv4"][0], inner, 3), _classifier(inner, num_classes)
            )
        initialise_convolutions(self)
        self.add_attention({**maps, CONTEXT: (inner, (grid, grid))}, attention, attention_layers, s1, s2)
        attended = CONTEXT in attention_layers and attention != "none"
        if attended:
            self.attention[CONTEXT] = build_context(wiring, self.attention[CONTEXT], grid)
        # Behind the attention, which makes it wider: all before are drawn alike for the networks of a pair.
        self.classifier = _classifier(inner * (2 if attended else 1), num_classes)

    @property
    def head(self) -> nn.Sequential:
        """The layers that give the logits."""
        return self.classifier

    def maps(self, x: Tensor) -> Tensor:
        """The last map, behind its slot: (B, 3, H, W) -> (B, C, H / 8, W / 8)."""
        return self._both(x)[1]

    def forward(self, x: Tensor) -> Tensor:
        return enlarged(self.classifier(self.maps(x)), x.shape[2:], corners=True)  # (B, num_classes, H, W)

    def dense(self, x: Tensor) -> dict[str, Tensor]:
        """``logits`` and, where it has such a head, ``auxiliary``: (B, 3, H, W) -> (B, num_classes, H, W) each."""
        early, last = self._both(x)
        found = {"logits": enlarged(self.classifier(last), x.shape[2:], corners=True)}
        if self.auxiliary is not None:
            found["auxiliary"] = enlarged(self.auxiliary(early), x.shape[2:], corners=True)
        return found

    def refuse_part(self, images: int, size: Sequence[int]) -> None:
        if images == 1 and (self.means or max(size) <= STRIDE):
            raise RgavizError(
                "One picture alone has no spread to normalise its means by; train with at least two in every part of a "
                "batch and process (train.batch_size, train.accumulate), or larger ones with head=fcn."
            )

    def _both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The maps of ``conv4`` and ``context``."""
        if self.training and not any(isinstance(each, nn.SyncBatchNorm) for each in self.modules()):
            self.refuse_part(len(x), x.shape[2:])
        x = self.behind_stem(x)
        for number in (1, 2, 3):
            x = self.stage(number, x)  # (B, C, h, w)
        early = x
        return early, self.attention[CONTEXT](self.projection(self.stage(4, early)))


def _classifier(channels: int, num_classes: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout2d(DROPOUT), nn.Conv2d(channels, num_classes, 1))


def _sized(
    about: str, block: type[BasicBlock] | type[Bottleneck], depths: Sequence[int]
) -> Callable[..., Any]:
    builder = partial(DilatedResNet, block, depths)
    builder.__doc__ = about
    return builder


dilated_resnet18 = _sized("ResNet-18 with an eighth of the resolution.", BasicBlock, (2, 2, 2, 2))
dilated_resnet50 = _sized("ResNet-50 with an eighth of the resolution.", Bottleneck, (3, 4, 6, 3))
dilated_resnet101 = _sized("ResNet-101 with an eighth of the resolution, Table 6.", Bottleneck, (3, 4, 23, 3))

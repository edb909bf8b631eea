"""What a map of a segmentation network is about: the logits of a class, summed over pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from rgaviz.errors import RgavizError
from rgaviz.explain.targets import Places
from rgaviz.tasks.pixels import pixel_labels

PREDICTED, ALL = "predicted", "all"
OUTLINED = 512  # pixels of a side in which a mask's outline is told
MOST_LINES, MOST_CORNERS = 50, 1000


@dataclass(frozen=True)
class RegionTarget:
    """The sum of a class's logits over some pixels of each picture.

    Without ``label`` it is the class that is predicted for most pixels. So pytorch-grad-cam's
    ``SemanticSegmentationTarget`` has it (Vinogradova et al., *Towards Interpretable Semantic Segmentation via
    Gradient-weighted Class Activation Mapping*, AAAI 2020).

    Attributes:
        names: of the classes.
        label: index of the class, or None.
        pixels: ``predicted``, those for which the class is; ``all``; (x, y), one; or a mask (H, W), of another size
            than the picture's resized to it.
        sizes: (h, w) of each picture, in whose pixels the one is; () where those are the output's.
    """

    names: Sequence[str]
    label: int | None = None
    pixels: str | tuple[int, int] | Tensor = PREDICTED
    sizes: tuple[tuple[int, int], ...] = ()

    @property
    def exact(self) -> bool:
        return isinstance(self.pixels, tuple)

    def fault(self, size: tuple[int, int]) -> str:
        height, width = size
        if not isinstance(self.pixels, tuple) or (self.pixels[0] < width and self.pixels[1] < height):
            return ""
        return (
            f"it has {width}x{height} pixels, and none at {self.pixels[0]},{self.pixels[1]}; name one from 0,0 to "
            f"{width - 1},{height - 1}."
        )

    def placed(self, sizes: Sequence[tuple[int, int]]) -> RegionTarget:
        return replace(self, sizes=tuple(sizes))

    def places(self, size: tuple[int, int]) -> Places:
        if isinstance(self.pixels, tuple):
            return [((self.pixels[0] + 0.5) / size[1], (self.pixels[1] + 0.5) / size[0])], []
        return [], outlines(self.pixels.numpy()) if isinstance(self.pixels, Tensor) else []

    def scores(self, output: Tensor) -> Tensor:
        labels, chosen = self._chosen(output)
        rows = output[torch.arange(len(output)), labels]  # (B, K, H, W) -> (B, H, W)
        return (rows * chosen).flatten(1).sum(1, keepdim=True)  # (B, 1)

    def probability(self, output: Tensor) -> Tensor:
        """The mean probability (B,) of the class at the pixels; NaN where there are none."""
        labels, chosen = self._chosen(output)
        shares = output.float().softmax(1)[torch.arange(len(output)), labels]  # (B, K, H, W) -> (B, H, W)
        return (shares * chosen).flatten(1).sum(1) / chosen.flatten(1).sum(1)

    def about(self, output: Tensor) -> list[list[str]]:
        labels, _ = self._chosen(output)
        return [[f"{self.names[label]}{self._where()}"] for label in labels.tolist()]

    def doubts(self, output: Tensor) -> list[list[str]]:
        """That a class is predicted nowhere, where the pixels are those for which it is; that a region has none."""
        labels, chosen = self._chosen(output)
        empty: list[bool] = (~chosen.flatten(1).any(1)).tolist()
        fault = "predicted nowhere" if self.pixels == PREDICTED else "no pixel in the region"
        return [  # the fault first: what is too long for a panel is cut at its end
            [f"{fault}: {self.names[label]}" if none else ""]
            for label, none in zip(labels.tolist(), empty, strict=True)
        ]

    def settled(self, output: Tensor) -> list[Any]:
        """The class and the pixels of each picture, whatever is predicted then."""
        labels, chosen = self._chosen(output)
        return [
            RegionTarget(self.names, label, mask)
            for label, mask in zip(labels.tolist(), chosen.cpu(), strict=True)
        ]

    def _where(self) -> str:
        if isinstance(self.pixels, Tensor):
            return " in a region"
        if isinstance(self.pixels, tuple):
            return f" at {self.pixels[0]},{self.pixels[1]}"
        return " everywhere" if self.pixels == ALL else ""

    @torch.no_grad()
    def _chosen(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """The class of each picture (B,) and its pixels (B, H, W)."""
        if output.ndim != 4:
            raise RgavizError(
                f"Pixels as target need an output (B, K, H, W), not {tuple(output.shape)}; give another target."
            )
        found = pixel_labels(output)  # (B, H, W)
        if self.label is None:
            count = output.shape[1]
            labels = torch.stack([torch.bincount(each.flatten(), minlength=count).argmax() for each in found])
        else:
            labels = torch.full((len(output),), self.label, device=output.device)
        return labels, self._mask(found == labels[:, None, None])

    def _mask(self, predicted: Tensor) -> Tensor:
        """The pixels (B, H, W)."""
        height, width = predicted.shape[1:]
        if isinstance(self.pixels, Tensor):
            return _resized(self.pixels, (height, width)).to(predicted.device).expand_as(predicted)
        if isinstance(self.pixels, tuple):
            mask = torch.zeros_like(predicted)
            for row, size in zip(mask, self.sizes or [(height, width)] * len(mask), strict=True):
                if fault := self.fault(size):
                    raise RgavizError(f"The picture is too small: {fault}")
                x, y = self.pixels
                # The pixel there that the middle of this one lies in.
                row[(2 * y + 1) * height // (2 * size[0]), (2 * x + 1) * width // (2 * size[1])] = True
            return mask
        return torch.ones_like(predicted) if self.pixels == ALL else predicted


def outlines(mask: np.ndarray) -> list[list[tuple[float, float]]]:
    """Lines around the largest parts of a mask (h, w) bool: corners (x, y) as fractions of its width and height."""
    scale = min(1.0, OUTLINED / max(mask.shape))
    height, width = (max(1, round(side * scale)) for side in mask.shape)
    small = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    # Each pixel as four: a line around it has room in between, where that along its middle would be a point.
    doubled = np.pad(small.repeat(2, 0).repeat(2, 1), 1)
    found, _ = cv2.findContours(doubled, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    lines = []
    for line in sorted(found, key=len, reverse=True)[:MOST_LINES]:
        corners = cv2.approxPolyDP(line, 1.0, closed=True)[:MOST_CORNERS, 0]  # (n, 2)
        points = np.clip((corners - 0.5) / (2 * width, 2 * height), 0, 1)
        if len(points) > 2:
            lines.append([(float(x), float(y)) for x, y in points])
    return lines


def _resized(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """A mask (h, w) as (H, W), without a value between."""
    rows, columns = (
        ((torch.arange(to) + 0.5) * side / to).long() for to, side in zip(size, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns]  # (h, w) -> (H, W)

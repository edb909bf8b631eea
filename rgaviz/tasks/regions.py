"""What a map of a segmentation network is about: the logits of a class, summed over pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rgaviz.errors import RgavizError

PREDICTED, ALL = "predicted", "all"


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
    """

    names: Sequence[str]
    label: int | None = None
    pixels: str | tuple[int, int] | Tensor = PREDICTED

    def scores(self, output: Tensor) -> Tensor:
        labels, chosen = self._chosen(output)
        rows = output[torch.arange(len(output)), labels]  # (B, K, H, W) -> (B, H, W)
        return (rows * chosen).flatten(1).sum(1, keepdim=True)  # (B, 1)

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
        found = output.argmax(1)  # (B, H, W)
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
            x, y = self.pixels
            if not (x < width and y < height):
                raise RgavizError(
                    f"The picture of {width}x{height} pixels has none at {x},{y}; name one from 0,0 to "
                    f"{width - 1},{height - 1}."
                )
            mask = torch.zeros_like(predicted)
            mask[:, y, x] = True
            return mask
        return torch.ones_like(predicted) if self.pixels == ALL else predicted


def _resized(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """A mask (h, w) as (H, W), without a value between."""
    rows, columns = (
        ((torch.arange(to) + 0.5) * side / to).long() for to, side in zip(size, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns]  # (h, w) -> (H, W)

"""Logits of whole pictures of any size: in one piece or by windows, at several scales, with the mirror image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rgaviz.errors import RgavizError
from rgaviz.models.enlarged import enlarged

Dense = Callable[[Tensor], Tensor]  # images (B, 3, H, W) -> logits (B, K, H, W)

LARGEST_SCALE = 8


@dataclass(frozen=True)
class Covering:
    """How a picture is covered.

    Attributes:
        part: of the data set that is measured.
        window: side of the windows in pixels; 0 is the whole picture.
        stride: between windows; 0 is two thirds of a window.
        scales: by which pictures are resized; over several the probabilities are averaged.
        flip: whether the mirror image's are, too.
    """

    part: str = "val"
    window: int = 0
    stride: int = 0
    scales: Sequence[float] = (1.0,)
    flip: bool = False

    def __post_init__(self) -> None:
        if self.window < 0:
            raise RgavizError(
                f"--window {self.window} is no size; give pixels from 1 on (--window 769), or leave it out."
            )
        if self.stride and not self.window:
            raise RgavizError(
                f"--stride needs --window: name the size of the windows, too (--window 769 --stride {self.stride})."
            )
        if not 0 <= self.stride <= self.window:
            raise RgavizError(
                f"A window of {self.window} pixels and a stride of {self.stride} do not cover a picture; give a stride "
                "from 1 to the window (--window 769 --stride 513)."
            )
        if not self.scales or not all(0 < scale <= LARGEST_SCALE for scale in self.scales):
            raise RgavizError(
                f"Scales lie between 0 and {LARGEST_SCALE}; give some, such as --scales 0.75,1,1.25."
            )

    @property
    def usual(self) -> bool:
        """Whether that is in one piece, once."""
        return self.single and not self.window

    @property
    def single(self) -> bool:
        """Whether the network sees each pixel once."""
        return tuple(self.scales) == (1.0,) and not self.flip

    def logits(self, network: Dense, image: Tensor) -> Tensor:
        """Logits (B, K, H, W) of images (B, 3, H, W); over several views the logarithm of the mean probability."""
        if self.single:
            return self._stitched(network, image)
        total: Tensor | None = None
        for view, back in self._views(image):
            found = back(self._stitched(network, view)).softmax(1)
            total = found if total is None else total.add_(found)
        assert total is not None  # there is a scale
        total /= len(self.scales) * (1 + self.flip)
        return total.clamp_(min=torch.finfo(total.dtype).tiny).log_()  # no probability is 0

    def _views(self, image: Tensor) -> Iterator[tuple[Tensor, Callable[[Tensor], Tensor]]]:
        """The images (B, 3, h, w) as they are shown, and what brings their logits back to (H, W)."""
        size = image.shape[2:]

        def back(values: Tensor) -> Tensor:
            return enlarged(values, size, corners=True)

        for scale in self.scales:
            resized = [max(1, round(side * scale)) for side in size]
            view = enlarged(image, resized, corners=True) if scale != 1 else image
            yield view, back
            if self.flip:
                yield view.flip(3), lambda values: back(values.flip(3))

    def _stitched(self, network: Dense, image: Tensor) -> Tensor:
        """Where windows overlap, the mean of their logits."""
        if not self.window:
            return network(image)
        height, width = image.shape[2:]
        stride = self.stride or max(1, self.window * 2 // 3)
        total: Tensor | None = None
        count = torch.zeros(height, width, device=image.device)
        for top in starts(height, self.window, stride):
            for left in starts(width, self.window, stride):
                place = (slice(top, top + self.window), slice(left, left + self.window))
                found = network(image[..., place[0], place[1]])  # (B, K, h, w)
                if total is None:
                    total = found.new_zeros(*found.shape[:2], height, width)
                total[..., place[0], place[1]] += found
                count[place] += 1
        assert total is not None  # there is a window
        return total / count


def starts(side: int, window: int, stride: int) -> list[int]:
    """Where windows begin that cover a side; the last one ends with it."""
    last = max(side - window, 0)
    return [*range(0, last, stride), last]

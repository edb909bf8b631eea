"""Maps at another size."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def enlarged(values: Tensor, size: Sequence[int], *, corners: bool = False) -> Tensor:
    """Values (B, C, h, w) between their positions: (B, C, H, W).

    Args:
        values: of a map, logits or an image.
        size: (H, W).
        corners: whether the outermost positions lie on the corners, as OCNet and PSPNet have it, and not half a
            position within, as RoIAlign has it.
    """
    return F.interpolate(values, list(size), mode="bilinear", align_corners=corners)

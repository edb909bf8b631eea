"""A layer's output as a map: channels last, tokens, and what is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import cam
from rgaviz.explain.maps import as_map


def test_channels_last():
    model = nn.Sequential(
        nn.Conv2d(3, 7, 1), Turn(), Turn(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 2)
    )
    images = torch.randn(2, 3, 6, 4)
    np.testing.assert_array_equal(cam(model, images, "1")["gradcam"], cam(model, images, "0")["gradcam"])


class Turn(nn.Module):
    """Channels last, and back again."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1) if x.shape[1] == 7 else x.permute(0, 3, 1, 2)


@pytest.mark.parametrize("extra", [0, 1, 2, 5])
@pytest.mark.parametrize(("size", "grid"), [((32, 32), (4, 4)), ((64, 48), (4, 3)), ((24, 64), (3, 8))])
def test_tokens_in_a_grid(extra, size, grid):
    expected = torch.randn(2, 7, *grid)
    tokens = [expected[:, :, row, column] for row in range(grid[0]) for column in range(grid[1])]
    output = torch.stack([torch.randn(2, 7)] * extra + tokens, 1)  # (B, extra + h * w, C)
    torch.testing.assert_close(as_map(output, size), expected, rtol=0, atol=0)


def test_the_form_of_a_map():
    wide, image = torch.randn(2, 9, 3, 4), (12, 16)
    assert as_map(wide, image) is wide
    torch.testing.assert_close(as_map(wide.permute(0, 2, 3, 1), image), wide, rtol=0, atol=0)
    either = torch.randn(2, 4, 4, 4)
    assert as_map(either, (8, 8)) is either
    for shape in (
        (2, 5),
        (2, 18, 7),
        (2, 0, 7),
        (2, 3, 7),
        (2, 0, 3, 4),
        (2, 5, 6, 7, 8),
    ):  # 18: 3 * 4 and six more
        with pytest.raises(RgavizError, match="must give one map") as caught:
            as_map(torch.zeros(shape), image)
        assert "\n" not in str(caught.value)

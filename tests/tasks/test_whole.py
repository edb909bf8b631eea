"""Whole pictures by windows, scales and mirror images."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from rgaviz.errors import RgavizError
from rgaviz.tasks.whole import Covering, starts


def itself(image):
    return image


@pytest.mark.parametrize(("window", "stride"), [(769, 513), (769, 0), (200, 199), (100, 100), (1, 1)])
@pytest.mark.parametrize("size", [(700, 500), (769, 769), (770, 1), (1, 1)])
def test_windows_of_a_network_that_returns_its_input_give_the_input(size, window, stride):
    if window == 1 and size[0] * size[1] > 1000:
        size = (7, 5)
    image = torch.randn(1, 3, *size)
    found = Covering(window=window, stride=stride).logits(itself, image)
    torch.testing.assert_close(found, image)


@pytest.mark.parametrize(
    ("side", "window", "stride"), [(2048, 769, 513), (700, 769, 513), (10, 3, 2), (9, 3, 3)]
)
def test_windows_cover_a_side(side, window, stride):
    places = starts(side, window, stride)
    covered = {pixel for start in places for pixel in range(start, min(start + window, side))}
    assert covered == set(range(side))
    assert all(start >= 0 and start + min(window, side) <= side for start in places)
    assert max([b - a for a, b in itertools.pairwise(places)], default=0) <= stride
    assert len(set(places)) == len(places)


def test_windows_see_no_more_than_their_size():
    seen = []
    Covering(window=5, stride=3).logits(
        lambda image: seen.append(image.shape[2:]) or image, torch.zeros(1, 3, 11, 4)
    )
    assert set(map(tuple, seen)) == {(5, 4)}
    assert len(seen) == 3


def test_scales_and_mirror_images_are_averaged_as_probabilities():
    torch.manual_seed(0)
    weight = torch.randn(4, 3, 3, 3)

    def network(image):
        return F.conv2d(image, weight, padding=1)

    image = torch.randn(1, 3, 12, 10)
    found = Covering(scales=(0.5, 1.0), flip=True).logits(network, image)
    total = torch.zeros(1, 4, 12, 10)
    for scale in (0.5, 1.0):
        for mirror in (False, True):
            view = F.interpolate(
                image, (round(12 * scale), round(10 * scale)), mode="bilinear", align_corners=True
            )
            logits = network(view.flip(3) if mirror else view)
            logits = logits.flip(3) if mirror else logits
            total += F.interpolate(logits, (12, 10), mode="bilinear", align_corners=True).softmax(1)
    torch.testing.assert_close(found.softmax(1), total / 4)


@pytest.mark.parametrize(
    "choices",
    [{"window": -1}, {"window": 10, "stride": 11}, {"scales": ()}, {"scales": (0.0,)}, {"scales": (9.0,)}],
)
def test_what_covers_nothing_is_refused(choices):
    with pytest.raises(RgavizError) as caught:
        Covering(**choices)
    assert "\n" not in str(caught.value)

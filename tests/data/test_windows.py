"""Windows of one scene: placed, scaled, padded and mirrored, picture and labels alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rgaviz.data.augment import AUGMENTATIONS, OF_SCENES
from rgaviz.data.windows import cut_window

FILL = (9, 8, 7)


def scene(height, width, seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(10, 256, (height, width, 3), np.uint8), draw.integers(
        0, 19, (height, width), np.uint8
    )


def slow_window(picture, labels, size, scale, corner, mirror):
    """Pixel by pixel, in floating point; True where a label is as near to another pixel."""
    sides = picture.shape[:2]
    large = [max(1, round(side * scale)) for side in sides]
    room = [max(0, have - want) for have, want in zip(large, size, strict=True)]
    start = [min(most, math.floor(part * (most + 1))) for part, most in zip(corner, room, strict=True)]
    window = np.full((*size, 3), FILL, float)
    marked, tie = np.full(size, 255, np.uint8), np.zeros(size, bool)
    for row in range(size[0]):
        for column in range(size[1]):
            to = (row, size[1] - 1 - column) if mirror else (row, column)
            place = [start[0] + row, start[1] + column]
            if any(each >= have for each, have in zip(place, large, strict=True)):
                continue
            at = [(p + 0.5) * side / have - 0.5 for p, side, have in zip(place, sides, large, strict=True)]
            low = [math.floor(each) for each in at]
            near = [(max(0, each), min(side - 1, each + 1)) for each, side in zip(low, sides, strict=True)]
            y, x = (each - floor for each, floor in zip(at, low, strict=True))
            (top, bottom), (left, right) = near
            window[to] = (
                (1 - y) * (1 - x) * picture[top, left].astype(float)
                + (1 - y) * x * picture[top, right]
                + y * (1 - x) * picture[bottom, left]
                + y * x * picture[bottom, right]
            )
            marked[to] = labels[
                tuple(min(side - 1, max(0, round(each))) for each, side in zip(at, sides, strict=True))
            ]
            tie[to] = any(abs(each - 0.5) < 2e-3 for each in (y, x))
    return window, marked, tie


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("size", [(11, 16), (40, 9), (30, 50)])
@pytest.mark.parametrize("scale", [0.5, 0.7, 1.0, 1.3, 2.1])
def test_a_window_equals_slow_loops(scale, size, mirror):
    picture, labels = scene(23, 31)
    for corner in ((0.0, 0.0), (0.37, 0.81), (0.999, 0.999)):
        found = cut_window(picture, labels, size, FILL, scale, corner, mirror)
        window, marked, tie = slow_window(picture, labels, size, scale, corner, mirror)
        assert [(each.shape, each.dtype) for each in found] == [((*size, 3), np.uint8), (size, np.uint8)]
        assert np.abs(found[0] - window).max() <= 1.01
        assert (found[1] == marked)[~tie].all()
        assert ((found[1] == 255) == (marked == 255)).all()


@pytest.mark.parametrize("corner", [(0, 0), (0.5, 0.5), (0.99, 0.2)])
def test_without_scaling_pixels_are_those_of_the_picture(corner):
    picture, labels = scene(40, 60)
    top, left = (math.floor(part * (room + 1)) for part, room in zip(corner, (40 - 16, 60 - 24), strict=True))
    part = np.s_[top : top + 16, left : left + 24]
    window, marked = cut_window(picture, labels, (16, 24), FILL, 1.0, corner)
    assert (window == picture[part]).all()
    assert (marked == labels[part]).all()
    window, marked = cut_window(picture, labels, (16, 24), FILL, 1.0, corner, True)
    assert (window == picture[part][:, ::-1]).all()
    assert (marked == labels[part][:, ::-1]).all()
    assert (cut_window(picture, labels, (40, 60), FILL)[0] == picture).all()


@pytest.mark.parametrize("scale", [0.5 + tenths / 10 for tenths in range(17)])
def test_labels_are_never_mixed(scale):
    """Of 0 and 18 nothing between comes; of black and white pixels, in the picture, it does."""
    labels = np.random.default_rng(3).choice(np.array([0, 18], np.uint8), (37, 53))
    picture = np.repeat(labels[..., None] // 18 * np.uint8(200), 3, axis=2)
    for size in ((25, 25), (90, 120)):
        window, marked = cut_window(picture, labels, size, FILL, scale, (0.3, 0.6))
        assert set(np.unique(marked)) <= {0, 18, 255}
        assert ((marked == 255) == (window == FILL).all(2)).all()
        assert (marked == 255).any() == (scale * 37 < size[0] or scale * 53 < size[1])


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.0, 1.7])
def test_picture_and_labels_stay_aligned(scale):
    """The label is in the picture: columns of ten pixels, each with its number as its red."""
    labels = np.repeat(np.arange(12, dtype=np.uint8), 10)[None].repeat(60, axis=0)  # (60, 120)
    picture = np.stack([labels * np.uint8(20)] * 3, axis=2)
    for mirror in (False, True):
        window, marked = cut_window(picture, labels, (30, 48), FILL, scale, (0.4, 0.7), mirror)
        assert (np.abs(window[..., 0] / 20 - marked) <= 0.5 + 1 / 16).all()
        order = np.diff(marked[0].astype(int))
        assert (order <= 0).all() if mirror else (order >= 0).all()


def test_mirrored_windows_are_windows_mirrored():
    picture, labels = scene(33, 47)
    for scale in (0.6, 1.0, 1.9):
        for size in ((20, 20), (80, 120)):
            plain = cut_window(picture, labels, size, FILL, scale, (0.2, 0.9))
            turned = cut_window(picture, labels, size, FILL, scale, (0.2, 0.9), True)
            assert all((a[:, ::-1] == b).all() for a, b in zip(plain, turned, strict=True))


def test_the_edge_of_a_scene_is_not_mixed_with_what_pads_it():
    picture, labels = np.full((10, 10, 3), 200, np.uint8), np.zeros((10, 10), np.uint8)
    window, _ = cut_window(picture, labels, (40, 40), (0, 0, 0), 2.0, (0, 0))
    assert set(np.unique(window)) == {0, 200}


def test_a_very_long_scene():
    """Longer than OpenCV takes."""
    picture, labels = np.zeros((4, 40_000, 3), np.uint8), np.zeros((4, 40_000), np.uint8)
    picture[:, 39_990:], labels[:, 39_990:] = 250, 3
    window, marked = cut_window(picture, labels, (4, 20), FILL, 2.0, (0, 0.99999))
    assert (window[:, -10:] == 250).all()
    assert (marked[:, -10:] == 3).all()


def test_a_scene_of_one_pixel():
    picture, labels = np.full((1, 1, 3), 5, np.uint8), np.full((1, 1), 2, np.uint8)
    for scale in (0.5, 1.0, 2.1):
        window, marked = cut_window(picture, labels, (3, 3), FILL, scale, (0.5, 0.5))
        side = max(1, round(scale))
        assert (marked[:side, :side] == 2).all()
        assert (marked == 255).sum() == 9 - side**2
        assert (window[marked == 255] == FILL).all()


@pytest.mark.parametrize("name", OF_SCENES)
def test_an_augmentation_of_scenes_is_data_and_a_pure_function(name):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    draws, again = (
        AUGMENTATIONS[name].draw(11, (20, 30), torch.Generator().manual_seed(7)) for _ in range(2)
    )
    assert torch.equal(state, torch.get_rng_state())  # nothing comes from the global generator
    assert all(torch.equal(a, b) and len(a) == 11 for a, b in zip(draws, again, strict=True))
    given = scene(24, 32)
    before = [each.copy() for each in given]
    for number in range(11):
        own = [each[number].tolist() for each in draws]
        found, same = (AUGMENTATIONS[name].window(*given, (20, 30), FILL, *own) for _ in range(2))
        assert [each.shape for each in found] == [(20, 30, 3), (20, 30)]
        assert all((a == b).all() for a, b in zip(found, same, strict=True))
    assert all((a == b).all() for a, b in zip(given, before, strict=True))


def test_draws():
    draws = AUGMENTATIONS["scale-crop-mirror"].draw(6000, (769, 769), torch.Generator().manual_seed(1))
    scale, corner, mirror = draws
    values, counts = scale.unique(return_counts=True)
    assert values.tolist() == pytest.approx([0.5 + tenths / 10 for tenths in range(17)])
    assert (counts / 6000 - 1 / 17).abs().max() < 0.015
    assert corner.shape == (6000, 2)
    assert 0 <= corner.min() < 0.01
    assert 0.99 < corner.max() < 1
    assert corner.mean().item() == pytest.approx(0.5, abs=0.02)
    assert mirror.float().mean().item() == pytest.approx(0.5, abs=0.03)
    other = AUGMENTATIONS["scale-crop-mirror"].draw(6000, (8, 8), torch.Generator().manual_seed(1))
    assert all(torch.equal(a, b) for a, b in zip(draws, other, strict=True))  # whatever the size is
    plain = AUGMENTATIONS["crop-mirror"].draw(10, (8, 8), torch.Generator().manual_seed(1))
    assert plain[0].tolist() == [1.0] * 10

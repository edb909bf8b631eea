"""Where maps lie, against numbers by hand and slow loops."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from rgaviz.errors import RgavizError
from rgaviz.explain.localisation import FLOORS, Located, enlarged, gaussian, located
from rgaviz.figures.overlay import resize_map

NAMES = [each.name for each in fields(Located)]


def of_one(values, label, regions):
    """The numbers of one map, name -> (R,)."""
    found = located(np.array([values], np.float32), np.array([label], np.uint8), regions)
    return {name: getattr(found, name)[0] for name in (*NAMES, "contrast")}


def test_shares_by_hand():
    """Of a 2x2 map 1, 2, 3, 4 on labels 0, 1, 1, 2; -5 counts as nothing."""
    found = of_one([[1, 2], [3, 4]], [[0, 1], [1, 2]], [(1, 2), (1,), (2,), (0,)])
    np.testing.assert_allclose(found["pixels"], [0.75, 0.5, 0.25, 0.25])
    np.testing.assert_allclose(found["energy"], [0.9, 0.5, 0.4, 0.1])
    np.testing.assert_allclose(found["inside"], [3, 2.5, 4, 1])
    np.testing.assert_allclose(found["outside"], [1, 2.5, 2, 3])
    np.testing.assert_allclose(found["contrast"], [0.5, 0, 1 / 3, -0.5])
    np.testing.assert_array_equal(found["pointing"], [1, 0, 1, 0])
    found = of_one([[1, -5], [3, 4]], [[0, 1], [1, 2]], [(1,)])
    np.testing.assert_allclose([found["energy"][0], found["inside"][0]], [3 / 8, 1.5])


def test_a_map_is_enlarged_before_it_is_counted():
    """A row 0, 1 at four pixels is 0, 1/4, 3/4, 1; only 0 and 1 are at the ends."""
    found = of_one([[0, 1]], [[0, 1, 0, 0], [0, 1, 0, 1]], [(1,)])
    np.testing.assert_allclose(found["energy"], [(0.25 + 0.25 + 1) / 4])
    np.testing.assert_allclose(found["pointing"], [0.5])  # one of two equal maxima


@pytest.mark.parametrize("size", [(8, 6), (4, 3), (2, 2), (5, 11), (3, 1)])
def test_maps_are_enlarged_as_figures_enlarge_them(size):
    maps = np.random.default_rng(0).random((3, 4, 3))
    for own, shown in zip(enlarged(maps, size), maps, strict=True):
        np.testing.assert_allclose(own, resize_map(shown, size), atol=1e-6)


def test_against_a_slow_loop():
    rng = np.random.default_rng(1)
    maps = np.maximum(rng.normal(size=(5, 3, 2)), 0)
    labels = rng.integers(0, 4, (5, 7, 5)).astype(np.uint8)
    regions = [(1, 2, 3), (1,), (2,), (3,), (0,)]
    found = located(maps, labels, regions)
    for b, r in np.ndindex(5, 5):
        within, without, wide = [], [], enlarged(maps, (7, 5))[b]
        for y, x in np.ndindex(7, 5):
            (within if labels[b, y, x] in regions[r] else without).append(wide[y, x])
        whole = sum(within) + sum(without)
        mean = sum(within) / len(within), sum(without) / len(without)
        np.testing.assert_allclose(found.energy[b, r], sum(within) / whole)
        np.testing.assert_allclose([found.inside[b, r], found.outside[b, r]], mean)
        np.testing.assert_allclose(found.contrast[b, r], (mean[0] - mean[1]) / (mean[0] + mean[1]))
        assert found.pointing[b, r] == (max(within) > max(without))
    np.testing.assert_allclose(found.energy[:, 1:].sum(1), 1)  # parts and background are all


def test_the_floor_of_ones_is_the_share_of_pixels_exactly():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, (4, 13, 7)).astype(np.uint8)
    for maps in (np.ones((4, 13, 7)), np.full((4, 3, 2), 0.3, np.float32)):
        found = located(maps, labels, [(1, 2), (2,), (0,)])
        np.testing.assert_allclose(found.energy, found.pixels, rtol=1e-14)
        np.testing.assert_array_equal(found.pointing, found.pixels)
        np.testing.assert_allclose(found.contrast, 0, atol=1e-14)
    np.testing.assert_array_equal(
        located(np.ones((4, 13, 7)), labels, [(1,)]).energy[:, 0], (labels == 1).mean((1, 2))
    )


def test_each_picture_alone_has_the_same_numbers_bit_by_bit():
    rng = np.random.default_rng(3)
    maps, labels = rng.random((6, 4, 2), np.float32), rng.integers(0, 3, (6, 16, 8)).astype(np.uint8)
    together = located(maps, labels, [(1,), (2,)])
    for b in range(6):
        alone = located(maps[b : b + 1], labels[b : b + 1], [(1,), (2,)])
        for name in NAMES:
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[b])


def test_what_says_nothing_has_no_numbers():
    label = [[0, 1], [1, 1]]
    for values in (np.zeros((2, 2)), np.full((2, 2), -1.0), [[np.nan, 1], [1, 1]], [[np.inf, 1], [1, 1]]):
        found = of_one(values, label, [(1,)])
        np.testing.assert_array_equal(found.pop("pixels"), [0.75])
        assert all(np.isnan(value).all() for value in found.values())
    found = of_one(
        np.ones((2, 2)), label, [(2,), (0, 1), (1,)]
    )  # not in the picture, all of it, a part of it
    np.testing.assert_array_equal(found["pixels"], [0, 1, 0.75])
    np.testing.assert_array_equal(np.isnan(found["energy"]), [True, True, False])


def test_looking_ahead():
    found = gaussian((8, 4))
    np.testing.assert_allclose(found, found[::-1, ::-1])
    assert found.argmax() in (3 * 4 + 1, 3 * 4 + 2, 4 * 4 + 1, 4 * 4 + 2)
    np.testing.assert_allclose(gaussian((3, 3))[1, 0] / gaussian((3, 3))[1, 1], np.exp(-0.5 * (4 / 3) ** 2))
    assert {name: floor((5, 3)).shape for name, floor in FLOORS.items()} == {
        "gaussian": (5, 3),
        "ones": (5, 3),
    }


@pytest.mark.parametrize(
    ("maps", "labels"),
    [((2, 2), (1, 2, 2)), ((1, 2, 2), (2, 2, 2)), ((1, 2, 2), (2, 2))],
)
def test_shapes_that_do_not_fit(maps, labels):
    with pytest.raises(RgavizError, match="do not fit; give"):
        located(np.ones(maps), np.ones(labels, np.uint8), [(1,)])
    with pytest.raises(RgavizError, match="int64"):
        located(np.ones((1, 2, 2)), np.ones((1, 2, 2), np.int64), [(1,)])


def test_of_no_maps_there_are_no_numbers():
    assert located(np.ones((0, 2, 2)), np.ones((0, 2, 2), np.uint8), [(1,), (0,)]).energy.shape == (0, 2)

"""How maps outline regions over thresholds, against numbers by hand and slow loops."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.explain.localisation import enlarged
from rgaviz.explain.overlap import (
    DELTAS,
    NONE,
    THRESHOLDS,
    box_iou,
    connected_boxes,
    outline,
    overlaps,
    true_boxes,
)


def of_one(values, label, regions, boxes=None):
    return overlaps([outline(np.array(values, np.float64))], np.array([label], np.uint8), regions, boxes)


def test_thresholds_by_hand():
    """0, 5, 10 of a row go from 0 to 1 as 0, 0.5, 1; -5 counts as 0. The region is the last two."""
    found = of_one([[0, -5, 5, 10]], [[0, 0, 1, 1]], [(1,), (0,)])
    iou = found.iou[0]
    np.testing.assert_allclose(iou[0, 0], 2 / 4)  # at 0 all is shown
    np.testing.assert_allclose(iou[0, 1:51], 1)  # 0.01 to 0.5
    np.testing.assert_allclose(iou[0, 51:], 1 / 2)
    np.testing.assert_allclose(iou[1, [0, 1, 99]], [2 / 4, 0, 0])
    assert THRESHOLDS[50] == 0.5
    # Boxes of IoU 1/2, 1 and 1/2: of 0.3, 0.5 and 0.7 they reach 2, 3 and 2.
    np.testing.assert_array_equal(found.largest[0, 0], [2, *[3] * 50, *[2] * 49])
    np.testing.assert_array_equal(found.best[0, 0], found.largest[0, 0])
    assert (found.largest[0, 1] == NONE).all()  # the background has no box


def test_the_largest_part_and_the_one_that_fits_best():
    """Five pixels on the left and a square of four on the right, which alone is true."""
    shown = np.array([[1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(connected_boxes(shown.astype(bool)), [[0, 0, 2, 3], [4, 0, 6, 2]])
    label = np.zeros((3, 6))
    label[:2, 4:] = 1
    found = of_one(shown, label, [(1,)])
    assert (found.largest[0, 0, 1:] == 0).all()
    assert (found.best[0, 0, 1:] == 3).all()
    np.testing.assert_allclose(found.iou[0, 0, 1:], 4 / 9)


def test_what_touches_at_a_corner_belongs_together_and_islands_in_holes_count():
    np.testing.assert_array_equal(connected_boxes(np.eye(3, dtype=bool)), [[0, 0, 3, 3]])
    ring = np.ones((5, 5), bool)
    ring[1:4, 1:4] = False
    ring[2, 2] = True
    np.testing.assert_array_equal(connected_boxes(ring), [[0, 0, 5, 5], [2, 2, 3, 3]])


def flooded(shown):
    """Connected parts, most pixels first, by going from pixel to pixel."""
    left, parts = {tuple(each) for each in np.argwhere(shown).tolist()}, []
    while left:
        found, edge = set(), [min(left)]
        while edge:
            y, x = edge.pop()
            if (y, x) in left:
                left.remove((y, x))
                found.add((y, x))
                edge += [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        parts.append(found)
    return sorted(parts, key=len, reverse=True)


def box_of(pixels):
    rows, columns = zip(*pixels, strict=True)
    return min(columns), min(rows), max(columns) + 1, max(rows) + 1


def pixels_in(box):
    return {(y, x) for y in range(box[1], box[3]) for x in range(box[0], box[2])}


def iou_of(one, other):
    return len(one & other) / len(one | other)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_against_a_slow_loop(seed):
    """Boxes as sets of pixels, connected parts by flooding."""
    rng = np.random.default_rng(seed)
    values = enlarged(rng.normal(size=(1, 6, 5)), (12, 11))[0]
    label = np.zeros((12, 11), np.uint8)
    label[2:9, 3:8] = 1
    label[9:, :4] = 2
    regions = [(1, 2), (1,), (2,), (0,)]
    found = of_one(values, label, regions)
    flat = np.maximum(values, 0)
    scaled = (flat - flat.min()) / (flat.max() - flat.min())
    for place in range(0, 100, 7):
        parts = flooded(scaled >= THRESHOLDS[place])
        shown = set().union(*parts)
        for r, region in enumerate(regions):
            true = {tuple(each) for each in np.argwhere(np.isin(label, region)).tolist()}
            np.testing.assert_allclose(found.iou[0, r, place], iou_of(shown, true), rtol=1e-6)
            if region == (0,):
                continue
            fits = [iou_of(pixels_in(box_of(part)), pixels_in(box_of(true))) for part in parts]
            ones = [fit for fit, part in zip(fits, parts, strict=True) if len(part) == len(parts[0])]
            assert found.largest[0, r, place] in {sum(fit >= delta for delta in DELTAS) for fit in ones}
            assert found.best[0, r, place] == sum(max(fits) >= delta for delta in DELTAS)


def test_true_boxes_that_are_given_are_any():
    values = np.zeros((4, 8))
    values[:, 4:] = 1
    label = np.ones((4, 8))
    boxes = [np.array([[0, 0, 2, 2], [4, 0, 8, 3]], np.float64), np.empty((0, 4))]
    found = of_one(values, label, [(1,), (0,)], boxes)
    assert found.largest[0, 0, -1] == 3  # 12 of 16 pixels: 0.75
    assert found.largest[0, 0, 0] == 1  # 12 of 32: 0.375
    assert (found.largest[0, 1] == NONE).all()


def test_overlap_of_boxes_by_hand():
    boxes = np.array([[0, 0, 2, 2], [5, 5, 6, 6]], np.float64)
    others = np.array([[1, 1, 3, 3], [0, 0, 2, 2], [0.5, 0, 1.5, 2]])
    np.testing.assert_allclose(box_iou(boxes, others), [[1 / 7, 1, 0.5], [0, 0, 0]])


def test_the_box_of_a_region_is_around_all_of_it():
    label = np.zeros((5, 6), np.uint8)
    label[1, 2] = label[3, 4] = 1
    members = np.array([np.isin(np.arange(256), region) for region in [(1,), (2,), (0, 1)]])
    shown, absent, rest = true_boxes(label, members)
    np.testing.assert_array_equal(shown, [[2, 1, 5, 4]])
    assert len(absent) == len(rest) == 0


def test_the_map_of_ones_is_the_whole_picture_at_every_threshold():
    label = np.zeros((6, 4))
    label[:3] = 1
    for values in (np.ones((6, 4)), np.full((6, 4), 0.2)):
        found = of_one(values, label, [(1,)])
        np.testing.assert_allclose(found.iou, 0.5)
        assert (found.largest == 2).all()


@pytest.mark.parametrize("values", [0.0, -1.0, np.nan, np.inf])
def test_what_says_nothing_has_no_numbers(values):
    maps = np.ones((3, 3))
    maps[:] = values
    found = of_one(maps, np.eye(3), [(1,)])
    assert np.isnan(found.iou).all()
    assert (found.largest == NONE).all()
    assert (found.best == NONE).all()


def test_a_region_that_is_not_there_has_no_numbers():
    found = of_one(np.eye(3), np.eye(3), [(1,), (2,)])
    assert np.isnan(found.iou[0]).all(axis=1).tolist() == [False, True]
    assert (found.best[0] == NONE).all(axis=1).tolist() == [False, True]

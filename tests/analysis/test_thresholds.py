"""What is said over all thresholds, against numbers by hand and slow loops."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.analysis.located import MEASURES, csv_table, summary
from rgaviz.analysis.locating import Found
from rgaviz.analysis.numbers import Kind
from rgaviz.analysis.thresholds import BOX, CURVES, IOU, V2, at_best, curve_rows
from rgaviz.explain.localisation import Located
from rgaviz.explain.overlap import DELTAS, NONE, THRESHOLDS, Overlaps

COUNT = len(THRESHOLDS)


def made(iou, largest, best):
    """Of one region; what is given for the first thresholds, (n, t) each, and 0 at the others."""
    padded = []
    for values, kind in ((iou, np.float32), (largest, np.int8), (best, np.int8)):
        given = np.array(values, kind)
        whole = np.zeros((len(given), 1, COUNT), kind)
        whole[:, 0, : given.shape[1]] = given
        padded.append(whole)
    return Overlaps(*padded)


FOUND = made(
    [[0.1, 0.5, 0.2], [0.3, 0.1, 0.3]],
    [[1, 2, 3], [2, 1, 0]],
    [[2, 2, 3], [2, 2, 0]],
)


def test_one_threshold_for_all_pictures_by_hand():
    values, threshold = at_best(FOUND, 0, IOU)
    np.testing.assert_allclose(values, [0.5, 0.1])  # 0.3, not 0.2 or 0.25
    assert threshold == 0.01
    for measure, expected, best in (
        ("maxboxacc30", [1, 1], 0.0),
        ("maxboxacc50", [0, 1], 0.0),  # one of two everywhere: the lowest threshold
        ("maxboxacc70", [1, 0], 0.02),
    ):
        values, threshold = at_best(FOUND, 0, measure)
        assert (values.tolist(), threshold) == (expected, best)
    values, threshold = at_best(FOUND, 0, V2)
    np.testing.assert_allclose(values, [(1 + 1 + 1) / 3, (1 + 1 + 0) / 3])
    assert threshold is None


def test_maxboxacc_against_a_slow_loop():
    """Choe et al.: the greatest share of right boxes over thresholds; version 2 means that over what is asked for."""
    rng = np.random.default_rng(0)
    found = Overlaps(
        rng.random((9, 2, COUNT), np.float32), *rng.integers(0, 4, (2, 9, 2, COUNT)).astype(np.int8)
    )
    for place in (0, 1):
        greatest = []
        for number, name in enumerate(BOX, 1):
            shares = [np.mean([found.largest[n, place, t] >= number for n in range(9)]) for t in range(COUNT)]
            assert at_best(found, place, name)[0].mean() == pytest.approx(max(shares))
            greatest.append(
                max(np.mean([found.best[n, place, t] >= number for n in range(9)]) for t in range(COUNT))
            )
        assert at_best(found, place, V2)[0].mean() == pytest.approx(np.mean(greatest))
        means = [np.mean([found.iou[n, place, t] for n in range(9)], dtype=np.float64) for t in range(COUNT)]
        assert at_best(found, place, IOU)[0].mean() == pytest.approx(max(means), rel=1e-6)
    assert list(BOX) == [f"maxboxacc{round(100 * delta)}" for delta in DELTAS]


def test_what_says_nothing_is_left_out():
    found = made(
        [[np.nan] * COUNT, [0.5, *[0] * (COUNT - 1)]], [[NONE] * COUNT, [3] * COUNT], [[NONE] * COUNT] * 2
    )
    np.testing.assert_array_equal(np.isnan(at_best(found, 0, IOU)[0]), [True, False])
    np.testing.assert_array_equal(np.isnan(at_best(found, 0, "maxboxacc70")[0]), [True, False])
    assert np.isnan(at_best(found, 0, V2)[0]).all()


def located(count):
    ones = np.full((count, 1), 0.25)
    return Located(ones, ones, ones, ones, ones)


def test_rows_and_curves():
    other = made([[0.2, 0.6, 0.2], [0.3, 0.4, 0.3]], [[1, 2, 3], [2, 2, 0]], [[2, 2, 3], [2, 2, 0]])
    kinds = {
        Kind("cam", "gradcam", "a"): FOUND,
        Kind("cam", "gradcam", "b"): other,
        Kind("floor", "ones", ""): other,
    }
    found = Found(["x", "y"], {kind: located(2) for kind in kinds}, kinds, [])
    rows = {(row["network"], row["measure"]): row for row in summary(found, ["dog"], ["a", "b"])}
    assert [measure for network, measure in rows if network == "a"] == list(MEASURES)
    row = rows["b", IOU]
    assert (row["mean"], row["threshold"], row["against"]) == (pytest.approx(0.5), 0.01, "a")
    assert row["difference"] == pytest.approx(0.2)
    assert row["p"] is not None
    # The first one is compared with ones, which is what every map is at the lowest threshold: no test.
    assert all(rows["a", measure]["p"] is None for measure in (IOU, *BOX, V2, "pointing"))
    assert rows["a", "energy"]["threshold"] is None
    assert rows["", IOU]["against"] is None
    assert csv_table(list(rows.values())).startswith(b"network,group,map,part,measure,")
    header, *curves = curve_rows(found, ["dog"])
    assert header == ["network", "group", "map", "part", "threshold", *CURVES]
    assert len(curves) == 3 * COUNT
    assert curves[1][:5] == ["a", "cam", "gradcam", "dog", 0.01]
    np.testing.assert_allclose(curves[1][5:], [0.3, 1, 0.5, 0, 1, 1, 0], rtol=1e-6)

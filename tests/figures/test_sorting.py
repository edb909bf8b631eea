"""What galleries are sorted by, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.figures.scales import Scales
from rgaviz.figures.sorting import alike, row_keys, table_keys, verdicts
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import Line, MapRef, Panel, Picture
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

ONE = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
OTHER = np.array([[4.0, 3.0], [2.0, 1.0]], np.float32)
THIRD = np.array([[1.0, 1.0], [1.0, 5.0]], np.float32)


def shown(network, group="cam", name="gradcam", **values):
    ref = MapRef(checkpoint=network, name=name, group=group)
    return Panel(kind="map", picture="0", map=ref, values=values)


def scales(folder, row, maps):
    head = {"command": "compare", "titles": ["x"] * len(row), "checkpoints": [{"id": "a"}, {"id": "b"}]}
    with ResultsWriter(folder, head) as writer:
        writer.picture(Picture(id="0", path="p.png", size=[2, 2]), np.zeros((2, 2, 3), np.uint8), maps)
        writer.row(row)
    return Scales(read_results(folder), FigureOptions())


def test_numbers_of_networks_and_how_alike_their_maps_are(tmp_path):
    row = [
        Panel(kind="picture", picture="0", values={"ap": 20.0, "network": "b", "identity": 7}),
        shown("a", confidence=0.75, index=3, correct=True, label="dog"),
        shown("b", confidence=0.5, index=3, correct=True, label="dog"),
        shown("b", "mask", "conv5/spatial", confidence=0.25),
        Panel(kind="picture", picture="0", values={"distance": 9.0}),
    ]
    maps = {"a/gradcam": ONE, "b/gradcam": OTHER, "b/conv5/spatial": ONE}
    found = row_keys(scales(tmp_path / "r", row, maps), row, {"a": "ResNet", "b": "Ours"})
    agreement = found.pop("agreement of CAMs")
    assert found == {"ap, Ours": 20.0, "confidence, ResNet": 0.75, "confidence, Ours": 0.5}
    assert agreement == pytest.approx(-1.0)


def test_agreement_is_the_mean_over_pairs_of_networks(tmp_path):
    row = [shown("a"), shown("b"), shown("c")]
    maps = {"a/gradcam": ONE, "b/gradcam": OTHER, "c/gradcam": THIRD}
    found = row_keys(scales(tmp_path / "r", row, maps), row, {})
    # r(1 2 3 4, 1 1 1 5) = (sum of products - 4 * 2.5 * 2) / sqrt(5 * 12) = 6 / 60 ** 0.5
    each = 6 / 60**0.5
    assert found == {"agreement of CAMs": pytest.approx((-1 + each - each) / 3)}


@pytest.mark.parametrize("other", [np.ones((2, 2)), np.array([[1.0, np.nan], [2.0, 3.0]])])
def test_flat_maps_and_those_with_nan_agree_with_none(other):
    assert np.isnan(alike(ONE, other.astype(np.float32)))


@pytest.mark.parametrize(
    ("row", "right", "same"),
    [
        ([shown("a", correct=True, label="x"), shown("b", correct=True, label="x")], "right", "same"),
        ([shown("a", correct=True, label="x"), shown("b", correct=False, label="y")], "wrong", "different"),
        ([shown("a", correct=None, label="x")], "", ""),
        ([shown("a", norm=3.0), shown("b", norm=2.0)], "", ""),
    ],
)
def test_whether_networks_are_right_and_say_the_same(row, right, same):
    assert verdicts(row) == {"right": right, "same": same}


@pytest.mark.parametrize("first", ["right", "wrong"])
def test_a_ranking_is_right_if_its_first_picture_is(first):
    hits = [Panel(kind="picture", picture="0", frame=frame) for frame in (first, "right")]
    row = [
        Panel(kind="picture", picture="0"),
        *hits,
        Panel(kind="text", lines=[Line(text="AP")]),
    ]
    assert verdicts(row)["right"] == first


def test_tables_of_pictures(tmp_path):
    rows = [
        ["picture", "network", "map", "part", "pixels", "energy", "pointing"],
        ["7", "a", "gradcam", "object", 0.1, 0.5, 1.0],
        ["7", "a", "gradcam", "background", 0.9, 0.5, 0.0],
        ["7", "a", "randomcam", "object", 0.1, 0.3, 1.0],
        ["8", "a", "gradcam", "object", 0.2, None, 0.0],
    ]
    with ResultsWriter(tmp_path / "r", {"command": "localize"}) as writer:
        writer.table("pictures", rows)
        writer.table("summary", [["network", "mean"], ["a", 1.0]])
    found = table_keys([("localize r", read_results(tmp_path / "r"))])
    assert found == {
        "7": {
            "localize r: energy, a, gradcam, object": 0.5,
            "localize r: pointing, a, gradcam, object": 1.0,
        },
        "8": {"localize r: pointing, a, gradcam, object": 0.0},
    }

"""The curves of localize over thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from charts import CHARTS

from rgaviz.figures.intervals import FLOORS
from rgaviz.figures.style import FigureOptions
from rgaviz.figures.thresholds import Outlines, draw_thresholds, localize_names, localize_pages
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

OPTIONS = FigureOptions(dpi=50)


def results(folder, rows, texts=None, target=None):
    with ResultsWriter(folder, {"command": "localize", "texts": texts or {}, "target": target}) as writer:
        for name, table in {**CHARTS["localize"], "curves": rows}.items():
            writer.table(name, table)
    return read_results(folder)


def lines(ax):
    return {
        (line.get_color(), line.get_linestyle(), line.get_marker()): line.get_xydata()
        for line in ax.get_lines()
    }


def test_the_first_part_is_drawn_as_the_table_has_it(tmp_path):
    found = results(tmp_path / "r", CHARTS["localize"]["curves"], {"gradcam": "Grad-CAM (conv5)"})
    _, page = localize_pages(found, OPTIONS)
    assert (page.suffix, page.of) == ("-thresholds", 2)
    iou, boxes = page.figure.axes
    assert iou.get_title(loc="left") == "Grad-CAM (conv5)"
    assert (iou.get_ylabel(), iou.get_xlabel()) == ("IoU (%)", "threshold (head)")
    drawn = lines(iou)
    np.testing.assert_allclose(drawn["#4477aa", "-", "None"], [[0, 25], [0.5, 75]])
    np.testing.assert_allclose(drawn["#4477aa", "-", "o"], [[0.5, 75]])  # the best
    np.testing.assert_allclose(drawn["#4477aa", "--", "None"], [[0, 25]])  # Random-CAM
    np.testing.assert_allclose(drawn[FLOORS["ones"]["color"], "-", "None"], [[0, 25]])
    assert "#4477aa" not in {colour for colour, _, marker in lines(boxes) if marker == "o"}  # no box is known
    texts = [text.get_text() for text in page.figure.legends[0].get_texts()]
    assert texts == ["rga", "all ones", "Random-CAM"]


@pytest.mark.parametrize(
    ("target", "part"),
    [("torso", "torso"), ("torso@all", "torso"), ("norm", "head"), (None, "head")],
)
def test_the_part_that_maps_are_about_is_drawn(tmp_path, target, part):
    _, page = localize_pages(results(tmp_path / "r", CHARTS["localize"]["curves"], target=target), OPTIONS)
    assert page.figure.axes[0].get_xlabel() == f"threshold ({part})"


@pytest.mark.parametrize("value", [1.5, -0.5])
def test_shares_that_are_none(tmp_path, value):
    header, first, *_ = CHARTS["localize"]["curves"]
    with pytest.raises(ResultsError, match="shares beyond 0 and 1"):
        list(localize_pages(results(tmp_path / "r", [header, [*first[:5], value, None]]), OPTIONS))


def test_no_curve_to_draw(tmp_path):
    header, *rows = CHARTS["localize"]["curves"]
    for kept in ([], [row for row in rows if row[1] == "floor"]):
        with pytest.raises(ResultsError, match="no curve"):
            list(localize_pages(results(tmp_path / f"r{len(kept)}", [header, *kept]), OPTIONS))


def test_results_of_before_have_the_page_of_intervals(tmp_path):
    with ResultsWriter(tmp_path / "r", {"command": "localize"}) as writer:
        writer.table("summary", CHARTS["localize"]["summary"])
    (page,) = localize_pages(read_results(tmp_path / "r"), OPTIONS)
    assert (page.suffix, page.of) == ("", 1)
    assert localize_names(["summary"]) == [("", "localize")]
    assert localize_names(["summary", "curves"])[1] == ("-thresholds", "localize-thresholds")


@pytest.mark.parametrize("width", ["column", "text"])
def test_nothing_is_cut_off(width):
    curve = ([0.0, 0.5], [0.5, 0.25])
    networks = ["a network with a long name " * 2, *"bcdefgh"]
    curves = {name: dict.fromkeys(networks, curve) for name in ("iou", "maxboxacc50")}
    floors = {name: dict.fromkeys(FLOORS, curve) for name in curves}
    outlines = Outlines(
        "a part " * 9, networks, {"a": (True, curves), "b" * 90: (False, curves)}, floors, curves
    )
    figure = draw_thresholds(outlines, FigureOptions(dpi=50, width=width))
    figure.draw_without_rendering()
    whole = figure.bbox
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert box is not None
        assert min(box.x0 - whole.x0, box.y0 - whole.y0, whole.x1 - box.x1, whole.y1 - box.y1) >= -1
        legend = figure.legends[0].get_window_extent()
        assert legend.y1 <= box.y0 + 1

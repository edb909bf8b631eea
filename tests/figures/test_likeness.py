"""Curves of how alike maps stay."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from charts import CHARTS

from rgaviz.errors import RgavizError
from rgaviz.figures.likeness import likeness_pages
from rgaviz.figures.style import FigureOptions, style
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

HEADER, *ROWS = CHARTS["sanity-weights"]["likeness"]


def figure(folder, rows, **options):
    texts = {"gradcam": "Grad-CAM", "measure/spearman": "Spearman's rank correlation"}
    with ResultsWriter(folder, {"command": "sanity-weights", "texts": texts}) as writer:
        writer.table("likeness", [HEADER, *rows])
    (page,) = likeness_pages(read_results(folder), FigureOptions(**options))
    return page.figure


def test_curves_begin_with_the_trained_network(tmp_path):
    ax, *others = figure(tmp_path / "r", ROWS).axes
    assert not others
    curve, single, floor, labels, empty, *_ = (np.column_stack(line.get_data()).tolist() for line in ax.lines)
    assert curve == [[0, 1], [1, 0.5], [2, 0.25]]
    assert single == [[2, 0.375]]
    assert [y for _, y in floor] == [0.125, 0.125]
    assert labels == [[2, -0.125]]
    assert empty == [[0, 1]]  # a map that says nothing behind
    band = ax.collections[0].get_paths()[0].vertices
    assert [band[:, 0].max(), band[:, 1].min()] == [1, 0.25]  # none where there is no interval
    assert [label.get_text() for label in ax.get_xticklabels()] == ["trained", "fc", "conv1"]
    assert ax.get_ylabel().replace("\n", " ") == "Spearman's rank correlation"


def test_the_legend_tells_the_signs_that_are_there(tmp_path):
    def named(name, rows):
        return [text.get_text() for text in figure(tmp_path / name, rows).legends[0].get_texts()]

    signs = [
        "drawn anew from the head down to here",
        "this part alone",
        "learnt random labels",
        "map of another picture",
    ]
    assert named("all", ROWS) == ["Grad-CAM", "conv5/channel", *signs]
    assert named("few", ROWS[:2]) == ["Grad-CAM", signs[0]]


@pytest.mark.parametrize("width", ["column", "text"])
def test_networks_and_measures_have_panels(tmp_path, width):
    rows = [
        [network, *row[1:5], measure, *row[6:]]
        for network in "ab"
        for measure in ("spearman", "ssim")
        for row in ROWS
    ]
    axes = figure(tmp_path / "r", rows, width=width).axes
    assert [ax.get_title() for ax in axes] == ["a", "a", "b", "b"]
    named = [any(label.get_text() for label in ax.get_xticklabels()) for ax in axes]
    assert named == (
        [True] * 4 if width == "text" else [False, True, False, True]
    )  # written once below a network


def test_without_a_curve_there_is_no_figure(tmp_path):
    with pytest.raises(RgavizError, match="no curve to draw"):
        figure(tmp_path / "r", ROWS[3:4])
    with pytest.raises(RgavizError, match="no curve to draw"):
        figure(tmp_path / "none", [])


@pytest.mark.parametrize("width", ["column", "text"])
def test_nothing_is_cut(tmp_path, width):
    name = "a network of a long name that goes on and on"
    parts = [
        [name, "gradcam", "cascade", step, f"attention.{'x' * step}", "ssim", 0.5, 0.4, 0.6]
        for step in range(1, 40)
    ]
    options = FigureOptions(width=width)
    found = figure(tmp_path / "r", [*parts, *ROWS], width=width)
    with matplotlib.rc_context(style(options)):
        found.draw_without_rendering()  # lays it out
        tight = found.get_tightbbox()
    assert min(tight.x0, tight.y0) >= -0.02
    assert tight.x1 <= options.inches + 0.02
    assert tight.y1 <= found.get_size_inches()[1] + 0.02

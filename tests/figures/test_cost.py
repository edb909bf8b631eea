"""Accuracy against cost read back from the figure."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text
from parametrised import rare

from rgaviz.errors import RgavizError
from rgaviz.figures.cost import draw_cost
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import FigureOptions, style

NAMES = ("none", "se", "cbam-cs", "fc-parallel", "nl", "rga-s", "rga-c", "rga-sc $1")
ROWS = [
    {
        "label": name,
        "cost": 4 + 0.01 * i + 0.1 * (i > 3),
        "value": 6.4 - 0.03 * i,
        "spread": [None, 0.05][i % 2],
    }
    for i, name in enumerate(NAMES)
]


def test_points_bars_and_names():
    ax = draw_cost(ROWS, FigureOptions(), "GMACs per image", "test error (%)", "the title").axes[0]
    points = [each.lines[0].get_xydata()[0] for each in ax.containers]
    np.testing.assert_allclose(points, [(row["cost"], row["value"]) for row in ROWS])
    bars = [each.lines[2][0].get_segments()[0] if each.has_yerr else None for each in ax.containers]
    for row, bar in zip(ROWS, bars, strict=True):
        if row["spread"] is None:
            assert bar is None
        else:
            np.testing.assert_allclose(bar[:, 1], [row["value"] - 0.05, row["value"] + 0.05])
    assert [text.get_text() for text in ax.texts] == list(NAMES)
    np.testing.assert_allclose([text.xy for text in ax.texts], points)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("GMACs per image", "test error (%)")
    assert ax.get_title() == "the title"
    assert not draw_cost(ROWS, FigureOptions(title=False), "x", "y", "the title").axes[0].get_title()


@pytest.mark.parametrize("width", ["column", rare("text")])
def test_names_cover_neither_each_other_nor_points_nor_edges(width):
    options = FigureOptions(width=width)
    figure = draw_cost(ROWS, options, "GMACs per image", "test error (%)")
    ax = figure.axes[0]
    with matplotlib.rc_context(style(options)):
        figure.draw_without_rendering()
        names = [Text.get_window_extent(text) for text in ax.texts]  # without its line
    points = ax.transData.transform([(row["cost"], row["value"]) for row in ROWS])
    for one, other in itertools.combinations(names, 2):
        assert not one.overlaps(other)
    for name in names:
        assert not any(name.contains(*point) for point in points)
        assert name.x1 <= figure.bbox.x1
        assert name.x0 >= 0


def test_one_network_and_equal_points():
    assert len(draw_cost(ROWS[:1], FigureOptions(), "x", "y").axes[0].texts) == 1
    alike = [{**ROWS[0], "label": name} for name in "ab"]
    first, second = draw_cost(alike, FigureOptions(), "x", "y").axes[0].texts
    assert first.get_position() != second.get_position()


def test_nothing_to_draw():
    with pytest.raises(RgavizError, match="--runs"):
        draw_cost([], FigureOptions(), "x", "y")


def test_bytes_repeat_and_fonts_are_type_42(tmp_path):
    options = FigureOptions(formats=("pdf", "svg", "png"), dpi=100)
    first = save_figure(draw_cost(ROWS, options, "x", "y"), tmp_path / "a", options)
    again = save_figure(draw_cost(ROWS, options, "x", "y"), tmp_path / "b", options)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    pdf = first[0].read_bytes()
    assert b"/FontFile2" in pdf  # TrueType
    assert b"/Type3" not in pdf

"""Channel statistics by hand, and the figure read back."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.errors import RgavizError
from rgaviz.figures.histogram import channel_statistics, draw_histogram, histogram_table, is_peaked
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import FigureOptions
from rgaviz.writing import csv_bytes

VALUES = np.array([[0.0, 0.02, 1.0, 0.5], [0.0, 0.04, 1.0, 0.9]])
STATISTICS = [{"label": "rga conv5", "values": VALUES}, {"label": "se $x", "values": np.full((3, 2), 0.5)}]


def test_statistics_by_hand():
    found = channel_statistics(VALUES)
    np.testing.assert_allclose(found["mean"], [0, 0.03, 1, 0.7])
    np.testing.assert_allclose(found["std"], [0, 0.01, 0, 0.2])
    assert found["dead"] == 0.5
    assert found["saturated"] == 0.25


def test_entropy_is_one_for_equal_channels_and_zero_for_a_single_one():
    assert channel_statistics(np.full((2, 5), 0.3))["entropy"] == pytest.approx(1)
    assert channel_statistics(np.array([[0.0, 0.7, 0.0]]))["entropy"] == pytest.approx(0)
    assert channel_statistics(np.zeros((1, 4)))["entropy"] == pytest.approx(1)
    half = channel_statistics(np.array([[0.2, 0.2, 0.0, 0.0], [0.3, 0.3, 0.3, 0.3]]))["entropy"]
    assert half == pytest.approx((0.5 + 1) / 2)  # log 2 / log 4, and 1


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((0, 3)), np.array([[np.nan, 1.0]])])
def test_values_without_statistics(values):
    with pytest.raises(RgavizError, match=r"shape .* have no statistics"):
        channel_statistics(values)


def test_figure(tmp_path):
    options = FigureOptions(formats=("pdf", "svg", "png"))
    figure = draw_histogram(STATISTICS, options)
    assert figure.get_figwidth() == pytest.approx(6.875)
    spread, ranked = figure.axes
    outlines = [patch for patch in spread.patches if not patch.get_fill()]
    heights, edges, _ = outlines[0].get_data()
    assert edges[0] == 0
    assert edges[-1] == 1
    assert (heights * np.diff(edges)).sum() == pytest.approx(1)  # a density
    width = edges[1] - edges[0]
    assert heights[0] * width == pytest.approx(3 / 8)  # 0, 0 and 0.02 of eight values
    assert heights[-1] * width == pytest.approx(2 / 8)
    line = ranked.lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0, 0.03, 0.7, 1])
    np.testing.assert_allclose(line.get_xdata(), [12.5, 37.5, 62.5, 87.5])
    band = ranked.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == 1
    assert {0.5, 0.9} <= set(np.round(band[band[:, 0] == 62.5, 1], 6))  # 0.7 - 0.2, 0.7 + 0.2
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["rga conv5: 50.0%, 25.0%", "se $x: 0.0%, 0.0%"]
    title = figure.legends[0].get_title().get_text()
    assert title == "dead (mean < 0.05), saturated (mean > 0.95) channels"
    assert (spread.get_yscale(), spread.get_ylabel()) == ("linear", "density")
    assert spread.get_title() == "values of all channels and pictures"
    first = [path.read_bytes() for path in save_figure(figure, tmp_path / "a", options)]
    again = save_figure(draw_histogram(STATISTICS, options), tmp_path / "b", options)
    assert [path.read_bytes() for path in again] == first


def test_an_axis_is_logarithmic_where_a_peak_hides_the_rest(tmp_path):
    # Of 1000 values 990 in one bin: its density is 39.6, that of ten bins with one value each 0.04.
    values = np.full(1000, 0.5 + 1e-6)
    values[:10] = 0.0125 + 0.025 * np.arange(10)
    figure = draw_histogram([{"label": "a", "values": values.reshape(10, 100)}], FigureOptions())
    spread = figure.axes[0]
    assert (spread.get_yscale(), spread.get_ylabel()) == ("log", "density (log)")
    heights = next(patch for patch in spread.patches if not patch.get_fill()).get_data()[0]
    assert sorted(set(np.round(heights, 6))) == [0, 0.04, 39.6]
    assert 0 < spread.get_ylim()[0] < 0.04
    save_figure(figure, tmp_path / "a", FigureOptions(formats=("svg",)))
    assert "mathdefault" not in (tmp_path / "a.svg").read_text()  # ticks are plain numbers
    assert not is_peaked([np.array([0.0, 1.0, 29.0])])  # the median of the filled is 15
    assert is_peaked([np.array([0.0, 0.9, 0.9]), np.array([31.0])])
    bell = np.exp(-(np.linspace(-4, 4, 40) ** 2) / 2)
    assert not is_peaked([bell])


def test_a_narrow_figure_stacks_its_panels_and_titles_can_be_left_out():
    figure = draw_histogram(STATISTICS, FigureOptions(width="column", title=False))
    figure.draw_without_rendering()
    top, bottom = (ax.get_position() for ax in figure.axes)
    assert top.y0 > bottom.y1
    assert [ax.get_title() for ax in figure.axes] == ["", ""]


def test_csv():
    table = histogram_table([{"label": "rga, conv5", "values": VALUES}])
    assert csv_bytes(table).decode().splitlines() == [
        "label,channel,mean,std,dead,saturated",
        '"rga, conv5",0,0.000000,0.000000,1,0',
        '"rga, conv5",1,0.030000,0.010000,1,0',
        '"rga, conv5",2,1.000000,0.000000,0,1',
        '"rga, conv5",3,0.700000,0.200000,0,0',
    ]


def test_more_curves_than_colours_differ_in_their_lines():
    many = [{"label": str(n), "values": np.full((1, 4), n / 20)} for n in range(9)]
    lines = draw_histogram(many, FigureOptions()).axes[1].lines[:9]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 9

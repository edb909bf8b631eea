"""Changes of measures as points with intervals."""

from __future__ import annotations

import matplotlib
import pytest
from matplotlib.colors import to_hex

from rgaviz.errors import RgavizError
from rgaviz.figures.ablations import Panel, ablation_pages, draw_ablations
from rgaviz.figures.style import COLOURS, FigureOptions, style
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

VALUES = {
    "conv5/spatial": {"ones": (2.0, 1.0, 3.0), "mean": (-0.5, None, None)},
    "conv5": {"ones": (4.0, 3.5, 5.0)},
}
WAYS = {"ones": "all ones", "mean": "its own mean"}


def drawn(figure):
    """Of each panel but what lies at zero: the colour, and the values along the axis."""
    return [
        [(to_hex(line.get_color()), [float(x) for x in line.get_xdata()]) for line in ax.lines[1:]]
        for ax in figure.axes
    ]


@pytest.mark.parametrize("width", ["column", "text"])
def test_points_and_intervals_are_the_numbers(width):
    panel = Panel("rga", "change of error (points)", VALUES)
    figure = draw_ablations([panel, panel], WAYS, FigureOptions(width=width))
    ones, mean = (to_hex(COLOURS[index]) for index in range(2))
    expected = [(ones, [1.0, 3.0]), (ones, [2.0]), (mean, [-0.5]), (ones, [3.5, 5.0]), (ones, [4.0])]
    assert drawn(figure) == [expected, expected]
    ax = figure.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(VALUES)
    assert ax.get_xlabel().replace("\n", " ") == "change of error (points)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(WAYS.values())
    heights = [float(line.get_ydata()[0]) for line in ax.lines[1:]]
    assert heights == sorted(heights)  # from top to bottom, for the axis is upside down
    assert ax.yaxis_inverted()


def test_ways_stand_in_the_order_of_their_table(tmp_path):
    texts = {"measure/error": "change of error"}
    rows = [["rga", "conv5", way, "error", 1.0, 0.5, 1.5] for way in ("mean", "ones")]
    with ResultsWriter(tmp_path / "r", {"command": "sanity", "texts": texts}) as writer:
        writer.table(
            "ways", [["way", "title"], ["ones", "all ones"], ["mean", "its own mean"], ["none", "no"]]
        )
        writer.table("ablations", [["network", "mask", "way", "measure", "change", "low", "high"], *rows])
    (page,) = ablation_pages(read_results(tmp_path / "r"), FigureOptions())
    named = [text.get_text() for text in page.figure.legends[0].get_texts()]
    assert named == ["all ones", "its own mean"]
    assert page.figure.axes[0].get_xlabel() == "change of error"


@pytest.mark.parametrize("ways", [[], [["ones", "all ones"]]])
def test_no_change_or_one_of_another_way_is_no_figure(tmp_path, ways):
    with ResultsWriter(tmp_path / "r", {"command": "sanity"}) as writer:
        writer.table("ways", [["way", "title"], *ways])
        rows = [["rga", "conv5", "mean", "error", 1.0, 0.5, 1.5]] if ways else []
        writer.table("ablations", [["network", "mask", "way", "measure", "change", "low", "high"], *rows])
    with pytest.raises(RgavizError, match="no changes to draw"):
        next(ablation_pages(read_results(tmp_path / "r"), FigureOptions()))


@pytest.mark.parametrize("width", ["column", "text"])
@pytest.mark.parametrize("count", [1, 40])
def test_nothing_is_cut(width, count):
    name = "a network of a long name that goes on and on"
    values = {f"{name}/{number}": VALUES["conv5/spatial"] for number in range(count)}
    options = FigureOptions(width=width)
    ways = {"ones": "replaced by something of a long name", "mean": "by something else of a longer name " * 3}
    figure = draw_ablations([Panel(name * 3, "change of error " * 9, values)] * 2, ways, options)
    with matplotlib.rc_context(style(options)):
        figure.draw_without_rendering()  # lays it out
        tight = figure.get_tightbbox()
    assert min(tight.x0, tight.y0) >= -0.02
    assert tight.x1 <= options.inches + 0.02
    assert tight.y1 <= figure.get_size_inches()[1] + 0.02

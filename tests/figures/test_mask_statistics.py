"""Curves of channel attention read back from the figure, and its pages."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from rgaviz.errors import RgavizError
from rgaviz.figures.draw import FIGURES
from rgaviz.figures.mask_statistics import Curves, draw_curves, statistics_names
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import COLOURS, FigureOptions, style
from rgaviz.results.manifest import MapRef, Panel, Picture
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

DRAW = np.random.default_rng(0)
SMALL = FigureOptions(formats=("png",), dpi=50)
TEXTS = {"by": "classes", "dead": "dead: values below 0.05"}
SUMMARY = ["network", "mask", "class", "entropy", "dead", "saturated", "share", "chance"]
CHANNELS = [
    "network",
    "mask",
    "channel",
    "mean",
    "deviation",
    "dead",
    "saturated",
    "share",
    "f",
    "cat",
    "dog",
]


def curves(network="rga", mask="conv5", channels=12, share=None):
    shares = DRAW.random(channels) if share is None else np.full(channels, share)
    return Curves(network, mask, DRAW.random(channels), DRAW.random((2, channels)), shares, ["entropy 0.98"])


def test_lines_are_the_means_in_the_order_of_all():
    own = curves()
    figure = draw_curves(["cat", "dog"], [own], TEXTS, SMALL)
    (ax,) = figure.axes
    cat, dog, whole, marks = ax.lines
    order = np.argsort(own.mean)
    for line, values, colour in ((cat, own.classes[0], COLOURS[0]), (dog, own.classes[1], COLOURS[1])):
        np.testing.assert_array_equal(line.get_ydata(), values[order])
        assert line.get_color() == colour
    np.testing.assert_array_equal(whole.get_ydata(), np.sort(own.mean))
    marked = order[np.asarray(marks.get_xdata(), int)]
    assert sorted(marked) == sorted(np.argsort(-own.share)[:5])
    assert ax.get_title() == "conv5\nentropy 0.98"
    assert ax.get_ylim() == (0, 1)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["all", "cat", "dog", "differ most between classes"]
    assert legend.get_title().get_text() == TEXTS["dead"]


def test_without_classes_nothing_is_marked(tmp_path):
    own = Curves("rga", "conv5", DRAW.random(6), np.zeros((0, 6)), np.full(6, np.nan), [])
    figure = draw_curves([], [own], TEXTS, SMALL)
    assert len(figure.axes[0].lines) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["all"]
    save_figure(figure, tmp_path / "a", SMALL)


@pytest.mark.parametrize(
    ("keys", "width", "rows"),
    [
        ([("a", "3"), ("a", "4"), ("a", "5"), ("a", "6")], "text", ["3 4 5", "6"]),
        ([("a", "3"), ("a", "4")], "column", ["3", "4"]),
        ([("a", "3"), ("a", "4"), ("b", "4")], "text", ["a 3 a 4", "- b 4"]),
        ([("a", "3"), ("a", "4"), ("b", "4")], "column", ["a 3 -", "a 4 b 4"]),
        ([("a", "5"), ("b", "5")], "text", ["a 5 b 5"]),
        ([(name, "5") for name in "abcd"], "text", ["a 5 b 5 c 5", "d 5"]),
    ],
)
def test_masks_of_several_networks_stand_side_by_side(tmp_path, keys, width, rows):
    options = FigureOptions(formats=("png",), dpi=50, width=width)
    figure = draw_curves(["cat", "dog"], [curves(*key) for key in keys], TEXTS, options)
    found: dict[int, list[str]] = {}
    for ax in figure.axes:
        row = ax.get_subplotspec().rowspan.start
        title = ax.get_title().partition("\n")[0]
        found.setdefault(row, []).append(title or "-")
    assert [" ".join(found[row]).rstrip(" -") for row in sorted(found)] == [row.rstrip(" -") for row in rows]
    save_figure(figure, tmp_path / "a", options)
    assert figure.get_size_inches()[0] == options.inches


def test_no_titles_where_none_are_wanted():
    options = FigureOptions(formats=("png",), dpi=50, title=False)
    assert draw_curves(["cat", "dog"], [curves()], TEXTS, options).axes[0].get_title() == ""


def test_nothing_overlaps_at_column_width():
    options = FigureOptions(formats=("png",), dpi=100, width="column")
    panels = [curves(network, mask) for network in ("baseline", "rga") for mask in ("conv4", "conv5")]
    figure = draw_curves(["cat", "dog"], panels, TEXTS, options)
    with matplotlib.rc_context(style(options)):
        figure.draw_without_rendering()
        boxes = [ax.get_tightbbox() for ax in figure.axes] + [figure.legends[0].get_window_extent()]
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y0 >= -1
        assert box.y1 <= figure.bbox.height + 1
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def results(folder, *, maps=True, channels=True, change=lambda rows: rows):
    head = {"command": "statistics", "checkpoints": [{"id": "rga"}], "texts": TEXTS}
    with ResultsWriter(folder, {**head, "titles": ["all"] if maps else []}) as writer:
        if maps:
            entry = Picture(id="all", path="all", size=[8, 8])
            writer.picture(entry, np.zeros((8, 8, 3), np.uint8), {"rga/conv5/spatial": DRAW.random((4, 4))})
            ref = MapRef(checkpoint="rga", name="conv5/spatial", group="mask")
            writer.row([Panel(kind="map", picture="all", map=ref)])
        writer.table("summary", [SUMMARY, ["rga", "conv5/channel", "all", 0.5, 0.02, 0.25, 0.125, 0.001]])
        if channels:
            row = ["rga", "conv5/channel", 0, 0.5, 0.1, 0, 0, 0.25, 3.5, 0.75, None]
            writer.table("channels", change([CHANNELS, row]))
    return read_results(folder)


def test_pages_are_those_of_what_there_is(tmp_path):
    def names(**what):
        pages = FIGURES["statistics"](results(tmp_path / "r", **what), SMALL)
        return [(page.suffix, page.name) for page in pages]

    assert names() == statistics_names() == [("", "statistics"), ("-maps", "statistics-maps")]
    assert names(maps=False) == [("", "statistics")]
    assert names(channels=False) == [("", "statistics")]
    with pytest.raises(RgavizError, match="holds no masks"):
        names(maps=False, channels=False)


def test_what_is_said_of_all_pictures(tmp_path):
    page, _ = FIGURES["statistics"](results(tmp_path / "r"), FigureOptions(dpi=50, names=("Ours",)))
    assert page.figure.axes[0].get_title().split("\n") == [
        "conv5", "entropy 0.50, dead 2.0%, saturated 25%", "between classes 12% (chance 0.1%)"
    ]  # fmt: skip
    values = page.figure.axes[0].lines[0].get_ydata()
    assert values == [0.75]
    assert np.isnan(page.figure.axes[0].lines[1].get_ydata()).all()  # of a class without pictures


@pytest.mark.parametrize("place", [3, 9])
@pytest.mark.parametrize("value", ["nan", "1.5", "-0.5", "x", "1e999"])
def test_values_that_no_mask_has_are_refused(tmp_path, place, value):
    def change(rows):
        rows[1][place] = value
        return rows

    with pytest.raises(RgavizError, match="channels"):
        list(FIGURES["statistics"](results(tmp_path / "r", change=change), SMALL))

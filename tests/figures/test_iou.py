"""IoU of every class as bars, and the confusion of each network behind it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from charts import CHARTS

from rgaviz.figures.draw import draw
from rgaviz.figures.iou import CORNER, SHARE, draw_iou
from rgaviz.figures.style import FigureOptions, style
from rgaviz.outputs import Output
from rgaviz.results.manifest import ResultsError
from rgaviz.results.writer import ResultsWriter

CLASSES = ["road", "car", "traffic sign"]
SHARES = {"baseline: mIoU 50.00%": [91.5, 8.5, None], "rga: mIoU 60.00%": [92.0, 28.0, 60.0]}
OPTIONS = FigureOptions(formats=("pdf", "svg"), width="column")
FAST = FigureOptions(formats=("png",), dpi=50)


def results(folder, tables, texts=None):
    with ResultsWriter(folder, {"command": "iou", "texts": texts or {}}) as writer:
        for name, rows in tables.items():
            writer.table(name, rows)


def shares(values):
    return [[CORNER, SHARE], *([name, value] for name, value in zip(CLASSES, values, strict=True))]


def test_every_class_has_a_bar_of_every_network():
    ax = draw_iou(CLASSES, SHARES, OPTIONS).axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == CLASSES
    widths = [[bar.get_width() for bar in bars] for bars in ax.containers]
    assert widths == [[value or 0.0 for value in values] for values in SHARES.values()]
    places = np.array([[bar.get_y() + bar.get_height() / 2 for bar in bars] for bars in ax.containers])
    assert (np.abs(places - np.arange(3)) < 0.5).all()  # within the place of its class
    assert (places[0] < places[1]).all()  # the first network above
    written = [text.get_text() for text in ax.texts]
    assert written == ["91.5", "8.5", "–", "92.0", "28.0", "60.0"]
    assert ax.get_xlim() == (0, 100)


@pytest.mark.parametrize("count", [1, 3, 60])
def test_nothing_is_cut(count):
    names = [f"class number {number}" for number in range(count)]
    figure = draw_iou(
        names, {"a network of a long name: mIoU 12.34%": [99.9] * count, "b": [0.0] * count}, OPTIONS
    )
    with matplotlib.rc_context(style(OPTIONS)):
        figure.draw_without_rendering()  # lays it out
        tight = figure.get_tightbbox()
    assert tight.x0 >= -0.01
    assert tight.x1 <= OPTIONS.inches + 0.01
    assert tight.y0 >= -0.01


def test_from_results_again_and_again_the_same(tmp_path):
    texts = dict(zip("ab", SHARES, strict=True))
    results(tmp_path / "out", dict(zip("ab", map(shares, SHARES.values()), strict=True)), texts)
    digests = []
    for _ in range(2):
        drawn = draw(tmp_path / "out", Output(tmp_path / "out", tmp_path / "out" / "iou"), OPTIONS)
        assert [path.name for path in drawn.paths] == ["iou.pdf", "iou.svg"]
        digests.append([hashlib.sha256(path.read_bytes()).digest() for path in drawn.paths])
    assert digests[0] == digests[1]
    text = Path(drawn.paths[1]).read_text()
    assert all(label in text for label in [*SHARES, *CLASSES])


def test_the_confusion_of_each_network_comes_behind_it(tmp_path):
    tables = {}
    for name in ("a", "b"):
        tables |= {
            name: CHARTS["iou"]["net"],
            f"{name}-confusion": CHARTS["evaluate"]["net"],
            f"{name}-pictures": [["picture", "mIoU (%)"], ["x.png", 5]],
        }
    results(tmp_path / "r", tables)
    drawn = draw(tmp_path / "r", Output(tmp_path / "r", tmp_path / "r" / "iou"), FAST)
    assert [path.name for path in drawn.paths] == ["iou.png", "a-confusion.png", "b-confusion.png"]
    named = draw(tmp_path / "r", Output(tmp_path / "r", tmp_path / "fig", named=True), FAST)
    expected = ["fig.png", "fig-a-confusion.png", "fig-b-confusion.png"]
    assert [path.name for path in named.paths] == expected


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"a": [["query", "identity"], ["one.jpg", 7]]}, "no tables of the same classes"),
        ({"a": [[CORNER, SHARE]]}, "no tables of the same classes"),
        ({"a": shares([1, 2, 3]), "b": [[CORNER, SHARE], ["road", 1]]}, "no tables of the same classes"),
        ({"a": shares([1, "nan", 3])}, "no usable column"),
    ],
)
def test_what_is_no_overlap_is_refused(tmp_path, tables, message):
    results(tmp_path / "out", tables)
    with pytest.raises(ResultsError, match=message) as caught:
        draw(tmp_path / "out", Output(tmp_path / "out", tmp_path / "out" / "iou"), FAST)
    assert "\n" not in str(caught.value)

"""Training curves read back from the figure."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from parametrised import rare

from rgaviz.errors import RgavizError
from rgaviz.figures.curves import draw_curves
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import FigureOptions, style

LABELS = {"loss": "loss", "error": "error (%)"}
ROWS = [
    {
        "network": n,
        "epoch": e,
        "train_loss": loss,
        "train_error": 50 - e,
        "test_loss": loss + 1,
        "test_error": 60 - e,
    }
    for n, loss in (("baseline", 1.0), ("rga", 2.0))
    for e in (2, 1)
]


def test_two_panels_one_colour_per_network_train_dashed():
    figure = draw_curves(ROWS, FigureOptions(), LABELS)
    loss, error = figure.axes
    assert figure.get_figwidth() == pytest.approx(6.875)
    assert (loss.get_ylabel(), error.get_ylabel(), error.get_xlabel()) == ("loss", "error (%)", "epoch")
    lines = {line.get_label(): line for line in error.lines}
    assert list(lines) == ["baseline train", "baseline test", "rga train", "rga test"]
    np.testing.assert_array_equal(lines["rga test"].get_xdata(), [1, 2])  # sorted
    np.testing.assert_array_equal(lines["rga test"].get_ydata(), [59, 58])
    np.testing.assert_array_equal(loss.lines[3].get_ydata(), [3, 3])
    assert (
        lines["rga train"].get_color() == lines["rga test"].get_color() != lines["baseline test"].get_color()
    )
    assert lines["rga train"].is_dashed()
    assert not lines["rga test"].is_dashed()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["baseline", "rga", "train", "test"]
    assert [ax.get_title() for ax in figure.axes] == ["loss", "error"]


def test_gaps_and_a_single_epoch():
    rows = [{"network": "a", "epoch": "1", "train_loss": "0.5", "train_error": "", "test_loss": None}]
    loss, error = draw_curves(rows, FigureOptions(), LABELS).axes
    assert loss.lines[0].get_ydata()[0] == 0.5
    assert loss.lines[0].get_marker() == "o"  # one point draws no line
    assert not len(error.lines[0].get_ydata())
    assert not len(loss.lines[1].get_ydata())


def test_epochs_between_two_tests_do_not_break_the_line():
    tested = {2: 60.0, 4: 40.0}
    rows = [{"network": "a", "epoch": e, "train_error": 50, "test_error": tested.get(e)} for e in range(1, 5)]
    (error,) = draw_curves(rows, FigureOptions(), LABELS).axes  # nothing has a loss
    train, test = error.lines
    np.testing.assert_array_equal(test.get_xydata(), [(2, 60), (4, 40)])
    np.testing.assert_array_equal(train.get_xdata(), [1, 2, 3, 4])
    first = [row for row in rows if row["epoch"] < 4]
    assert draw_curves(first, FigureOptions(), LABELS).axes[0].lines[1].get_marker() == "o"


@pytest.mark.parametrize(("width", "columns"), [("column", 1), ("text", 2)])
def test_what_only_one_part_has_and_more_panels_than_two(width, columns):
    labels = {"loss": "loss", "map": "mAP (%)", "rank1": "rank-1 (%)", "minp": "mINP (%)"}
    rows = [
        {"network": "a", "epoch": e, "train_loss": 3 - e, "test_map": e, "test_rank1": 2 * e} for e in (1, 2)
    ]
    figure = draw_curves(rows, FigureOptions(width=width), labels)
    loss, mean, rank1 = figure.axes
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "mAP (%)", "rank-1 (%)"]
    assert [ax.get_title() for ax in figure.axes] == ["loss", "mAP", "rank-1"]
    assert loss.get_subplotspec().get_gridspec().ncols == columns
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), [2, 1])
    np.testing.assert_array_equal(rank1.lines[1].get_ydata(), [2, 4])
    assert not len(loss.lines[1].get_ydata())
    assert not len(mean.lines[0].get_ydata())


def test_nothing_to_draw():
    with pytest.raises(RgavizError, match="train for at least one"):
        draw_curves([], FigureOptions(), LABELS)


@pytest.mark.parametrize("width", ["column", rare("text")])
def test_nothing_is_cut_and_bytes_repeat(tmp_path, width):
    options = FigureOptions(formats=("png", "pdf"), width=width, dpi=100)
    figure = draw_curves(ROWS, options, LABELS)
    first = [path.read_bytes() for path in save_figure(figure, tmp_path / "a", options)]
    again = save_figure(draw_curves(ROWS, options, LABELS), tmp_path / "b", options)
    assert [path.read_bytes() for path in again] == first
    with matplotlib.rc_context(style(options)):
        tight = figure.get_tightbbox()
    assert tight.x0 >= -0.01
    assert tight.x1 <= options.inches + 0.01

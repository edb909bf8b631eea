"""The confusion matrix read back from the figure."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from parametrised import rare

from rgaviz.errors import RgavizError
from rgaviz.figures.confusion import draw_confusion
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import FigureOptions, style

MATRIX = np.array([[3, 1, 0], [0, 0, 0], [1, 0, 9]])
CLASSES = ["cat", "dog", "ship $"]


def test_percent_of_each_true_class():
    figure = draw_confusion(MATRIX, CLASSES, FigureOptions(), "rga")
    ax, bar = figure.axes
    image = ax.images[0]
    np.testing.assert_allclose(
        np.ma.filled(image.get_array(), np.nan), [[75, 25, 0], [np.nan] * 3, [10, 0, 90]]
    )
    assert image.get_clim() == (0, 100)
    assert bar.get_ylabel() == "share of the true class (%)"
    numbers = {text.get_position()[::-1]: text.get_text() for text in ax.texts}
    assert numbers == {(0, 0): "75", (0, 1): "25", (2, 0): "10", (2, 2): "90"}
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("predicted class", "true class", "rga")
    assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES
    assert figure.get_figwidth() == pytest.approx(6.875)


def test_many_classes_have_no_numbers():
    ax = draw_confusion(np.eye(30, dtype=int), [f"class {i}" for i in range(30)], FigureOptions()).axes[0]
    assert not ax.texts
    assert "class 1" not in [label.get_text() for label in ax.get_xticklabels()]


def test_no_title():
    assert draw_confusion(MATRIX, CLASSES, FigureOptions(title=False), "rga").axes[0].get_title() == ""


def test_a_matrix_that_does_not_fit():
    with pytest.raises(RgavizError, match=r"shape \(3, 3\) does not fit 2 classes"):
        draw_confusion(MATRIX, CLASSES[:2], FigureOptions())


@pytest.mark.parametrize("width", ["column", rare("text")])
def test_nothing_is_cut_numbers_fit_their_cells_and_bytes_repeat(tmp_path, width):
    options = FigureOptions(formats=("png", "pdf", "svg"), width=width, dpi=100)
    matrix, classes = np.full((12, 12), 10_000), [f"automobile {i}" for i in range(12)]
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, 10_000_000)  # "99", and the others stay empty
    figure = draw_confusion(matrix, classes, options)
    first = [path.read_bytes() for path in save_figure(figure, tmp_path / "a", options)]
    again = save_figure(draw_confusion(matrix, classes, options), tmp_path / "b", options)
    assert [path.read_bytes() for path in again] == first
    with matplotlib.rc_context(style(options)):
        tight = figure.get_tightbbox()
        widths = [text.get_window_extent().width for text in figure.axes[0].texts]
    assert tight.x0 >= -0.01
    assert tight.x1 <= options.inches + 0.01
    assert tight.y0 >= -0.01
    ax = figure.axes[0]
    cell = ax.get_window_extent().width / 12
    assert {text.get_text() for text in ax.texts} == {"99"}
    assert max(widths) < cell

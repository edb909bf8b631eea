"""Growth read back from the figure."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from parametrised import rare

from rgaviz.errors import RgavizError
from rgaviz.figures.growth import draw_scaling
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import FigureOptions, style

X = [64, 256, 576, 1024]
CURVES = [
    {
        "label": name,
        "x": X[:count],
        "latency_ms": [0.1 * x**power for x in X[:count]],
        "memory_mib": [0.01 * x**power for x in X[:count]],
        "exponents": (power, power - 0.25),
        "direct": "direct" in name,
    }
    for name, power, count in (("se", 1.0, 4), ("rga-sc", 1.75, 4), ("rga-sc (direct)", 3.0, 3))
]


def test_two_log_panels_direct_form_dashed():
    figure = draw_scaling(CURVES, FigureOptions(), "N")
    time, memory = figure.axes
    for ax, key in ((time, "latency_ms"), (memory, "memory_mib")):
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
        assert len(ax.lines) == 3
        for line, curve in zip(ax.lines, CURVES, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), curve["x"])
            np.testing.assert_array_equal(line.get_ydata(), curve[key])
        se, factored, direct = ax.lines
        assert se.get_color() != factored.get_color() == direct.get_color()
        assert [line.is_dashed() for line in ax.lines] == [False, False, True]
        assert [label.get_text() for label in ax.get_xticklabels()] == [str(x) for x in X]
    assert (time.get_ylabel(), memory.get_ylabel()) == ("time (ms)", "memory (MiB)")
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [
        "se: time $N^{1.0}$, memory $N^{0.8}$",
        "rga-sc: time $N^{1.8}$, memory $N^{1.5}$",
        "rga-sc (direct): time $N^{3.0}$, memory $N^{2.8}$",
    ]
    assert all(text.get_parse_math() for text in legend.get_texts())
    assert legend.get_title().get_text().endswith("larger half of sizes")


def test_quartiles_of_the_time():
    low, high = [0.05 * x for x in X], [0.2 * x for x in X]
    figure = draw_scaling([{**CURVES[0], "quartiles": (low, high)}], FigureOptions(), "N")
    (bars,) = figure.axes[0].collections
    expected = [[(x, first), (x, third)] for x, first, third in zip(X, low, high, strict=True)]
    np.testing.assert_array_equal(bars.get_segments(), expected)
    assert not figure.axes[1].collections
    assert figure.legends[0].get_title().get_text().endswith("; bars: quartiles")


def test_memory_that_was_not_measured():
    curves = [{**CURVES[0], "memory_mib": [None] * 4, "exponents": (1.0, None)}]
    figure = draw_scaling(curves, FigureOptions(), "C")
    assert np.isnan(figure.axes[1].lines[0].get_ydata()).all()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["se: time $C^{1.0}$"]
    assert figure.axes[0].get_xlabel().startswith("C,")
    figure.draw_without_rendering()


def test_nothing_to_draw():
    with pytest.raises(RgavizError, match="--attention"):
        draw_scaling([], FigureOptions(), "N")


@pytest.mark.parametrize("width", ["column", rare("text")])
def test_nothing_is_cut_and_bytes_repeat(tmp_path, width):
    options = FigureOptions(formats=("png", "pdf", "svg"), width=width, dpi=100)
    figure = draw_scaling(CURVES, options, "N")
    first = [path.read_bytes() for path in save_figure(figure, tmp_path / "a", options)]
    again = save_figure(draw_scaling(CURVES, options, "N"), tmp_path / "b", options)
    assert [path.read_bytes() for path in again] == first
    assert b"/FontFile2" in first[1]
    assert b"/Type3" not in first[1]
    with matplotlib.rc_context(style(options)):
        tight = figure.get_tightbbox()
    assert tight.x0 >= -0.01
    assert tight.x1 <= options.inches + 0.01
    assert tight.y0 >= -0.01

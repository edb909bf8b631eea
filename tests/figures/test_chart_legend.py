"""Legends below charts: no more than a quarter of the figure, every name told apart, nothing beyond the page."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from parametrised import rare

from rgaviz.figures.chart_legend import NARROWEST, fit_legend, shortened
from rgaviz.figures.cmc import draw_cmc
from rgaviz.figures.cost import draw_cost
from rgaviz.figures.curves import draw_curves
from rgaviz.figures.growth import draw_scaling
from rgaviz.figures.histogram import draw_histogram
from rgaviz.figures.intervals import Shares, draw_intervals
from rgaviz.figures.iou import draw_iou
from rgaviz.figures.style import SMALL, FigureOptions, style
from rgaviz.figures.text import text_inches
from rgaviz.figures.thresholds import COLUMNS, Outlines, draw_thresholds

PARTS = ("head", "torso")


def of_curves(names, options):
    rows = [
        {"network": name, "epoch": epoch, "train_loss": 1, "test_loss": 2, "train_error": 3, "test_error": 4}
        for name in names
        for epoch in (1, 2)
    ]
    return draw_curves(rows, options, {"loss": "loss", "error": "error (%)"})


def of_histogram(names, options):
    return draw_histogram([{"label": name, "values": np.full((2, 4), 0.5)} for name in names], options)


def of_cmc(names, options):
    return draw_cmc({f"{name}: Rank-1 50.00%": [(1, 50.0), (2, 75.0)] for name in names}, options)


def of_iou(names, options):
    return draw_iou(["road", "car"], {f"{name}: mIoU 50.00%": [90.0, 10.0] for name in names}, options)


def of_growth(names, options):
    curve = {"x": [64, 256], "latency_ms": [1, 2], "memory_mib": [1, 2], "exponents": (1.0, 1.75)}
    return draw_scaling([{"label": name, "direct": False, **curve} for name in names], options, "N")


def of_intervals(names, options):
    values = {part: dict.fromkeys(names, (0.5, 0.4, 0.6)) for part in PARTS}
    floors = {"ones": dict.fromkeys(PARTS, 0.2), "gaussian": dict.fromkeys(PARTS, 0.3)}
    random = {part: dict.fromkeys(names, 0.1) for part in PARTS}
    panels = {"Grad-CAM (conv5)": (True, values), "spatial mask (conv5)": (False, values)}
    return draw_intervals(Shares(PARTS, names, panels, floors, random), options)


def of_thresholds(names, options):
    curve = ([0.0, 0.5], [0.5, 0.25])
    curves = {column: dict.fromkeys(names, curve) for column in COLUMNS}
    floors = {column: dict.fromkeys(("ones", "gaussian"), curve) for column in COLUMNS}
    panels = {"Grad-CAM (conv5)": (True, curves), "spatial mask (conv5)": (False, curves)}
    return draw_thresholds(Outlines("person", names, panels, floors, curves), options)


CHARTS = {
    "curves": of_curves,
    "histogram": of_histogram,
    "cmc": of_cmc,
    "iou": of_iou,
    "growth": of_growth,
    "intervals": of_intervals,
    "thresholds": of_thresholds,
}
FEW = [f"rga{number}" for number in range(8)]
LONG = [f"resnet50-stride1-bnneck_rga-sc_market1501_seed{number}" for number in range(8)]
MANY = [f"resnet50-stride1-bnneck_rga-sc_market1501_seed{number}" for number in range(20)]


@pytest.mark.parametrize("width", ["column", rare("text")])
@pytest.mark.parametrize("names", [FEW, LONG, MANY], ids=["few", "long", "many"])
@pytest.mark.parametrize("chart", CHARTS)
def test_a_legend_takes_a_quarter_of_the_figure_at_most(chart, names, width):
    options = FigureOptions(dpi=100, width=width)  # of fewer, formulas are rounded up by a sixth
    figure = CHARTS[chart](names, options)
    (legend,) = figure.legends
    with matplotlib.rc_context(style(options)):
        figure.draw_without_rendering()
        box = legend.get_window_extent()
    assert box.height <= 0.25 * figure.bbox.height
    assert box.x0 >= -1
    assert box.x1 <= figure.bbox.width + 1
    texts = [text.get_text() for text in legend.get_texts()]
    assert len(set(texts)) == len(texts)
    left_out = [text for text in texts if text.startswith("and ")]
    beside = {"curves": 2, "intervals": 3, "thresholds": 3}.get(chart, 0)
    counted = len(texts) - beside - len(left_out) + sum(int(text.split()[1]) for text in left_out)
    assert counted == len(names)
    assert not left_out or names is MANY
    if names is FEW:
        assert all(text.startswith(name) for text, name in zip(texts, names, strict=False))


def test_numbers_behind_names_are_never_shortened():
    figure = of_cmc(LONG, FigureOptions(dpi=50, width="column"))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert all("…" in text and text.endswith(": Rank-1 50.00%") for text in texts)


def test_names_stay_whole_where_there_is_room():
    with matplotlib.rc_context(style(FigureOptions())):
        legend = fit_legend(LONG[:2], 6.9, 2.0, others=["train", "all ones (share of the pixels)"])
        narrow = fit_legend(LONG, 3.3, 1.5, others=["train", "all ones (share of the pixels)"])
    assert legend.names == LONG[:2]
    assert legend.others == ["train", "all ones (share of the pixels)"]
    assert not legend.left_out
    assert narrow.others == ["train", "all ones"]  # the words in brackets go first


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["baseline", "rga"], ["baseline", "rga"]),
        (["one_long_name_of_a_network", "rga"], ["one_l…twork", "rga"]),
        (["a_long_name_x_of_networks", "a_long_name_y_of_networks"], ["…x…", "…y…"]),
    ],
)
def test_shortened_by_hand(names, expected):
    with matplotlib.rc_context(style(FigureOptions())):
        room = text_inches("one_l…twork", SMALL)
        assert shortened(names, [room] * len(names)) == expected


def test_what_has_no_room_is_counted():
    names = [f"network {number}" for number in range(100)]
    with matplotlib.rc_context(style(FigureOptions())):
        legend = fit_legend(names, 3.3, 1.5, others=["train"])
        assert all(text_inches(name, SMALL) >= NARROWEST / 2 for name in legend.names)
    assert 0 < legend.left_out < 100
    assert len(legend.names) + legend.left_out == 100
    assert legend.others == ["train"]


@pytest.mark.parametrize("width", ["column", rare("text")])
def test_names_beside_points_leave_room_to_each_other(width):
    options = FigureOptions(dpi=50, width=width)
    rows = [
        {"label": name, "cost": 4 + 0.1 * number, "value": 6.4 - 0.03 * (number % 5), "spread": None}
        for number, name in enumerate(LONG)
    ]
    ax = draw_cost(rows, options, "GMACs", "error (%)").axes[0]
    names = [text.get_text() for text in ax.texts]
    assert len(set(names)) == len(LONG)
    with matplotlib.rc_context(style(options)):
        area = sum(text_inches(name, SMALL) for name in names) * SMALL / 72
        inches = ax.get_window_extent().size / 50
    assert area <= 0.15 * inches.prod()

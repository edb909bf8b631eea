"""The comparison figure read back: scales, colour bars, captions."""

from __future__ import annotations

import numpy as np
import pytest
from compared import (
    DIFFERENCE,
    FAST,
    MASK,
    SAID,
    A,
    B,
    bars,
    draw,
    lines,
    make,
    panel,
    ref,
)

from rgaviz.figures.layout import RIGHT, WRONG
from rgaviz.figures.scales import Scales, subtract
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import Line

LABELS = {
    None: [
        ("CAM (conv5), fraction of each network's maximum (a 8, b 1)", 0, 1),
        ("attention mask, raw value, one scale for all panels", 0, 1),
        ("difference of CAM fractions, one scale for all panels", -0.9, 0.9),  # 0.1 * 2 / 1 - 4 * 2 / 8, ...
    ],
    "shared": [
        ("CAM (conv5), raw value, one scale for all panels", 0, 8),
        ("attention mask, raw value, one scale for all panels", 0, 1),
        ("difference of CAM raw values, one scale for all panels", -7.8, 7.8),
    ],
    "image": [
        ("CAM (conv5), fraction of each panel's maximum", 0, 1),
        ("attention mask, fraction of each panel's maximum", 0, 1),
        ("difference of CAM fractions, one scale for all panels", -0.8, 0.8),  # 0.1 / 0.5 - 4 / 4
    ],
    "model": [
        ("CAM (conv5), fraction of each network's maximum (a 8, b 1)", 0, 1),
        ("attention mask, fraction of each network's maximum (b 0.8)", 0, 1),
        ("difference of CAM fractions, one scale for all panels", -0.8, 0.8),
    ],
    "fixed:1,3": [
        ("CAM (conv5), raw value, fixed scale for all panels (largest value 8)", 1, 3),
        ("attention mask, raw value, one scale for all panels", 0, 1),
        ("difference of CAM raw values, one scale for all panels", -7.8, 7.8),
    ],
}
LABELS[None][2] = LABELS["model"][2]  # the larger picture fills both scales: 0.2 / 1 - 8 / 8


@pytest.mark.parametrize("scale", LABELS)
def test_colour_bars_state_the_scale(tmp_path, scale):
    figure = draw(make(tmp_path / "r", sizes=((20, 30), (20, 30))), FigureOptions(dpi=50, scale=scale))
    found = bars(figure)
    assert [label for label, *_ in found] == [label for label, *_ in LABELS[scale]]
    np.testing.assert_allclose([ends for _, *ends in found], [ends for _, *ends in LABELS[scale]], atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "first", "second", "mask"),
    [
        ("shared", (0, 8), (0, 8), (0, 1)),
        ("model", (0, 8), (0, 1), (0, 0.8)),
        ("image", (0, 4), (0, 0.5), (0, 0.8)),
        ("fixed:1,3", (1, 3), (1, 3), (0, 1)),
    ],
)
def test_limits_of_each_scale(tmp_path, scale, first, second, mask):
    results = make(tmp_path / "r", sizes=((20, 30), (20, 30)))
    scales = Scales(results, FigureOptions(scale=scale))
    for column, expected in ((A, first), (B, second), (MASK, mask)):
        assert scales.limits(panel(column, "0")) == pytest.approx(expected)


def test_model_scale_is_for_each_method(tmp_path):
    other = {**B, "map": ref("b", "layercam", "cam"), "title": "rga LayerCAM"}
    results = make(tmp_path / "r", [B, other], **{"b/layercam": [[0.0, 50.0]]})
    scales = Scales(results, FAST)
    assert scales.limits(panel(B, "0")) == (0, 0.5)
    assert scales.limits(panel(other, "0")) == (0, 50)
    assert bars(draw(results))[0][0].endswith("(gradcam 0.5, layercam 50)")


def test_a_map_of_zeros_has_a_scale_and_a_flag(tmp_path):
    results = make(tmp_path / "r", [B], **{"b/gradcam": np.zeros((2, 2))})
    assert Scales(results, FAST).limits(panel(B, "0")) == (0, 1)
    assert [text for text, _ in lines(draw(results).axes[0])][-1] == "! uses 0% of the scale"


def test_difference_is_at_the_finer_resolution():
    coarse, fine = np.array([[1.0]], np.float32), np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    np.testing.assert_array_equal(subtract(fine, coarse), [[0, 1], [2, 4]])
    np.testing.assert_array_equal(subtract(coarse, fine), [[0, -1], [-2, -4]])


def test_differences_of_signed_maps_are_of_fractions_of_their_largest_value(tmp_path):
    one, other = (ref(each, "gradcam", "signed") for each in "ab")
    column = {"title": "b − a", "kind": "difference", "map": other, "minus": one}
    shown = [{**A, "map": one}, {**B, "map": other}, column]
    values = {"a/gradcam": [[-4.0, 2.0]], "b/gradcam": [[1.0, -0.5]]}
    scales = Scales(make(tmp_path / "r", shown, sizes=((20, 30),), **values), FAST)
    expected = [[1 / 1 + 4 / 4, -0.5 / 1 - 2 / 4]]
    np.testing.assert_allclose(scales.difference(panel(column, "0")), expected)


def test_captions(tmp_path):
    flag = Line(text="flat map", role="flag")
    wrong = [Line(text="cat 93%", role="wrong"), Line(text="target: dog"), flag]
    told = {0: [Line(text="0.jpg"), Line(text="label: cat")], 1: SAID, 2: wrong, 3: [Line(text="cat")]}
    axes = draw(make(tmp_path / "r", lines=told)).axes
    assert lines(axes[0]) == [("0.jpg", "#000000"), ("label: cat", "#000000")]
    assert lines(axes[1]) == [("cat 93% ✓", RIGHT)]
    assert lines(axes[2]) == [("cat 93% ✗", WRONG), ("target: dog", "#000000"), ("! flat map", "#b35900")]
    assert lines(axes[3]) == [("cat", "#000000")]
    assert lines(axes[4]) == [("3 channels", "#000000"), ("mean 0.50", "#000000")]
    titles = [[text.get_text() for text in ax.texts if text.xy[1] == 1] for ax in axes[:6]]
    assert titles[0] == ["input"]
    assert " ".join(reversed(titles[1])) == "baseline Grad-CAM"  # the colour bar says the layer


def test_channel_bars_and_their_mean(tmp_path):
    ax = draw(make(tmp_path / "r")).axes[4]
    heights = ax.patches[0].get_data()[0]
    np.testing.assert_allclose(heights, [0.1, 0.5, 0.9])
    assert ax.get_ylim() == (0, 1)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 0.5)


@pytest.mark.parametrize("count", [128, 129])
def test_more_than_128_channels_are_a_curve_from_the_least_up_and_the_panel_says_so(tmp_path, count):
    values = np.random.default_rng(0).random(count).astype(np.float32)
    ax = draw(make(tmp_path / "r", **{"b/conv5/channel": values})).axes[4]
    told = [text for text, _ in lines(ax)]
    mean = ax.lines[-1].get_ydata()
    np.testing.assert_allclose(mean, [values.mean()] * 2, rtol=1e-6)
    if count == 128:
        np.testing.assert_allclose(ax.patches[0].get_data()[0], values)
        assert " ".join(told) == f"128 channels mean {values.mean():.2f}"
    else:
        np.testing.assert_allclose(ax.lines[0].get_ydata(), sorted(values))
        np.testing.assert_allclose(ax.lines[0].get_xdata(), np.arange(129) + 0.5)
        assert not ax.patches
        assert " ".join(told) == f"129 channels, sorted mean {values.mean():.2f}"


def test_a_colour_bar_with_many_maxima_tells_them_in_the_order_of_the_panels(tmp_path):
    names = [f"a-network-with-a-long-name-{number}" for number in range(6)]
    columns = [{**A, "title": name, "map": ref(name, "gradcam", "cam")} for name in names]
    maps = {f"{name}/gradcam": [[0.0, number + 1.5]] for number, name in enumerate(names)}
    results = make(tmp_path / "r", columns, **maps)
    (narrow,) = bars(draw(results, FigureOptions(dpi=50, width="column")))
    assert narrow[0].endswith(
        "fraction of each network's maximum (in the order of the panels 1.5, 2.5, 3.5, 4.5, 5.5, 6.5)"
    )
    (wide,) = bars(draw(results, FigureOptions(dpi=50, width=20)))
    told = ", ".join(f"{name} {number + 1.5}" for number, name in enumerate(names))
    assert wide[0].endswith(f"({told})")


def test_a_panel_that_hardly_moves_is_flagged(tmp_path):
    weak = {"b/gradcam": [[0.0, 0.35], [0.1, 0.2]]}
    axes = draw(make(tmp_path / "r", **weak), FigureOptions(dpi=50, scale="shared")).axes
    assert lines(axes[1]) == []
    assert lines(axes[2])[0][0] == "! uses 9% of the scale"


def test_nan_is_flagged_warned_and_grey(tmp_path):
    results = make(tmp_path / "r", [A], **{"a/gradcam": [[np.nan, np.nan], [0.0, 4.0]]})
    with pytest.warns(RuntimeWarning, match="NaN"):
        ax = draw(results).axes[0]
    assert ("! NaN values (grey)", "#b35900") in lines(ax)
    np.testing.assert_array_equal(ax.images[0].get_array()[0, 0], [109] * 3)  # half 90, half 128


@pytest.mark.parametrize("side", ["a/gradcam", "b/gradcam"])
def test_a_difference_with_nan_on_either_side_is_flagged(tmp_path, side):
    results = make(tmp_path / "r", [DIFFERENCE], **{side: [[np.nan, 1.0], [0.0, 4.0]]})
    with pytest.warns(RuntimeWarning, match="NaN"):
        ax = draw(results).axes[0]
    assert ("! NaN values (grey)", "#b35900") in lines(ax)

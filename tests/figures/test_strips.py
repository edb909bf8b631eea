"""``--preset figure3``: narrow panels side by side, in two parts."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from compared import BARS, COLUMNS, DIFFERENCE, FAST, INPUT, MAPS, MASK, A, B, bars, make, save

from rgaviz.errors import RgavizError
from rgaviz.figures.draw import check_preset, figure_options
from rgaviz.figures.grid import draw_grid
from rgaviz.figures.overlay import overlay
from rgaviz.figures.style import FigureOptions, style
from rgaviz.results.manifest import Line

FIVE = [INPUT, A, B, MASK]  # (a) three panels a picture, (b) two
CROPS = [(32, 16)] * 6


def options(**changes):
    return FigureOptions(**{"dpi": 100, "preset": "figure3", **changes})


def pages(results, chosen):
    return [page.figure for page in draw_grid(results, chosen)]


def panels(figure):
    return [ax for ax in figure.axes if ax.images and not ax.get_xlabel()]


def said(figure):
    return [text.get_text() for text in figure.texts]


def boxes(figure, chosen):
    """Of all that is drawn, in inches."""
    with matplotlib.rc_context(style(chosen)):
        figure.canvas.draw()
        found = [ax.get_tightbbox() for ax in figure.axes] + [
            text.get_window_extent() for text in figure.texts
        ]
    return [box.transformed(figure.dpi_scale_trans.inverted()) for box in found]


@pytest.mark.parametrize(("width", "most"), [("column", 2), ("text", 4)])
def test_it_fits_fills_the_width_and_nothing_overlaps(tmp_path, width, most):
    chosen = options(width=width)
    (figure,) = pages(make(tmp_path / "r", FIVE, CROPS), chosen)
    assert figure.get_figwidth() == chosen.inches
    found = boxes(figure, chosen)
    for index, box in enumerate(found):
        assert box.x0 >= -0.01
        assert box.x1 <= chosen.inches + 0.01
        assert box.y0 >= -0.01
        assert box.y1 <= figure.get_figheight() + 0.01
        for other in found[:index]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            along = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 0.011 or along <= 0.02
    shown = [ax.get_window_extent() for ax in panels(figure)]
    assert len(shown) == 6 * 5
    assert all(box.height == pytest.approx(2 * box.width, abs=1.5) for box in shown)
    beside = sum(abs(box.y0 - shown[0].y0) < 1 for box in shown) / 5
    assert beside == min(most, 3 if most > 2 else 2)  # six in lines of equal length
    left, right = min(box.x0 for box in shown), max(box.x1 for box in shown)
    assert (right - left) / (100 * chosen.inches) > 0.94
    area = sum(box.width * box.height for box in shown)
    top, bottom = max(box.y1 for box in shown), min(box.y0 for box in shown)
    assert area / ((right - left) * (top - bottom)) > 0.82  # the rest are gaps
    assert [bar[0].split(",")[0] for bar in bars(figure)] == ["CAM", "attention mask"]


def test_the_order_and_content_of_panels(tmp_path):
    (figure,) = pages(make(tmp_path / "r", FIVE, CROPS[:2]), options())
    arrays = [ax.images[0].get_array() for ax in panels(figure)]
    base = np.full_like(arrays[0], 90)
    expected = []
    for number in (1, 2):  # part (a): maps of picture i are MAPS times i, on one scale for each network
        cams = ((np.array(MAPS[f"{name}/gradcam"]) * number, high) for name, high in (("a", 8), ("b", 1)))
        expected += [base, *(overlay(base, values, "turbo", 0, high, 0.5) for values, high in cams)]
    expected += [base, overlay(base, np.array(MAPS["b/conv5/spatial"]), "turbo", 0, 1, 0.5)] * 2
    for array, wanted in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)
    tops = [ax.get_position().x0 for ax in panels(figure)]
    assert tops == sorted(tops)


def test_what_is_said_once_below_the_parts(tmp_path):
    told = {
        1: [Line(text="norm 1"), Line(text="target: norm")],
        2: [Line(text="norm 2"), Line(text="target: norm")],
    }
    results = make(tmp_path / "r", FIVE, CROPS[:2], told)
    assert said(*pages(results, options())) == [
        "(a) Grad-CAM (conv5): input | baseline | rga; target: norm",
        "(b) input | rga mask",
    ]
    assert said(*pages(results, options(title=False))) == ["(a)", "(b)"]


def test_a_part_that_is_alone_has_no_mark(tmp_path):
    (figure,) = pages(make(tmp_path / "r", [INPUT, A, B, DIFFERENCE], CROPS[:2]), options())
    assert said(figure) == ["input | baseline Grad-CAM (conv5) | rga Grad-CAM (conv5) | rga − baseline"]
    assert len(bars(figure)) == 2
    (figure,) = pages(make(tmp_path / "m", [INPUT, MASK], CROPS[:2]), options(title=False))
    assert said(figure) == []
    (figure,) = pages(make(tmp_path / "p", [INPUT], CROPS[:2]), options())
    assert said(figure) == ["input"]


def test_warnings_are_marked_and_told_below(tmp_path):
    results = make(tmp_path / "r", FIVE, CROPS[:2], {1: [Line(text="flat map", role="flag")]})
    (figure,) = pages(results, options())
    assert said(figure)[2:] == ["! flat map: 2 panels"]
    signs = [number for number, ax in enumerate(panels(figure)) if ax.texts]
    assert signs == [1, 4]


def test_the_caption_says_that_channels_are_sorted(tmp_path):
    (figure,) = pages(make(tmp_path / "few", [INPUT, BARS], CROPS[:2]), options())
    assert said(figure) == ["input | rga channels"]
    many = {"b/conv5/channel": np.linspace(0, 1, 200)}
    (figure,) = pages(make(tmp_path / "many", [INPUT, BARS], CROPS[:2], **many), options())
    assert said(figure) == ["input | rga channels; channels sorted by value"]


@pytest.mark.slow
def test_columns(tmp_path):
    results = make(tmp_path / "r", FIVE, CROPS)
    for columns in (2, 3, 6, 50):
        (figure,) = pages(results, options(columns=columns))
        rows = {round(ax.get_position().y0, 3) for ax in panels(figure)}
        assert len(rows) == -(-6 // min(columns, 6))
    with pytest.raises(RgavizError) as caught:
        pages(make(tmp_path / "many", FIVE, [(32, 16)] * 24), options(columns=24, width="column"))
    assert str(caught.value).startswith("--columns 24 leaves 72 panels no room: choose at most ")
    most = int(str(caught.value).split("at most ")[1].split(",")[0])
    assert pages(make(tmp_path / "most", FIVE, [(32, 16)] * 24), options(columns=most, width="column"))


def test_parts_one_below_the_other_where_they_have_no_room_beside(tmp_path):
    maps = [{**A, "title": f"network {number}"} for number in range(8)]
    masks = [{**MASK, "title": f"mask {number}"} for number in range(8)]
    chosen = options(width="column")
    (figure,) = pages(make(tmp_path / "r", [INPUT, *maps, *masks], CROPS[:2]), chosen)
    shown = panels(figure)
    assert len(shown) == 2 * 18
    first, second = shown[:18], shown[18:]
    assert min(ax.get_position().y0 for ax in first) > max(ax.get_position().y1 for ax in second)
    assert [text[:3] for text in said(figure) if text.startswith("(")] == ["(a)", "(b)"]
    many = [{**A, "title": f"network {number}"} for number in range(30)]
    with pytest.raises(RgavizError, match=r"no room for the 31 panels of a picture.*--preset rows") as caught:
        pages(make(tmp_path / "many", [INPUT, *many], CROPS[:2]), chosen)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("size", [(30, 30), (20, 60), (90, 10), (5, 400)])
def test_other_aspect_ratios(tmp_path, size):
    chosen = options()
    (figure,) = pages(make(tmp_path / "r", COLUMNS, [size] * 3), chosen)
    for ax in panels(figure):
        box = ax.get_window_extent()
        assert abs(box.height - box.width * size[0] / size[1]) <= 0.5 + 0.5 * size[0] / size[1] + 0.5
    assert all(-0.01 <= box.x0 <= box.x1 <= chosen.inches + 0.01 for box in boxes(figure, chosen))


def test_pictures_of_several_shapes_lie_in_equal_cells(tmp_path):
    sizes = [(32, 16), (32, 16), (30, 20), (20, 40)]
    (figure,) = pages(make(tmp_path / "r", [INPUT, A], sizes), options())
    extents = [ax.get_window_extent() for ax in panels(figure)]
    for (height, width), box in zip([size for size in sizes for _ in range(2)], extents, strict=True):
        assert box.height / box.width == pytest.approx(height / width, rel=0.05)
    assert max(box.height for box in extents) == pytest.approx(extents[0].height, abs=1)


def test_pages(tmp_path):
    results = make(tmp_path / "r", FIVE, [(32, 16)] * 26)
    drawn = list(draw_grid(results, options(width="column", dpi=50)))
    assert len(drawn) == 2
    assert [page.suffix for page in drawn] == [f"-{number + 1}" for number in range(len(drawn))]
    assert sum(len(panels(page.figure)) for page in drawn) == 26 * 5
    assert all(page.figure.get_figheight() <= 8.52 for page in drawn)
    assert all(bars(page.figure) == bars(drawn[0].figure) for page in drawn)
    few = list(draw_grid(results, options(width="column", dpi=50, pages=1)))
    assert [(page.suffix, page.of) for page in few] == [("-1", len(drawn))]


def test_it_is_drawn_to_files_and_repeats(tmp_path):
    chosen = options(formats=("pdf", "svg", "png"), dpi=60)
    results = make(tmp_path / "r", FIVE, CROPS[:2])
    paths = save(results, tmp_path / "figs/one", chosen).paths
    again = save(results, tmp_path / "figs/two", chosen).paths
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_bad_settings(tmp_path):
    for changes, words in (
        ({"preset": "figure4"}, r"Unknown preset 'figure4'\. Did you mean 'figure3'"),
        ({"columns": -1}, "--columns -1 is out of range"),
        ({"columns": 1.5}, "--columns 1.5 is out of range"),
    ):
        with pytest.raises(RgavizError, match=words):
            options(**changes)
    with pytest.raises(RgavizError, match="--columns 3 is for --preset figure3"):
        check_preset("compare", FigureOptions(columns=3))
    with pytest.raises(
        RgavizError, match=r"--preset figure3 lays out panels of masks, cam, compare.*evaluate has none"
    ):
        check_preset("evaluate", options())


def test_back_to_rows_drops_the_columns(tmp_path):
    results = make(tmp_path / "r", FIVE, CROPS[:1])
    results.manifest.figure.update({"preset": "figure3", "columns": 2})
    assert figure_options(results, {}).columns == 2
    back = figure_options(results, {"preset": "rows"})
    assert (back.preset, back.columns) == ("rows", 0)
    assert FAST.preset == "rows"

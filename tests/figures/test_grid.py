"""The comparison figure read back: panels, geometry, overlays."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from compared import (
    BARS,
    COLUMNS,
    DIFFERENCE,
    FAST,
    INPUT,
    MAPS,
    MASK,
    A,
    bars,
    draw,
    lines,
    make,
    one_picture,
)
from matplotlib.colors import to_hex
from PIL import Image

from rgaviz.errors import OutputError
from rgaviz.figures.grid import draw_grid
from rgaviz.figures.layout import RIGHT, WRONG
from rgaviz.figures.overlay import overlay
from rgaviz.figures.overlays import overlay_panels, save_overlays
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import FigureOptions, style
from rgaviz.results.manifest import Line, Panel, Picture, Point, ResultsError
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter


def test_a_panel_is_the_overlay_at_its_own_resolution(tmp_path):
    results = make(tmp_path / "r")
    figure = draw(results)
    grid = [ax for ax in figure.axes if ax.images]
    assert len(figure.axes) == 6 + 3
    picture, cam, _, mask, difference = (ax.images[0].get_array() for ax in grid)
    assert max(picture.shape[:2]) >= 300  # although 50 dpi would give fewer
    np.testing.assert_array_equal(picture, np.full_like(picture, 90))
    base = np.full_like(picture, 90)
    np.testing.assert_array_equal(cam, overlay(base, np.array(MAPS["a/gradcam"]), "turbo", 0, 4, 0.5))
    np.testing.assert_array_equal(mask, overlay(base, np.array(MAPS["b/conv5/spatial"]), "turbo", 0, 1, 0.5))
    signed = np.array(MAPS["b/gradcam"]) / 0.5 - np.array(MAPS["a/gradcam"]) / 4
    np.testing.assert_allclose(difference, overlay(base, signed, "RdBu_r", -0.8, 0.8, 0.75), atol=1)


def test_small_pictures_keep_their_pixels_and_the_map_is_smooth(tmp_path):
    pixels = np.array([[[0] * 3, [255] * 3]] * 2, np.uint8)
    results = one_picture(tmp_path / "r", [INPUT, A], pixels, {"a/gradcam": np.array(MAPS["a/gradcam"])})
    shown, mapped = (ax.images[0].get_array() for ax in draw(results).axes[:2])
    assert set(np.unique(shown)) == {0, 255}
    assert len(np.unique(mapped.reshape(-1, 3), axis=0)) > 100


def test_a_difference_lies_over_a_picture_without_colours(tmp_path):
    red, same = np.full((9, 9, 3), [255, 0, 0], np.uint8), np.ones((2, 2))
    results = one_picture(tmp_path / "r", [DIFFERENCE], red, {"a/gradcam": same, "b/gradcam": same})
    shown = draw(results).axes[0].images[0].get_array()
    assert np.ptp(shown.astype(int), axis=2).max() <= 2  # the middle of the colour map is nearly neutral


@pytest.mark.parametrize("width", ["column", "text"])
def test_aspect_ratio_width_and_nothing_overlaps(tmp_path, width):
    options = FigureOptions(dpi=100, width=width)
    said = [
        Line(text="automobile 93%", role="right"),
        Line(text="target: cat"),
        Line(text="flat map", role="flag"),
    ]
    told = dict.fromkeys((1, 2, 3), said)
    paths = ["a_very_long_folder/and_a_long_file_name_0001.jpg", "b.jpg", "c.jpg"]
    sizes = ((200, 300), (400, 100), (30, 600))
    columns = COLUMNS if width == "text" else COLUMNS[:4]
    figure = draw(make(tmp_path / "r", columns, sizes, told, paths), options)
    assert figure.get_figwidth() == pytest.approx(options.inches)
    pictures = [ax for ax in figure.axes if ax.images]
    for index, (height, breadth) in enumerate(sizes):
        for ax in pictures[index * len(pictures) // 3 : (index + 1) * len(pictures) // 3]:
            box = ax.get_window_extent()
            # within half a pixel on each side
            assert abs(box.height - box.width * height / breadth) <= 0.5 + 0.5 * height / breadth
            assert box.height <= 1.6 * options.inches / len(columns) * 100 + 1
    with matplotlib.rc_context(style(options)):
        boxes = [text.get_window_extent() for ax in figure.axes for text in ax.texts]
        boxes += [
            text.get_window_extent() for ax in figure.axes for text in [ax.xaxis.label] if ax.get_xlabel()
        ]
        whole = figure.get_tightbbox()
    boxes += [ax.get_window_extent() for ax in figure.axes]
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            along = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert across <= 1 or along <= 1.5
    assert whole.x0 >= -0.01
    assert whole.y0 >= -0.01
    assert whole.x1 <= figure.get_figwidth() + 0.01
    assert whole.y1 <= figure.get_figheight() + 0.01


def test_no_titles(tmp_path):
    figure = draw(make(tmp_path / "r"), FigureOptions(dpi=50, title=False))
    assert not [text for ax in figure.axes for text in ax.texts if text.xy[1] == 1]


def test_names_that_the_font_lacks_or_that_look_like_mathematics(tmp_path):
    said = {1: [Line(text="$a_b$ 猫 93%", role="right")]}
    results = make(tmp_path / "r", COLUMNS[:2], lines=said, paths=["猫/$x$.jpg"])
    figure = draw(results)
    assert lines(figure.axes[0])[0][0] == "U+732B /$x$.jpg"
    save_figure(figure, tmp_path / "fig", FAST)  # warnings are errors here


def test_no_pictures(tmp_path):
    with pytest.raises(ResultsError, match="holds no pictures"):
        next(draw_grid(make(tmp_path / "e", sizes=()), FAST))


def test_a_map_of_the_wrong_rank(tmp_path):
    for number, column in enumerate(({**BARS, "kind": "map"}, {**MASK, "kind": "bars"})):
        results = make(tmp_path / str(number), [column])
        with pytest.raises(ResultsError, match=r"of picture 0\.jpg has shape \(.*\), not [12] dimensions"):
            next(draw_grid(results, FAST))


def test_overlays_at_the_size_shown(tmp_path):
    results = make(tmp_path / "r", sizes=((20, 30), (8, 8)), paths=["cats/a.b.jpg", "c.png"])
    paths = list(save_overlays(results, overlay_panels(results, tmp_path / "o"), FigureOptions(alpha=0.25)))
    names = [path.relative_to(tmp_path / "o").as_posix() for path in paths]
    assert names[:3] == ["cats/a.b-a-gradcam.png", "cats/a.b-b-gradcam.png", "cats/a.b-b-conv5-spatial.png"]
    assert len(names) == 6
    base = np.full((20, 30, 3), 90, np.uint8)
    with Image.open(paths[0]) as image:
        expected = overlay(base, np.array(MAPS["a/gradcam"]), "turbo", 0, 8, 0.25)
        np.testing.assert_array_equal(np.array(image), expected)


def test_two_pictures_that_would_write_one_overlay(tmp_path):
    results = make(tmp_path / "r", sizes=((8, 8), (8, 8)), paths=["a.jpg", "a.png"])
    with pytest.raises(OutputError, match=r"a\.jpg and a\.png would both write .*rename"):
        overlay_panels(results, tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_drawing_needs_neither_torch_nor_pyplot():
    modules = ["results", "results.writer", "figures.grid", "figures.draw"]  # the last loads every figure
    code = "import sys\n" + "".join(f"import rgaviz.{name}\n" for name in modules)
    code += "print({'torch', 'torchvision', 'matplotlib.pyplot'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_row_of_several_pictures_each_at_its_own_aspect_ratio(tmp_path):
    """A rank list: a query, what was found, right or wrong."""
    sizes = {"query": (40, 20), "first": (20, 40), "second": (40, 30)}
    pixels = {
        name: np.full((*size, 3), 40 * number, np.uint8) for number, (name, size) in enumerate(sizes.items())
    }
    head = {"command": "compare", "titles": ["query", "1", "2"]}
    with ResultsWriter(tmp_path / "r", head) as writer:
        for name, size in sizes.items():
            maps = {"a/gradcam": np.array(MAPS["a/gradcam"]) * (1 + (name == "second"))}
            writer.picture(Picture(id=name, path=f"{name}.jpg", size=list(size)), pixels[name], maps)
        found = [
            Panel(kind="picture", picture="first", frame="wrong"),
            Panel(kind="map", picture="second", map=A["map"], frame="right", marks=[Point(x=0.25, y=0.75)]),
        ]
        writer.row([Panel(kind="picture", picture="query"), *found])
        writer.row([Panel(kind="picture", picture="second"), found[0]])  # fewer
    figure = draw(read_results(tmp_path / "r"), FigureOptions(dpi=100))
    query, first, second, *others = [ax for ax in figure.axes if ax.images]
    assert len(others) == 2
    for ax, name in ((query, "query"), (first, "first"), (second, "second")):
        height, width = sizes[name]
        box = ax.get_window_extent()
        assert box.height / box.width == pytest.approx(height / width, rel=0.02)
        assert [" ".join(t.get_text() for t in ax.texts)] == [
            {"query": "query", "first": "1", "second": "2"}[name]
        ]
    np.testing.assert_array_equal(np.unique(first.images[0].get_array()), [40])
    expected = overlay(
        np.full_like(second.images[0].get_array(), 80), np.array(MAPS["a/gradcam"]) * 2, "turbo", 0, 8, 0.5
    )
    np.testing.assert_array_equal(second.images[0].get_array(), expected)  # a map of its own picture
    assert [to_hex(ax.patches[0].get_edgecolor()) for ax in (first, second, others[1])] == [
        WRONG,
        RIGHT,
        WRONG,
    ]
    assert not query.patches
    assert bars(figure) == [("CAM, fraction of each network's maximum (a 8)", 0, 1)]


def test_marks_lie_where_they_are_on_the_picture(tmp_path):
    with ResultsWriter(tmp_path / "r", {"command": "compare", "titles": ["input"]}) as writer:
        writer.picture(Picture(id="0", path="0.png", size=[40, 80]), np.full((40, 80, 3), 200, np.uint8), {})
        writer.row([Panel(kind="picture", picture="0", marks=[Point(x=0.25, y=0.75)])])
    options = FigureOptions(dpi=100, formats=("png",), title=False)
    figure = draw(read_results(tmp_path / "r"), options)
    (ax,) = figure.axes
    (path,) = save_figure(figure, tmp_path / "fig", options)
    with Image.open(path) as image:
        page = np.array(image.convert("L")).astype(int)
    box = ax.get_window_extent()
    top = page.shape[0] - box.y1
    dark = np.argwhere(page[round(top) : round(top + box.height), round(box.x0) : round(box.x1)] < 90)
    centre = (dark.mean(0) + 0.5) / (box.height, box.width)  # (y, x)
    np.testing.assert_allclose(centre, (0.75, 0.25), atol=0.02)


def test_kinds_of_a_later_version_are_refused_in_one_line(tmp_path):
    results = make(tmp_path / "r", [INPUT, MASK, {**MASK, "kind": "matrix"}])
    for drawing in (
        lambda: next(draw_grid(results, FAST)),
        lambda: overlay_panels(results, tmp_path / "over"),
    ):
        with pytest.raises(
            ResultsError, match="panels of kind 'matrix', which this version does not draw: upg"
        ):
            drawing()
    assert not (tmp_path / "over").exists()

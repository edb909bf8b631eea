"""The comparison figure read back: scales, colour bars, captions, geometry, pages."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from rgaviz.errors import OutputError
from rgaviz.figures.draw import draw as draw_figure
from rgaviz.figures.grid import draw_grid, save_overlays
from rgaviz.figures.layout import RIGHT, WRONG, Layout
from rgaviz.figures.overlay import overlay
from rgaviz.figures.scales import Scales, subtract
from rgaviz.figures.style import FigureOptions, save_figure, style
from rgaviz.outputs import Output
from rgaviz.results.manifest import Line, MapRef, Panel, Picture, Point, ResultsError
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter


def ref(checkpoint, name, group):
    return MapRef(checkpoint=checkpoint, name=name, group=group)


A = {"title": "baseline Grad-CAM (conv5)", "kind": "map", "map": ref("a", "gradcam", "cam")}
B = {"title": "rga Grad-CAM (conv5)", "kind": "map", "map": ref("b", "gradcam", "cam")}
MASK = {"title": "rga mask", "kind": "map", "map": ref("b", "conv5/spatial", "mask")}
BARS = {"title": "rga channels", "kind": "bars", "map": ref("b", "conv5/channel", "mask")}
DIFFERENCE = {"title": "rga − baseline", "kind": "difference", "map": B["map"], "minus": A["map"]}
INPUT = {"title": "input", "kind": "picture"}
COLUMNS = [INPUT, A, B, MASK, BARS, DIFFERENCE]
MAPS = {
    "a/gradcam": [[0.0, 2.0], [4.0, 1.0]],
    "b/gradcam": [[0.0, 0.5], [0.1, 0.2]],
    "b/conv5/spatial": [[0.2, 0.8], [0.5, 0.5]],
    "b/conv5/channel": [0.1, 0.5, 0.9],
}
SAID = [Line(text="cat 93%", role="right")]
FAST = FigureOptions(dpi=50)


def panel(column, picture, **more):
    """A panel of a column for a picture."""
    content = {key: value for key, value in column.items() if key != "title"}
    return Panel(**content, picture=picture, **more)


def make(folder, columns=COLUMNS, sizes=((20, 30),), lines=None, paths=None, **maps):
    """Results with one picture per size, a row each; the maps of picture i are MAPS times i + 1, masks apart."""
    with ResultsWriter(
        folder, {"command": "compare", "titles": [each["title"] for each in columns]}
    ) as writer:
        for i, size in enumerate(sizes):
            picture = Picture(id=str(i), path=paths[i] if paths else f"{i}.jpg", size=list(size))
            scaled = {k: np.array(v) * (1 if "conv5" in k else i + 1) for k, v in {**MAPS, **maps}.items()}
            writer.picture(picture, np.full((*size, 3), 90, np.uint8), scaled)
            told = {0: [Line(text=picture.path)], **(lines or {})}
            writer.row(
                [panel(column, str(i), lines=told.get(number, [])) for number, column in enumerate(columns)]
            )
    return read_results(folder)


def draw(results, options=FAST):
    (page,) = draw_grid(results, options)
    assert (page.suffix, page.of) == ("", 1)
    return page.figure


def save(results, stem, options):
    """The figure's files."""
    return draw_figure(results.folder, Output(stem, stem, named=True), options)


def one_picture(folder, columns, pixels, maps):
    """Results with a single picture."""
    with ResultsWriter(
        folder, {"command": "compare", "titles": [each["title"] for each in columns]}
    ) as writer:
        writer.picture(Picture(id="0", path="0.png", size=list(pixels.shape[:2])), pixels, maps)
        writer.row([panel(column, "0") for column in columns])
    return read_results(folder)


def bars(figure):
    """The colour bars: label on one line, and the ends."""
    found = [ax for ax in figure.axes if ax.get_xlabel()]
    return [(" ".join(ax.get_xlabel().split()), *ax.get_xlim()) for ax in found]


def lines(ax):
    """The lines under a panel (and, on the first row, its title's) as (text, colour)."""
    return [(text.get_text(), to_hex(text.get_color())) for text in ax.texts if text.xy[1] == 0]


LABELS = {
    None: [
        ("CAM, fraction of each network's maximum (a 8, b 1)", 0, 1),
        ("attention mask, raw value, one scale for all panels", 0, 1),
        ("difference of CAM fractions, one scale for all panels", -0.9, 0.9),  # 0.1 * 2 / 1 - 4 * 2 / 8, ...
    ],
    "shared": [
        ("CAM, raw value, one scale for all panels", 0, 8),
        ("attention mask, raw value, one scale for all panels", 0, 1),
        ("difference of CAM raw values, one scale for all panels", -7.8, 7.8),
    ],
    "image": [
        ("CAM, fraction of each panel's maximum", 0, 1),
        ("attention mask, fraction of each panel's maximum", 0, 1),
        ("difference of CAM fractions, one scale for all panels", -0.8, 0.8),  # 0.1 / 0.5 - 4 / 4
    ],
    "model": [
        ("CAM, fraction of each network's maximum (a 8, b 1)", 0, 1),
        ("attention mask, fraction of each network's maximum (b 0.8)", 0, 1),
        ("difference of CAM fractions, one scale for all panels", -0.8, 0.8),
    ],
    "fixed:1,3": [
        ("CAM, raw value, fixed scale for all panels (largest value 8)", 1, 3),
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


def test_difference_is_at_the_finer_resolution():
    coarse, fine = np.array([[1.0]], np.float32), np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    np.testing.assert_array_equal(subtract(fine, coarse), [[0, 1], [2, 4]])
    np.testing.assert_array_equal(subtract(coarse, fine), [[0, -1], [-2, -4]])


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
    assert " ".join(reversed(titles[1])) == A["title"]


def test_channel_bars_and_their_mean(tmp_path):
    ax = draw(make(tmp_path / "r")).axes[4]
    heights = ax.patches[0].get_data()[0]
    np.testing.assert_allclose(heights, [0.1, 0.5, 0.9])
    assert ax.get_ylim() == (0, 1)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 0.5)


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


def test_pages(tmp_path):
    results = make(tmp_path / "r", COLUMNS[:4], [(10, 60)] * 8)
    pages = list(draw_grid(results, FAST))
    assert [(page.suffix, page.of) for page in pages] == [("-1", 2), ("-2", 2)]
    assert [sum(bool(ax.images) for ax in page.figure.axes) for page in pages] == [6 * 4, 2 * 4]
    assert all(bars(page.figure) == bars(pages[0].figure) for page in pages)  # one scale for the whole
    tall = list(draw_grid(make(tmp_path / "t", COLUMNS[:4], [(60, 20)] * 5), FAST))
    assert len(tall) == 3
    assert all(page.figure.get_figheight() <= 8.52 for page in tall)


def test_pages_are_drawn_one_at_a_time(tmp_path, monkeypatch):
    results = make(tmp_path / "r", COLUMNS[:2], [(10, 60)] * 13)
    read = []
    picture = type(results).picture
    monkeypatch.setattr(type(results), "picture", lambda self, name: read.append(name) or picture(self, name))
    pages = draw_grid(results, FAST)
    next(pages)
    assert read == [str(i) for i in range(6)]


def test_saved_files_repeat_byte_for_byte(tmp_path):
    options = FigureOptions(formats=("pdf", "svg", "png"), dpi=60)
    results = make(tmp_path / "r")
    paths = save(results, tmp_path / "figs/one", options).paths
    assert [path.name for path in paths] == ["one.pdf", "one.svg", "one.png"]
    again = save(results, tmp_path / "figs/two", options).paths
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
    assert ">input</text>" in paths[1].read_text()


def test_several_pages_are_numbered(tmp_path):
    results = make(tmp_path / "r", COLUMNS[:2], [(20, 30)] * 7)
    drawn = save(results, tmp_path / "fig", FigureOptions(formats=("png",), dpi=50))
    assert [path.name for path in drawn.paths] == ["fig-1.png", "fig-2.png"]
    assert drawn.left_out == 0


def test_a_long_figure_ends_after_some_pages_on_the_scale_of_all(tmp_path):
    results = make(tmp_path / "r", COLUMNS[:2], [(20, 30)] * 20)  # five pages
    options = FigureOptions(formats=("png",), dpi=50, pages=2)
    drawn = save(results, tmp_path / "fig", options)
    assert [path.name for path in drawn.paths] == ["fig-1.png", "fig-2.png"]
    assert drawn.left_out == 3
    whole = save(results, tmp_path / "all", replace(options, pages=0))
    assert (len(whole.paths), whole.left_out) == (5, 0)
    assert [path.read_bytes() for path in whole.paths[:2]] == [path.read_bytes() for path in drawn.paths]


def test_no_titles(tmp_path):
    figure = draw(make(tmp_path / "r"), FigureOptions(dpi=50, title=False))
    assert not [text for ax in figure.axes for text in ax.texts if text.xy[1] == 1]


def test_names_that_the_font_lacks_or_that_look_like_mathematics(tmp_path):
    said = {1: [Line(text="$a_b$ 猫 93%", role="right")]}
    results = make(tmp_path / "r", COLUMNS[:2], lines=said, paths=["猫/$x$.jpg"])
    figure = draw(results)
    assert lines(figure.axes[0])[0][0] == "?/$x$.jpg"
    save_figure(figure, tmp_path / "fig", FAST)  # warnings are errors here


@pytest.mark.parametrize(
    ("count", "width", "per_line"), [(5, "column", 5), (11, "text", 11), (7, "column", 3), (17, "text", 6)]
)
def test_a_row_with_too_many_columns_breaks_into_lines(tmp_path, count, width, per_line):
    columns = [COLUMNS[0], *({**A, "title": f"map {i}"} for i in range(1, count))]
    options = FigureOptions(dpi=100, width=width)
    figure = draw(make(tmp_path / "r", columns, lines={count - 1: SAID}), options)
    panels = [ax for ax in figure.axes if ax.images]
    titles = ["".join(reversed([t.get_text() for t in ax.texts if t.xy[1] == 1])) for ax in panels]
    assert titles == ["input", *(f"map {i}" for i in range(1, count))]
    assert lines(panels[-1]) == [("cat 93% ✓", RIGHT)]
    tops = [round(ax.get_position().y1, 3) for ax in panels]
    assert tops.count(max(tops)) == per_line
    assert len(set(tops)) == -(-count // per_line)
    with matplotlib.rc_context(style(options)):
        boxes = [t.get_window_extent() for ax in panels for t in ax.texts]
        boxes += [ax.get_window_extent() for ax in figure.axes]
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            along = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert across <= 1 or along <= 1.5
    assert min(box.y0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.get_figwidth() * 100 + 1


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
    paths = list(save_overlays(results, tmp_path / "o", FigureOptions(alpha=0.25)))
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
        list(save_overlays(results, tmp_path / "o", FAST))
    assert not (tmp_path / "o").exists()


def test_drawing_needs_neither_torch_nor_pyplot():
    modules = ["results", "results.writer", "figures.grid", "figures.draw"]  # the last loads every figure
    code = "import sys\n" + "".join(f"import rgaviz.{name}\n" for name in modules)
    code += "print({'torch', 'torchvision', 'matplotlib.pyplot'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_lines_of_a_picture_stay_on_one_page(tmp_path):
    columns = [COLUMNS[0], *({**COLUMNS[1], "title": f"column {number}"} for number in range(15))]
    results = make(tmp_path / "r", columns, [(20, 30)] * 5)
    with matplotlib.rc_context(style(FAST)):
        layout = Layout(Scales(results, FAST), FAST)
        pages = layout.pages()
    assert layout.broken
    assert len(pages) > 1
    owners = [{line.panels[0].picture for line in page} for page in pages]
    assert sum(len(each) for each in owners) == 5  # none is on two pages
    assert [line for page in pages for line in page] == [line for lines in layout.rows for line in lines]


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


@pytest.mark.parametrize("kind", ["labels", "matrix"])
def test_kinds_of_a_later_version_are_refused_in_one_line(tmp_path, kind):
    results = make(tmp_path / "r", [INPUT, {**MASK, "kind": kind}])
    with pytest.raises(ResultsError, match=f"panels of kind '{kind}', which are drawn by a later version"):
        next(draw_grid(results, FAST))

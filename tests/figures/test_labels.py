"""Labels and errors as panels: their pixels, their edges, the legend of their colours."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from compared import CLASSES, ERRORS, FAST, INPUT, LABELS, MASK, A, draw, make, numbers, panel, save
from matplotlib.colors import to_rgb
from PIL import Image

from rgaviz.figures.grid import draw_grid
from rgaviz.figures.overlay import painted
from rgaviz.figures.overlays import overlay_panels, save_overlays
from rgaviz.figures.scales import Scales
from rgaviz.figures.style import WRONG, FigureOptions, style
from rgaviz.figures.swatches import MOST_LINES, SwatchLegend, swatches_of
from rgaviz.results.manifest import Picture, ResultsError, Swatch
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

COLUMNS = [INPUT, LABELS, ERRORS]
BASE = np.array([200, 100, 50], np.uint8)


def scene(folder, columns, labels=None, errors=None, classes=CLASSES, size=(60, 90)):
    """Results with a picture of one colour for each map of labels."""
    maps = [numbers(size, 3)] if labels is None else labels
    wrong = [numbers(size, 2)] * len(maps) if errors is None else errors
    head = {"command": "compare", "titles": [each["title"] for each in columns], "classes": classes}
    with ResultsWriter(folder, head) as writer:
        for number, (each, fault) in enumerate(zip(maps, wrong, strict=True)):
            entry = Picture(id=str(number), path=f"{number}.png", size=list(size))
            given = {
                "a/labels": each,
                "a/errors": fault,
                "a/gradcam": np.eye(2),
                "b/conv5/spatial": np.eye(2),
            }
            writer.picture(entry, np.full((*size, 3), BASE, np.uint8), given)
            writer.row([panel(column, entry.id) for column in columns])
    return read_results(folder)


def legend(figure):
    """Names and colours of the swatches of a page."""
    found = []
    for ax in figure.axes:
        if ax.patches and not ax.images and not ax.get_xlabel():
            colours = [patch.get_facecolor()[:3] for patch in ax.patches]
            found += zip([text.get_text() for text in ax.texts], colours, strict=True)
    return found


def slow(values, size, colour, base):
    """Each pixel of a larger raster by its place: the colour of the number there, over the picture."""
    wanted = np.empty((*size, 3), np.uint8)
    for y in range(size[0]):
        for x in range(size[1]):
            number = values[
                int((y + 0.5) * values.shape[0] / size[0]), int((x + 0.5) * values.shape[1] / size[1])
            ]
            opacity, shade = colour[int(number)]
            wanted[y, x] = np.rint((1 - opacity) * base + opacity * np.array(shade))
    return wanted


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_labels_lie_over_the_picture_with_sharp_edges(tmp_path, alpha):
    figure = draw(
        scene(tmp_path / "r", [LABELS], size=(6, 9)),
        FigureOptions(dpi=50, alpha=0.3, label_alpha=alpha, width="column"),
    )
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert max(shown.shape) >= 100
    colours = {number: (alpha, each.colour) for number, each in enumerate(CLASSES)} | {255: (0, BASE)}
    np.testing.assert_array_equal(shown, slow(numbers((6, 9), 3), shown.shape[:2], colours, BASE))


def test_errors_lie_over_the_picture_without_colours_and_what_has_no_truth_is_pale(tmp_path):
    figure = draw(
        scene(tmp_path / "r", [ERRORS], size=(6, 9)),
        FigureOptions(dpi=50, alpha=0.3, label_alpha=0.5, width="column"),
    )
    shown = np.asarray(figure.axes[0].images[0].get_array())
    grey = np.full(3, round(0.299 * 200 + 0.587 * 100 + 0.114 * 50))
    wrong = np.rint(255 * np.array(to_rgb(WRONG)))
    colours = {0: (0, grey), 1: (0.75, wrong), 255: (0.6, [255] * 3)}
    np.testing.assert_array_equal(shown, slow(numbers((6, 9), 2), shown.shape[:2], colours, grey))


def test_painted_by_hand():
    picture = np.array([[[100, 0, 0], [0, 100, 0]]], np.uint8)
    colours, opacity = np.zeros((256, 3)), np.zeros(256)
    colours[3], opacity[3] = (0, 0, 200), 0.5
    found = painted(picture, np.array([[3, 9]], np.uint8), colours, opacity)
    np.testing.assert_array_equal(found, [[[50, 0, 100], [0, 100, 0]]])


def test_the_legend_has_what_occurs_on_its_page_in_the_order_of_the_classes(tmp_path):
    size = (60, 90)
    first, second = np.full(size, 2, np.uint8), np.full(size, 255, np.uint8)
    first[:20], second[:20] = 0, 3
    fine, wrong = np.zeros(size, np.uint8), np.full(size, 255, np.uint8)
    wrong[0] = 1
    many = [first] * 6 + [second]
    results = scene(tmp_path / "r", COLUMNS, many, [fine] * 6 + [wrong])
    pages = [page.figure for page in draw_grid(results, FigureOptions(dpi=50, width="column"))]
    assert len(pages) == 2
    named = {each.name: tuple(value / 255 for value in each.colour) for each in CLASSES}
    assert legend(pages[0]) == [("road", named["road"]), ("car", named["car"])]
    assert legend(pages[1]) == [
        ("train", named["train"]),
        ("not as the truth", to_rgb(WRONG)),
        ("no truth", (1.0, 1.0, 1.0)),
    ]


def test_a_figure_without_labels_has_no_legend(tmp_path):
    results = scene(tmp_path / "r", [INPUT, MASK])
    assert swatches_of(Scales(results, FAST), Scales(results, FAST).panels) == []
    assert legend(draw(results)) == []
    assert SwatchLegend([], 3.0, 8.0).height == 0


def boxes(figure, options):
    with matplotlib.rc_context(style(options)):
        figure.canvas.draw()
        found = [ax.get_window_extent() for ax in figure.axes if ax.images]
        for ax in figure.axes:
            found += [text.get_window_extent() for text in ax.texts]
            found += [patch.get_window_extent() for patch in ax.patches]
            found += [ax.get_tightbbox()] if ax.get_xlabel() else []
    return [box.transformed(figure.dpi_scale_trans.inverted()) for box in found]


@pytest.mark.parametrize("preset", ["rows", "figure3"])
@pytest.mark.parametrize("width", ["column", "text"])
@pytest.mark.parametrize("count", [30, 200])
def test_the_legend_wraps_and_nothing_is_cut_or_overlaps(tmp_path, preset, width, count):
    classes = [
        Swatch(name=f"class {number}" if number else "traffic light, of any kind", colour=[number] * 3)
        for number in range(count)
    ]
    labels = (np.arange(60 * 90) % count).astype(np.uint8).reshape(60, 90)
    columns = [INPUT, LABELS, ERRORS, A, MASK]
    results = scene(tmp_path / "r", columns, [labels] * 2, classes=classes)
    options = FigureOptions(dpi=100, width=width, preset=preset, label_alpha=1)
    (page,) = draw_grid(results, options)
    shown = [name for name, _ in legend(page.figure)]
    every = [*(each.name for each in classes), "not as the truth", "no truth"]
    kept = len(shown) - 1 if shown[-1].startswith("and ") else len(shown)
    assert shown == every[:kept] + ([] if kept == len(every) else [f"and {len(every) - kept} more"])
    assert kept == len(every) or count == 200
    sizes = {
        text.get_fontsize() for ax in page.figure.axes for text in ax.texts if text.get_text() == "class 1"
    }
    assert sizes == {8.0}
    found = boxes(page.figure, options)
    for index, box in enumerate(found):
        assert -0.01 <= box.x0 <= box.x1 <= options.inches + 0.01
        assert -0.01 <= box.y0 <= box.y1 <= page.figure.get_figheight() + 0.01
        for other in found[:index]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            along = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 0.011 or along <= 0.021


def test_names_of_strangers_are_cut_and_counted(tmp_path):
    with matplotlib.rc_context(style(FAST)):
        long = SwatchLegend(swatches([Swatch(name="x" * 900, colour=[1, 2, 3])] * 255), 3.25, 8.0)
        assert len(long.named) == MOST_LINES
        assert long.named[-1][0] == f"and {255 - MOST_LINES + 1} more"
        assert long.named[0][0].endswith("…")
        empty = SwatchLegend(swatches([Swatch(name="", colour=[1, 2, 3])]), 3.25, 8.0)
    assert empty.named[0][0] == ""


def swatches(classes):
    from rgaviz.figures.swatches import Swatch as Drawn

    return [Drawn(each.name, tuple(value / 255 for value in each.colour)) for each in classes]


def test_figure3_has_a_part_of_labels(tmp_path):
    options = FigureOptions(dpi=50, preset="figure3")
    (page,) = draw_grid(scene(tmp_path / "r", [INPUT, LABELS, ERRORS, A, MASK]), options)
    assert [text.get_text()[:3] for text in page.figure.texts] == ["(a)", "(b)", "(c)"]
    assert len([ax for ax in page.figure.axes if ax.images and not ax.get_xlabel()]) == 3 + 2 + 2


@pytest.mark.parametrize("preset", ["rows", "figure3"])
def test_it_repeats(tmp_path, preset):
    results = scene(tmp_path / "r", COLUMNS)
    options = FigureOptions(formats=("pdf", "svg", "png"), dpi=60, preset=preset)
    paths = save(results, tmp_path / "one/fig", options).paths
    again = save(results, tmp_path / "two/fig", options).paths
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_single_overlays_of_labels(tmp_path):
    results = scene(tmp_path / "r", [*COLUMNS, A])
    options = FigureOptions(label_alpha=1)
    paths = list(save_overlays(results, overlay_panels(results, tmp_path / "o"), options))
    assert [path.name for path in paths] == ["0-a-labels.png", "0-a-errors.png", "0-a-gradcam.png"]
    with Image.open(paths[0]) as image:
        found = np.array(image)
    labels = numbers((60, 90), 3)
    assert found.shape == (60, 90, 3)
    np.testing.assert_array_equal(found[labels == 2], np.tile(CLASSES[2].colour, ((labels == 2).sum(), 1)))
    np.testing.assert_array_equal(found[labels == 255], np.tile(BASE, ((labels == 255).sum(), 1)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((60, 90), np.float32), "is damaged at"),
        (np.full((60, 90), 4, np.uint8), "has the number 4, where all are below 4 or 255"),
        (np.zeros((90, 60), np.uint8), r"has shape \(90, 60\), and its picture \(60, 90\)"),
        (np.zeros(60 * 90, np.uint8), "has shape"),
    ],
)
def test_maps_that_are_no_labels_are_refused_in_one_line(tmp_path, values, words):
    results = scene(tmp_path / "r", COLUMNS, [values])
    for drawing in (
        lambda: next(draw_grid(results, FAST)),
        lambda: list(save_overlays(results, overlay_panels(results, tmp_path / "over"), FAST)),
    ):
        with pytest.raises(ResultsError, match=f"{words}.*run the command") as caught:
            drawing()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "over").exists()


def test_errors_are_nothing_but_0_1_and_255(tmp_path):
    results = scene(tmp_path / "r", COLUMNS, errors=[np.full((60, 90), 2, np.uint8)])
    with pytest.raises(ResultsError, match="has the number 2, where all are below 2"):
        next(draw_grid(results, FAST))


def test_panels_of_several_pictures_and_sizes(tmp_path):
    figure = draw(make(tmp_path / "r", COLUMNS, [(20, 30), (40, 12)]))
    assert len([ax for ax in figure.axes if ax.images]) == 6
    assert [name for name, _ in legend(figure)] == ["road", "sky", "car", "not as the truth", "no truth"]


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        ([], WRONG),
        ([[0, 0, 0], [128, 64, 128]], WRONG),
        ([[220, 20, 60]], "#00ffff"),  # Cityscapes' person
        ([[220, 20, 60], [0, 220, 255]], "#ff00ff"),
    ],
)
def test_errors_have_a_colour_that_no_class_has(tmp_path, colours, expected):
    classes = [Swatch(name=str(number), colour=each) for number, each in enumerate(colours)] or CLASSES[:1]
    results = scene(tmp_path / "r", [ERRORS], classes=classes)
    figure = draw(results, FigureOptions(dpi=50, width="column"))
    assert dict(legend(figure))["not as the truth"] == pytest.approx(to_rgb(expected))


def test_maps_are_as_transparent_whatever_labels_are(tmp_path):
    results = scene(tmp_path / "r", [A])
    shown = [
        np.asarray(draw(results, FigureOptions(dpi=50, label_alpha=alpha)).axes[0].images[0].get_array())
        for alpha in (0.1, 1.0)
    ]
    np.testing.assert_array_equal(*shown)

"""Results of a comparison, and its figure read back."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_hex

from rgaviz.figures.draw import draw as draw_figure
from rgaviz.figures.grid import draw_grid
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import Output
from rgaviz.results.manifest import OF_LABELS, Line, MapRef, Panel, Picture, Swatch
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
LABELS = {"title": "a labels", "kind": "labels", "map": ref("a", "labels", "labels")}
ERRORS = {"title": "a errors", "kind": "errors", "map": ref("a", "errors", "labels")}
CLASSES = [
    Swatch(name="road", colour=[128, 64, 128]),
    Swatch(name="sky", colour=[70, 130, 180]),
    Swatch(name="car", colour=[0, 0, 142]),
    Swatch(name="train", colour=[0, 80, 100]),
]
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


def numbers(size, count):
    """A map (h, w) of whole numbers below count, and of what is not known: corners of 0, 1, ... and 255."""
    values = np.full(size, 255, np.uint8)
    for number in range(count):
        values[number * size[0] // (count + 1) :, number * size[1] // (count + 1) :] = number
    values[-2:, -2:] = 255
    return values


def make(folder, columns=COLUMNS, sizes=((20, 30),), lines=None, paths=None, **maps):
    """Results with one picture per size, a row each; the maps of picture i are MAPS times i + 1, masks apart."""
    head = {"command": "compare", "titles": [each["title"] for each in columns]}
    labelled = any(each["kind"] in OF_LABELS for each in columns)
    with ResultsWriter(folder, {**head, "classes": CLASSES if labelled else []}) as writer:
        for i, size in enumerate(sizes):
            picture = Picture(id=str(i), path=paths[i] if paths else f"{i}.jpg", size=list(size))
            scaled = {k: np.array(v) * (1 if "conv5" in k else i + 1) for k, v in {**MAPS, **maps}.items()}
            scaled |= {"a/labels": numbers(size, 3), "a/errors": numbers(size, 2)} if labelled else {}
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

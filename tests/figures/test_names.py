"""What networks are called in a figure."""

from dataclasses import replace

import numpy as np
import pytest

from rgaviz.errors import RgavizError
from rgaviz.figures.draw import draw, figure_options, record_options
from rgaviz.figures.grid import draw_grid
from rgaviz.figures.names import renamed, titled
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import Output
from rgaviz.results.manifest import Line, MapRef, Panel, Picture
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

NAMES = {"rga": "+ RGA (ours)", "rga-sc": "SC", "base": "ResNet"}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("rga", "+ RGA (ours)"),
        ("rga Grad-CAM (conv5)", "+ RGA (ours) Grad-CAM (conv5)"),
        ("rga-sc mask (conv5)", "SC mask (conv5)"),
        ("rga − base (Grad-CAM)", "+ RGA (ours) − ResNet (Grad-CAM)"),
        ("input", "input"),
        ("rgaviz", "rgaviz"),
    ],
)
def test_titles(title, expected):
    assert titled(title, NAMES) == expected


@pytest.fixture
def results(tmp_path):
    head = {
        "command": "compare",
        "checkpoints": [{"id": "rga"}, {"id": "base"}],
        "titles": ["input", "rga CAM", "base CAM"],
    }
    with ResultsWriter(tmp_path / "r", head) as writer:
        maps = {"rga/gradcam": np.eye(8), "base/gradcam": np.ones((8, 8))}
        writer.picture(Picture(id="0", path="a.png", size=[8, 8]), np.zeros((8, 8, 3), np.uint8), maps)
        panels = [Panel(kind="picture", picture="0", lines=[Line(text="a.png")])]
        for name in ("rga", "base"):
            ref = MapRef(checkpoint=name, name="gradcam", group="cam")
            lines = [Line(text="dog 90%"), Line(text="target: cat"), Line(text="flat map", role="flag")]
            panels.append(Panel(kind="map", picture="0", map=ref, lines=lines))
        writer.row(panels)
    return read_results(tmp_path / "r")


def texts(results, **options):
    (page,) = draw_grid(results, FigureOptions(dpi=50, **options))
    return [text.get_text() for axes in page.figure.axes for text in [*axes.texts, axes.xaxis.label]]


def test_titles_and_colour_bars(results):
    shown = "\n".join(texts(results, names=("Ours, at last", "Theirs")))
    assert "Ours, at last CAM" in shown
    assert "(Ours, at last 1, Theirs 1)" in shown.replace("\n", " ")
    assert "rga" not in shown


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        ("full", ["a.png", "dog 90%", "target: cat", "! flat map"]),
        ("short", ["a.png", "dog 90%", "! flat map"]),
        ("none", ["! flat map"]),
    ],
)
def test_captions(results, captions, expected):
    known = ("a.png", "dog 90%", "target: cat", "! flat map")
    assert (
        list(dict.fromkeys(text for text in texts(results, captions=captions) if text in known)) == expected
    )


def test_names_are_kept_for_drawing_again(results, tmp_path):
    draw(
        results.folder,
        Output(results.folder, tmp_path / "f", named=True),
        FigureOptions(dpi=50, names=("A", "B")),
    )
    with pytest.raises(RgavizError, match="--names has 1 names for 2 networks"):
        list(draw_grid(results, FigureOptions(names=("A",))))


def test_redrawing_keeps_and_changes_them(results, tmp_path):
    options = FigureOptions(dpi=50, names=("A", "B"), captions="short")
    results.manifest.figure.update(record_options(options))
    assert figure_options(results, {}) == options
    changed = figure_options(results, {"names": ("C", "D"), "captions": "none"})
    assert (changed.names, changed.captions) == (("C", "D"), "none")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("no positive evidence in rga", "no positive evidence in + RGA (ours)"),
        ("flat map in base and rga", "flat map in ResNet and + RGA (ours)"),
        ("bird in water", "bird in water"),
    ],
)
def test_lines_of_differences(results, line, expected):
    rga, base = (MapRef(checkpoint=name, name="gradcam", group="cam") for name in ("rga", "base"))
    panel = Panel(kind="difference", picture="0", map=base, minus=rga, lines=[Line(text=line, role="flag")])
    manifest = results.manifest.model_copy(
        update={"rows": [[panel, panel.model_copy(update={"kind": "map"})]]}
    )
    found = renamed(replace(results, manifest=manifest), FigureOptions(names=("+ RGA (ours)", "ResNet")))
    one, other = found.manifest.rows[0]
    assert [each.text for each in one.lines] == [expected]
    assert other.lines == panel.lines  # what a map's line says may end likewise
    assert one.map == base


def test_a_query_says_by_which_network(results):
    panel = Panel(
        kind="picture", picture="0", values={"network": "rga"}, lines=[Line(text="rga"), Line(text="7")]
    )
    manifest = results.manifest.model_copy(update={"rows": [[panel]]})
    found = renamed(replace(results, manifest=manifest), FigureOptions(names=("Ours", "Theirs")))
    assert [line.text for line in found.manifest.rows[0][0].lines] == ["Ours", "7"]


@pytest.mark.parametrize("names", [("", "b"), (3, "b"), ("x" * 500, "b"), ("b", "b")])
def test_what_is_no_name(names):
    with pytest.raises(RgavizError, match="--names"):
        FigureOptions(names=names)


def test_what_are_no_captions():
    with pytest.raises(RgavizError, match="Did you mean 'short'"):
        FigureOptions(captions="shrot")

"""Which figure belongs to which command, and the options that are remembered."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.errors import OutputError, RgavizError
from rgaviz.figures.draw import FIGURES, channel_masks, draw, figure_options, record_options
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

FAST = FigureOptions(formats=("png",), dpi=50)
COLUMNS = [
    {"kind": "picture", "title": "input"},
    {"kind": "map", "title": "a mask", "checkpoint": "a", "map": "conv5/spatial", "group": "mask"},
    {"kind": "bars", "title": "a channels", "checkpoint": "a", "map": "conv5/channel", "group": "mask"},
]


def make(folder, command="masks", count=1, lengths=(6, 6), **head):
    with ResultsWriter(folder, {"command": command, "checkpoints": [], "columns": COLUMNS, **head}) as writer:
        for i in range(count):
            entry = {"id": str(i), "path": f"{i}.jpg", "size": [8, 8], "label": None, "panels": {}}
            maps = {
                "a/conv5/spatial": np.eye(2),
                "a/conv5/channel": np.linspace(0, 1, lengths[i]) * (i + 1) / 2,
            }
            writer.add(entry, np.zeros((8, 8, 3), np.uint8), maps)
    return folder


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("masks", ["masks.png", "overlays/0-a-conv5-spatial.png"]),
        ("cam", ["cam.png", "overlays/0-a-conv5-spatial.png"]),
        ("compare", ["compare.png"]),
        ("histogram", ["histogram.png", "histogram.csv"]),
    ],
)
def test_files_of_every_command(tmp_path, command, expected):
    folder = make(tmp_path / "r", command)
    paths = draw(folder, folder / command, FAST).paths
    assert [path.relative_to(folder).as_posix() for path in paths] == expected
    assert read_results(folder).manifest["files"] == sorted(expected)
    assert all(path.is_file() for path in paths)
    assert set(FIGURES) == {"masks", "cam", "compare", "histogram"}


def test_overlays_elsewhere(tmp_path):
    folder = make(tmp_path / "r")
    paths = draw(folder, tmp_path / "fig", FAST, tmp_path / "fig" / "overlays").paths
    assert paths == [tmp_path / "fig.png", tmp_path / "fig/overlays/0-a-conv5-spatial.png"]
    assert read_results(folder).manifest["files"] == []


def test_a_file_of_someone_else(tmp_path):
    folder = make(tmp_path / "r")
    (folder / "masks.png").write_text("mine")
    with pytest.raises(OutputError, match=r"masks\.png is there"):
        draw(folder, folder / "masks", FAST)
    assert (folder / "masks.png").read_text() == "mine"
    (folder / "masks.png").rename(folder / "masks-mine.png")  # not one of our names
    draw(folder, folder / "masks", FAST)
    draw(folder, folder / "masks", FAST)  # now it is ours
    assert (folder / "masks-mine.png").read_text() == "mine"


@pytest.mark.parametrize("command", ["paint", "../x", ["masks"], None, 3])
def test_no_such_command(tmp_path, command):
    folder = make(tmp_path / "r", command)
    with pytest.raises(ResultsError, match="no figure to draw"):
        draw(folder, folder / "x", FAST)


@pytest.mark.parametrize(
    "options",
    [
        FigureOptions(),
        FigureOptions(
            formats=("png", "svg"), venue="screen", width=4.5, dpi=90, cmap="jet", alpha=0.1, title=False
        ),
        *(FigureOptions(scale=scale) for scale in ("shared", "model", "image", "fixed:0,1")),
    ],
)
def test_options_are_remembered(tmp_path, options):
    folder = make(tmp_path / "r", figure=record_options(options))
    assert read_results(folder).manifest["figure"]["scale"] == options.scales
    assert figure_options(folder, {}) == options
    assert figure_options(folder, {"cmap": "magma"}).cmap == "magma"


@pytest.mark.parametrize(
    "change", [{"scale": {"cam": 3}}, {"dpi": "many"}, {"colour": "red"}, {"formats": 5}, {"cmap": []}]
)
def test_options_of_a_stranger(tmp_path, change):
    folder = make(tmp_path / "r", figure={**record_options(FAST), **change})
    with pytest.raises(RgavizError):
        figure_options(folder, {})


def test_channel_masks(tmp_path):
    (found,) = channel_masks(read_results(make(tmp_path / "r", count=2)))
    assert found["label"] == "a conv5"
    np.testing.assert_allclose(found["values"], [np.linspace(0, 0.5, 6), np.linspace(0, 1, 6)], atol=1e-7)
    with pytest.raises(ResultsError, match="differ in length"):
        channel_masks(read_results(make(tmp_path / "s", count=2, lengths=(6, 7))))
    with pytest.raises(RgavizError, match="no channel masks"):
        channel_masks(read_results(make(tmp_path / "e", count=0)))

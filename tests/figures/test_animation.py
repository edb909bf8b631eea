"""The moving picture of epochs, pixel by pixel where it is coloured."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.figures.animation import CELL, GAP, HEAD, TEXT, draw_frames, save_movies
from rgaviz.figures.names import renamed
from rgaviz.figures.overlay import colour
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import Line, MapRef, Panel, Picture
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

TOP = HEAD + 2 * TEXT + 3 * GAP


@pytest.fixture
def results(tmp_path):
    """Two epochs of a network whose maps are flat: 1 of 4, then 4 of 4."""
    head = {"command": "evolve", "titles": ["input", "epoch 1", "epoch 2"], "checkpoints": [{"id": "rga"}]}
    refs = [MapRef(checkpoint="rga", name=f"gradcam/epoch-00{number}", group="cam") for number in (1, 2)]
    maps = {"rga/gradcam/epoch-001": np.full((2, 2), 1.0), "rga/gradcam/epoch-002": np.full((2, 2), 4.0)}
    with ResultsWriter(tmp_path / "r", head) as writer:
        writer.picture(Picture(id="0", path="a.png", size=[10, 10]), np.full((10, 10, 3), 50, np.uint8), maps)
        lines = [Line(text="rga"), Line(text="Grad-CAM")]
        panels = [Panel(kind="map", picture="0", map=ref) for ref in refs]
        writer.row([Panel(kind="picture", picture="0", lines=lines, values={"network": "rga"}), *panels])
    return read_results(tmp_path / "r")


def test_one_scale_over_all_epochs(results):
    frames = [np.array(frame) for frame in draw_frames(results, FigureOptions(alpha=1.0))]
    assert len(frames) == 2
    assert frames[0].shape == frames[1].shape
    y, x = TOP + CELL // 2, GAP + CELL // 2
    for frame, value in zip(frames, (1.0, 4.0), strict=True):
        assert frame[y, x].tolist() == [50, 50, 50]
        wanted = colour(np.full((1, 1), value), "turbo", 0.0, 4.0)[0, 0]
        assert frame[y, x + CELL + GAP].tolist() == wanted.tolist()


def test_names_of_the_user_and_the_same_bytes(results, tmp_path):
    options = FigureOptions(names=("Ours",))
    usual = draw_frames(results, FigureOptions())[0]
    save_movies(results, tmp_path / "one", options)
    save_movies(results, tmp_path / "two", options)
    for kind in ("gif", "webp"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    other = draw_frames(renamed(results, options), options)[0]
    one, two = np.array(usual), np.array(other)
    assert np.array_equal(one[TOP : TOP + CELL], two[TOP : TOP + CELL])
    assert not np.array_equal(one[:TOP], two[:TOP])

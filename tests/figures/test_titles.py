"""Titles that are short, and what they no longer say beside the colour bar."""

import numpy as np
import pytest

from rgaviz.figures.grid import draw_grid
from rgaviz.figures.style import FigureOptions
from rgaviz.figures.titles import shortened
from rgaviz.results.manifest import MapRef, Panel, Picture
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter


def results(folder, *titles):
    """A row of a picture and a map for each title: of the group ``mask`` where it says so, else ``cam``."""
    head = {"command": "compare", "checkpoints": [{"id": "a"}], "titles": ["input (all)", *titles]}
    with ResultsWriter(folder, head) as writer:
        names = [f"m{place}" for place in range(len(titles))]
        maps = {f"a/{name}": np.eye(8) for name in names}
        writer.picture(Picture(id="0", path="a.png", size=[8, 8]), np.zeros((8, 8, 3), np.uint8), maps)
        panels = [Panel(kind="picture", picture="0")]
        for name, title in zip(names, titles, strict=True):
            ref = MapRef(checkpoint="a", name=name, group="mask" if "mask" in title else "cam")
            panels.append(Panel(kind="map", picture="0", map=ref))
        writer.row(panels)
    return read_results(folder)


@pytest.mark.parametrize(
    ("titles", "expected", "said"),
    [
        (["a CAM (conv5)", "b CAM (conv5)", "b mask (conv4)"], ["a CAM", "b CAM", "b mask"],
         {"cam": "conv5", "mask": "conv4"}),
        (["a CAM (conv5, flip, dog)", "a CAM (conv5, flip, cat)"], ["a CAM (dog)", "a CAM (cat)"],
         {"cam": "conv5, flip"}),
        (["a CAM (conv5)", "b CAM (norm1)"], ["a CAM (conv5)", "b CAM (norm1)"], {}),
        (["a (old) CAM (conv5)", "b (new) CAM (conv5)"], ["a (old) CAM", "b (new) CAM"], {"cam": "conv5"}),
        (["a CAM (conv5)"], ["a CAM (conv5)"], {}),
        (["a mask", "b mask (conv5)"], ["a mask", "b mask (conv5)"], {}),
        (["a CAM (conv5, (x))", "b CAM (conv5)"], ["a CAM (conv5, (x))", "b CAM (conv5)"], {}),
    ],
)  # fmt: skip
def test_what_all_say_is_said_once(tmp_path, titles, expected, said):
    found, words = shortened(results(tmp_path, *titles))
    assert found.manifest.titles == ["input (all)", *expected]
    assert words == said


def test_the_colour_bar_says_it(tmp_path):
    (page,) = draw_grid(results(tmp_path, "a CAM (conv5)", "a mask (conv4)"), FigureOptions(dpi=50))
    labels = [axes.xaxis.label.get_text().replace("\n", " ") for axes in page.figure.axes]
    assert any(label.startswith("CAM (conv5), fraction of each") for label in labels)
    assert any(label.startswith("attention mask (conv4), raw value") for label in labels)
    shown = [text.get_text() for axes in page.figure.axes for text in axes.texts]
    assert {"a CAM", "a mask"} < set(shown)

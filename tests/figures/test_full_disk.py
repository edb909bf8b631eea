"""A figure that there is no room for."""

from __future__ import annotations

import json
import resource
import shlex
from contextlib import contextmanager

import pytest
from compared import COLUMNS, make
from pictures import files_below
from stored import edit

from rgaviz.analysis.redraw import redraw
from rgaviz.errors import LONGEST, OutputError

PLAIN = {"formats": ("png",), "dpi": 50}


def masks(folder, path="0.jpg"):
    make(folder, COLUMNS[:4], paths=[path])
    edit(folder, command="masks")
    return folder


@contextmanager
def disk_of(size):
    """No file may be larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [200, 3000, 20_000])
def test_a_figure_on_a_full_disk_leaves_the_results_and_says_how_to_go_on(tmp_path, size):
    """Whether there is room for the overlays, for the manifest, or for neither."""
    folder = masks(tmp_path / f"a {'long ' * 9}folder" / f"{'b' * 60}{size}")
    before = {name: body for name, body in files_below(folder).items() if name != "manifest.json"}
    with (
        disk_of(size),
        pytest.raises(OutputError, match=r"Cannot write the figure: File too large\.") as caught,
    ):
        redraw(folder, figure={"formats": ("png",), "dpi": 300})
    typed = str(caught.value).partition("The results are kept; mend that, then: ")[2]
    assert shlex.split(typed) == ["rgaviz", "redraw", str(folder)]  # whole, for it is to be pasted
    assert len(f"Error: {caught.value}") <= LONGEST
    after = files_below(folder)
    assert {name: after[name] for name in before} == before
    listed = json.loads(after["manifest.json"])["files"]
    assert set(after) == {*listed, "manifest.json"}  # nothing that is in the way later
    redraw(folder, figure={"formats": ("png",), "dpi": 300})
    assert (folder / "masks.png").is_file()


def test_a_refusal_that_room_does_not_mend_says_nothing_of_it(tmp_path):
    folder = masks(tmp_path / "r")
    (folder / "masks.png").write_text("mine")
    with pytest.raises(OutputError) as caught:
        redraw(folder, figure=PLAIN)
    assert "mend that" not in str(caught.value)

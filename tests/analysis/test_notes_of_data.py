"""What the user of a data set must know is told by whoever opens it, and names by a pattern reach it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny

import rgaviz
from rgaviz.data.sets import DATASETS, load_dataset, load_shapes
from rgaviz.errors import RgavizError
from rgaviz.training.report import Report

NOTES = ("It is a part.", "It was withdrawn.")


class Listening(Report):
    """Keeps what is said."""

    def __init__(self):
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def noted(tmp_path, monkeypatch, networks):
    """The data set of the networks, with notes, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(DATASETS, "shapes", lambda **settings: replace(load_shapes(**settings), notes=NOTES))
    return networks


def test_networks_that_share_a_data_set_tell_its_notes_once(noted):
    said = []
    rgaviz.evaluate(
        [noted["baseline"], noted["rga"]], figure={"dpi": 50, "formats": ("png",)}, say=said.append
    )
    assert [line for line in said if "It " in line] == [f"Note: {note}" for note in NOTES]


def test_a_training_tells_them_first(noted):
    report = Listening()
    rgaviz.train("shapes", tiny.recipe(), "run", report=report)
    assert report.said[:2] == [f"Note: {note}" for note in NOTES]
    assert sum("withdrawn" in line for line in report.said) == 1


def test_a_pattern_reaches_the_data_set(noted):
    """From training and measuring; for a set with names of its own it is refused."""
    reached = []

    def load(name, **settings):
        reached.append(settings["pattern"])
        return load_dataset(name, **{**settings, "pattern": None})

    rgaviz.train("shapes", tiny.recipe(), Path("run"), pattern="x", load=load)
    assert reached == ["x"]
    for ask in (
        lambda: rgaviz.train("shapes", tiny.recipe(), Path("other"), pattern="x"),
        lambda: rgaviz.evaluate([noted["rga"]], pattern=r"(?P<id>\d)(?P<camera>\d)"),
    ):
        with pytest.raises(RgavizError, match="--pattern is for reid-folder, not for shapes"):
            ask()
    with pytest.raises(RgavizError, match="no group named id"):
        rgaviz.evaluate([noted["rga"]], dataset="reid-folder", pattern="x")

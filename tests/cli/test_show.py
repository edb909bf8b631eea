"""Commands that are printed to be pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from rgaviz.analysis.demo import Demonstration
from rgaviz.cli import demo
from rgaviz.cli.show import tell_left_out

FOLDERS = ["r", "two words", f"{'long/' * 40}it's"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_how_more_pages_are_drawn(capsys, folder):
    tell_left_out(3, Path(folder))
    told = capsys.readouterr().err.partition("all of them: ")[2]
    assert shlex.split(told) == ["rgaviz", "redraw", folder, "--pages", "0"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_where_the_demo_is(capsys, folder):
    demo.show(Demonstration([], {"a.jpg": {}}), Path(folder))
    lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines() if line.startswith("  cd ")]
    assert lines == [["cd", folder]]

"""A full disk, and a folder removed in mid-run, at every moment that a command changes the disk."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from moments import at_change
from parametrised import rare
from pictures import files_below
from typer.testing import CliRunner

from rgaviz.cli import app

FAST = ("--format", "png", "--dpi", "50")
COMMANDS = {
    "masks": ("masks", "rga.pt", "img.jpg"),
    "cam": ("cam", "rga.pt", "img.jpg"),
    "compare": ("compare", "baseline.pt", "rga.pt", "img.jpg"),
    "histogram": ("histogram", "rga.pt", "img.jpg"),
    "evaluate": ("evaluate", "rga.pt"),
}
OUT = Path("deep/out")


@pytest.fixture
def temporary(place, monkeypatch):
    """The folder for temporary files."""
    (place / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place / "temp"))
    return place / "temp"


def run(*words):
    result = CliRunner().invoke(app, [*words, *FAST], prog_name="rgaviz")
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    return result


def one_line(result):
    assert result.exit_code == 1, result.output
    errors = [line for line in result.stderr.splitlines() if not line.startswith("Note: ")]
    assert len(errors) == 1, result.stderr
    assert errors[0].startswith("Error: ")
    return errors[0]


def nothing_left(temporary):
    assert [path for path in Path().rglob("*") if path.name.startswith(".rgaviz")] == []
    assert list(temporary.iterdir()) == []


def full():
    raise OSError(28, os.strerror(28))


def words_of(name):
    """The command, and what its results hold when nothing happens."""
    words = (*COMMANDS["masks" if name == "redraw" else name], "-o", str(OUT))
    assert run(*words).exit_code == 0
    if name == "redraw":
        words = ("redraw", str(OUT), "--cmap", "jet")
        results = {key: value for key, value in files_below(OUT).items() if key != "masks.png"}
        assert run(*words).exit_code == 0
        assert files_below(OUT).keys() == {*results, "masks.png"}
    return words, files_below(OUT)


# A command, and from which moment to the next: of one code one command, and every moment where there is time.
STEPS = [
    ("masks", 3),
    rare(("evaluate", 3)),
    ("redraw", 3),
    *map(rare, [("masks", 1), ("redraw", 1), ("evaluate", 1), ("cam", 3), ("compare", 3), ("histogram", 3)]),
]


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_a_disk_that_runs_full(temporary, name, step):
    """With earlier results there, and every second time without them."""
    words, whole = words_of(name)
    for number in itertools.count(1, step):
        fresh = number % 2 == 0 and name != "redraw"
        if fresh:
            shutil.rmtree(OUT.parent, ignore_errors=True)
        before, folders = files_below(Path()), OUT.parent.exists()
        with at_change(number, full, again=True) as changes:
            result = run(*words)
        if len(changes) < number:
            break
        nothing_left(temporary)
        if result.exit_code:  # a lock that cannot be made is no matter of the command's
            line = one_line(result)
            assert "No space left on device." in line
            assert "rgaviz redraw" in line or "Choose another place with -o." in line
            if "The results are kept" in line:
                assert run("redraw", str(OUT), *words[2:] if name == "redraw" else ()).exit_code == 0
                assert files_below(OUT) == whole
            else:
                assert files_below(Path()) == before
                assert OUT.parent.exists() == folders
    assert number > 4
    assert files_below(OUT) == whole


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_a_folder_that_is_removed_in_mid_run(temporary, name, step):
    """All is there in the end, or the command says that it is not; the next one is not hindered."""
    words, whole = words_of(name)
    shutil.copytree(OUT, "kept")
    for number in itertools.count(1, step):
        removed = OUT if number % 2 else OUT.parent
        with at_change(number, lambda folder=removed: shutil.rmtree(folder, ignore_errors=True)) as changes:
            result = run(*words)
        if len(changes) < number:
            break
        nothing_left(temporary)
        if result.exit_code:
            one_line(result)
        else:
            assert files_below(OUT) == whole
        if name == "redraw":  # which needs results
            shutil.rmtree(OUT.parent, ignore_errors=True)
            shutil.copytree("kept", OUT)
    assert number > 4
    assert files_below(OUT) == whole


@pytest.mark.slow
def test_killed_at_any_change(tmp_path, networks):
    """The next one takes away what is left, and its results are whole."""
    tests = Path(__file__).parents[1]
    roots = os.pathsep.join(map(str, (tests.parent, tests, tests / "training")))
    environment = {**os.environ, "PYTHONPATH": roots, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, tests / "cli/killed_commands.py", next(iter(networks.values())).parent]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]

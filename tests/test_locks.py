"""One command at a time in a folder."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rgaviz import locks
from rgaviz.errors import OutputError
from rgaviz.locks import alone

ROOT = Path(__file__).parents[1]
HOLD = """
import sys
from pathlib import Path
from rgaviz.locks import alone
with alone(Path(sys.argv[1])):
    print("has it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other():
    """Another process that has the lock of a folder."""
    running = []

    def start(folder):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        running.append(process)
        assert process.stdout.readline() == "has it\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def left(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_the_second_is_refused_in_one_line_and_nothing_is_left(tmp_path, other):
    process = other(tmp_path / "a/out")
    with pytest.raises(OutputError) as caught, alone(tmp_path / "a/out"):
        pass
    assert str(caught.value) == (
        f"Process {process.pid} is writing into {tmp_path}/a/out: wait until it has ended, or choose another place "
        "with -o."
    )
    with alone(tmp_path / "a/other"):
        pass
    process.communicate("")
    assert left(tmp_path) == []
    with alone(tmp_path / "a/out"):
        assert len(left(tmp_path)) == 2


def test_other_names_of_the_same_folder(tmp_path, other):
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    other(tmp_path / "out")
    for name in ("link", "out/../out"):
        with pytest.raises(OutputError), alone(tmp_path / name):
            pass


def test_a_killed_process_has_no_lock(tmp_path, other):
    process = other(tmp_path / "out")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(left(tmp_path)) == 1
    with alone(tmp_path / "other"):
        assert len(left(tmp_path)) == 1  # that of the dead has gone
    process = other(tmp_path / "out")
    process.send_signal(signal.SIGKILL)
    process.wait()
    with alone(tmp_path / "out"):
        pass
    assert left(tmp_path) == []


def test_a_number_that_is_used_again_is_no_lock(tmp_path):
    with alone(tmp_path / "out"):
        (name,) = left(tmp_path)
    (tmp_path / name).write_text(f"{os.getpid()} {platform.node()}")
    with alone(tmp_path / "out"):
        pass
    assert left(tmp_path) == []


def test_what_stands_in_the_file_is_not_believed(tmp_path, other, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE", 0.1)
    other(tmp_path / "out")
    (path,) = tmp_path.iterdir()
    for text, words in {
        "": "Process (unknown) is",
        "x \x1b[2J": "Process (unknown) of \\x1b[2J",
        f"12 {'far' * 100}": "Process 12 of farfar",
    }.items():
        path.write_text(text)
        with pytest.raises(OutputError) as caught, alone(tmp_path / "out"):
            pass
        assert str(caught.value).startswith(words)
        assert str(caught.value).isprintable()


def test_a_folder_with_nothing_writable_around(tmp_path, monkeypatch):
    """As a mounted one of a user who may write nowhere else."""
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(locks.os, "access", lambda path, _: Path(path) != tmp_path)
    with alone(tmp_path / "out"):
        assert left(tmp_path / "out")
        with pytest.raises(OutputError), alone(tmp_path / "out"):
            pass
    assert left(tmp_path) == ["out"]


def test_where_there_are_no_locks_nobody_is_kept_out(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(95, "Operation not supported")

    with monkeypatch.context() as patch:
        patch.setattr(locks.fcntl, "flock", none)
        with alone(tmp_path / "out"), alone(tmp_path / "out"):
            assert left(tmp_path) == []
    monkeypatch.setattr(locks, "fcntl", None)
    with alone(tmp_path / "out"), alone(tmp_path / "out"):
        assert left(tmp_path) == []


def test_a_folder_that_is_removed_in_between(tmp_path):
    with alone(tmp_path / "a/out"):
        shutil.rmtree(tmp_path / "a")
        with alone(tmp_path / "a/out"):
            mine = left(tmp_path)
    assert len(mine) == 2
    assert left(tmp_path) == []


def test_folders_that_were_made_in_vain(tmp_path):
    """As by a command that then had no room; what was there already stays, and what holds something."""
    (tmp_path / "there").mkdir()
    for name, stays in {"a/out": [], "there": ["there"], "there/out": ["there"]}.items():
        with alone(tmp_path / name):
            (tmp_path / name).mkdir(exist_ok=True)
        assert [path for path in left(tmp_path) if path in (name, "a", *stays)] == stays
    with alone(tmp_path / "b/out"):
        (tmp_path / "b/out").mkdir()
        (tmp_path / "b/out/file").write_text("x")
    assert left(tmp_path) == ["b", "b/out", "b/out/file", "there"]

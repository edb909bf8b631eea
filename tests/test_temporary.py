"""What killed programs have left is cleared; what a living one is writing is not."""

from __future__ import annotations

import os
import subprocess
import sys

from rgaviz.temporary import clear_left, is_running, temporary_name
from rgaviz.writing import atomic_write


def test_a_name_says_whose_it_is(tmp_path):
    name = temporary_name(tmp_path).name
    assert f"-{os.getpid()}-" in name
    assert name != temporary_name(tmp_path).name
    assert len(name) < 60


def test_what_is_left_of_the_dead_goes_and_what_is_of_the_living_stays(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead = int(done.stdout)
    assert not is_running(dead)
    mine = temporary_name(tmp_path)
    left = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{dead}-"))
    elsewhere = mine.with_name(left.name.replace(left.name[8:16], "00000000"))  # of another machine
    other = tmp_path / ".rgaviz-1234.tmp"  # no name of ours
    folder = left.with_name(left.name[:-12] + "0" * 8 + ".tmp")
    for path in (mine, left, elsewhere, other):
        path.write_bytes(b"x")
    (folder / "pictures").mkdir(parents=True)
    atomic_write(tmp_path / "a.txt", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [mine.name, elsewhere.name, other.name, "a.txt"]
    )


def test_a_folder_is_looked_through_once(tmp_path):
    clear_left(tmp_path)
    mine = temporary_name(tmp_path)
    late = mine.with_name(
        mine.name.replace(f"-{os.getpid()}-", "-4194305-")
    )  # beyond the largest there can be
    late.write_bytes(b"x")
    clear_left(tmp_path)
    assert late.exists()

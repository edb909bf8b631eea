"""Seeded variants of small results folders: drawn, or refused in one printable line; nothing else happens.

No traceback, no end by a signal, nothing written elsewhere; no more than a gigabyte and 20 seconds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from pictures import files_below
from strange_results import CHANGES, COMMANDS, results

from rgaviz.errors import LONGEST

SECONDS, MEMORY = 20, 2**30
WORKER = """
import sys, time, traceback, warnings
with warnings.catch_warnings(action="ignore"):  # what drawing libraries say when they are loaded is not ours
    import rgaviz.figures.draw
from rgaviz.cli import app
from typer.testing import CliRunner
from rgaviz.errors import LONGEST
warnings.filterwarnings("ignore", message="'[a-zA-Z]+' (argument )?(is )?deprecated")  # an old matplotlib's parser
warnings.filterwarnings("ignore", message="A map has values that are no numbers")  # which is meant
for line in sys.stdin:
    began = time.process_time()
    result = CliRunner().invoke(app, ["redraw", line.rstrip()])
    fault = result.exception
    told = "".join(traceback.format_exception(fault)) if fault and not isinstance(fault, SystemExit) else ""
    print(ascii((result.exit_code, result.stderr, told, time.process_time() - began)), flush=True)
"""


class Worker:
    """A process of its own that draws folders, with little memory."""

    def __init__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER],
            stdin=pipe,
            stdout=pipe,
            text=True,
        )

    def draw(self, folder):
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
        patience = Timer(30 * SECONDS, self.process.kill)  # waiting for somebody takes no time of its own
        patience.start()
        answer = self.process.stdout.readline()
        patience.cancel()
        return answer

    def peak(self):
        """Bytes that the process has taken at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(SECONDS) == 0
        self.process.stdout.close()


def check(worker, place, seed):
    """One variant."""
    draw = np.random.default_rng(seed)
    shutil.rmtree(place, ignore_errors=True)
    folder, outside = place / "r", place / "outside"
    outside.mkdir(parents=True)
    (outside / "theirs.txt").write_text("theirs")
    results(folder, COMMANDS[seed % len(COMMANDS)])
    change = CHANGES[draw.integers(len(CHANGES))]
    change(folder, draw)
    before = {name: body for name, body in files_below(outside).items() if len(body) < 10**6}
    answer = worker.draw(folder)
    where = (seed, change.__name__, COMMANDS[seed % len(COMMANDS)])
    assert answer, (*where, "the process has ended")
    code, said, told, seconds = eval(answer)  # of our own process
    assert not told, f"{where}\n{told}"
    assert code in (0, 1), (*where, code)
    lines = said.splitlines()
    assert len(lines) == 1 if code else len(lines) <= 1, (*where, said)
    assert all(line.isprintable() and len(line) <= LONGEST for line in lines), (*where, said)
    assert seconds < SECONDS, (*where, seconds)
    assert worker.peak() < MEMORY, (*where, worker.peak())
    assert {name: body for name, body in files_below(outside).items() if len(body) < 10**6} == before, where
    assert sorted(path.name for path in place.iterdir()) == ["outside", "r"], where


def fuzz(place, seeds):
    worker = Worker()
    try:
        for seed in seeds:
            check(worker, place, seed)
    finally:
        worker.close()


def test_some_variants(tmp_path):
    fuzz(tmp_path / "a", range(6))


@pytest.mark.slow
def test_hundreds_of_variants(tmp_path):
    fuzz(tmp_path / "a", range(6, 660))

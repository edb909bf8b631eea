"""Signals from a program's first moment to its last, each in a program of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NUMBERS = {"SIGINT": 130, "SIGTERM": 143}


def run(tmp_path, code, *, ignoring=False):
    """A program; the module ``raising`` sends the signal while it is imported."""
    (tmp_path / "raising.py").write_text(
        "import os, signal\nos.kill(os.getpid(), NUMBER)\nx = sum(range(10**6))\n"
    )

    def before():
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignoring else signal.default_int_handler)

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    head = "import os, signal, sys, time\nfrom rgaviz.interrupts import *\n"
    return subprocess.run(
        [sys.executable, "-c", head + code],
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=before,
        timeout=60,
    )


@pytest.mark.parametrize("name", NUMBERS)
def test_while_the_program_is_loaded_it_ends_silently(tmp_path, name):
    done = run(tmp_path, f"run_program(lambda: os.kill(os.getpid(), signal.{name}))")
    assert (done.returncode, done.stdout, done.stderr) == (-getattr(signal, name), "", "")


@pytest.mark.parametrize("ignoring", [False, True])
def test_before_anything_is_loaded_too(tmp_path, ignoring):
    """The signal comes when the first module is looked for that the program loads."""
    program = (
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'rgaviz.interrupts':\n            os.kill(os.getpid(), signal.SIGINT)\n"
        "del sys.modules['rgaviz.interrupts'], sys.modules['rgaviz']\n"
        "sys.meta_path.insert(0, Finder())\n"
        "import rgaviz.__main__"
    )
    done = run(tmp_path, program, ignoring=ignoring)
    assert (done.returncode, done.stdout, done.stderr) == (0 if ignoring else -signal.SIGINT, "", "")


def test_the_package_loads_nothing_before_the_program_does():
    code = "import sys; before = set(sys.modules); import rgaviz; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "['__future__', 'rgaviz']\n"


@pytest.mark.parametrize("name", NUMBERS)
def test_when_it_has_ended_a_signal_does_nothing(tmp_path, name):
    late = f"import atexit\natexit.register(lambda: print(os.kill(os.getpid(), signal.{name})))\n"
    done = run(tmp_path, late + "run_program(lambda: int)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")


@pytest.mark.parametrize(("name", "code"), NUMBERS.items())
def test_a_module_is_loaded_to_its_end_first(tmp_path, name, code):
    program = (
        f"import builtins; builtins.NUMBER = signal.{name}\n"
        "try:\n"
        "    with interruptible():\n"
        "        import raising\n"
        "        for _ in range(2000):\n            time.sleep(0.01)\n"
        "except KeyboardInterrupt as error:\n"
        "    print(raising.x)\n"
        "    sys.exit(exit_code(error))\n"
    )
    done = run(tmp_path, program)
    assert (done.returncode, done.stdout, done.stderr) == (code, "499999500000\n", "")


def test_what_is_ignored_stays_so(tmp_path):
    """A program that a script starts in the background."""
    program = (
        "def body():\n    with interruptible():\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n        print('goes on')\n"
        "run_program(lambda: body)"
    )
    done = run(tmp_path, program, ignoring=True)
    assert (done.returncode, done.stdout) == (0, "goes on\n")


@pytest.mark.parametrize(("name", "code"), NUMBERS.items())
def test_the_command_line_tells_which_signal_it_was(tmp_path, name, code):
    program = (
        "from rgaviz import __main__\nimport rgaviz.analysis.lists as lists\n"
        f"lists.choices = lambda *_: os.kill(os.getpid(), signal.{name})\n"
        "sys.argv = ['rgaviz', 'list', 'recipes']\n__main__.main()"
    )
    done = run(tmp_path, program)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "Interrupted.\n")

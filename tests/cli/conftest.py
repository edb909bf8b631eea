"""The command line in this process, in a folder with small networks and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tiny
from pictures import files_below, save_picture
from typer import testing
from typer.testing import CliRunner

from rgaviz.cli import app
from rgaviz.errors import LONGEST

testing._get_command = cache(
    testing._get_command
)  # else every call builds all commands anew, a third of a short one


@pytest.fixture
def place(tmp_path, monkeypatch, networks) -> Path:
    """The working folder: the networks, ``img.jpg``, and ``pics/<class>/*`` with three pictures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RGAVIZ_DEBUG", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    for name, path in networks.items():
        Path(f"{name}.pt").symlink_to(path)
    save_picture(Path("img.jpg"), seed=1)
    for seed, (name, size) in enumerate(
        {"ring/a": (50, 40), "square/b": (30, 90), "other/c": (20, 20)}.items()
    ):
        save_picture(Path(f"pics/{name}.png"), size, seed)
    return tmp_path


@pytest.fixture
def shallow():
    """A ResNet-18 has half its depth, for tests that train some."""
    with tiny.shallow():
        yield


@pytest.fixture
def rga(place) -> Callable[..., Any]:
    """Run ``rgaviz``; the result must have the exit code, and unknown exceptions are raised."""

    def run(*words: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, list(words), prog_name="rgaviz")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        if code != 2:  # Typer's own words, in a frame
            assert all(len(line) <= LONGEST and line.isprintable() for line in result.stderr.splitlines())
        return result

    return run


@pytest.fixture
def answer(rga) -> Callable[..., Any]:
    """Run with ``--json``: standard output is JSON and nothing else."""
    return lambda *words, code=0: json.loads(rga(*words, "--json", code=code).stdout)


@pytest.fixture
def refused(rga, place) -> Callable[..., str]:
    """Run what must fail: exit 1, one line on standard error, no file changed. Returns the line."""

    def run(*words: str, code: int = 1) -> str:
        before = files_below(place)
        result = rga(*words, code=code)
        assert result.stdout == ""
        errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        notes = [line for line in result.stderr.splitlines() if line.startswith(("No ", "Note: "))]
        assert len(errors) == 1, result.stderr
        assert result.stderr.splitlines() == [*notes, *errors]
        assert files_below(place) == before
        return errors[0].removeprefix("Error: ")

    return run

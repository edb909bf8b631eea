"""Seeded odd recipes, settings and options: a training begins, or there is one printable line, and nothing is written.

``pytest -m slow tests/training/test_fuzz.py`` takes many more of them, with little memory.
"""

from __future__ import annotations

import sys

import odd_settings
import pytest
from folders import ROOT, start

from rgaviz.cli import train_progress


def test_forty_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_progress.Progress, "start", odd_settings.begin)
    monkeypatch.setattr(train_progress.Progress, "track", staticmethod(odd_settings.begin_long))
    found = [fault for seed in range(40) for fault in odd_settings.faults(tmp_path / "work", seed)]
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("first", [1000, 1300, 1600])
def test_nine_hundred_commands(tmp_path, first):
    paths = f"{ROOT}:{ROOT / 'tests'}"
    start(ROOT / "tests/training/odd_settings.py", tmp_path, first, first + 300, PYTHONPATH=paths)

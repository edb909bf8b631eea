"""Trainings that nothing interrupted, each made once."""

from __future__ import annotations

import signal
from functools import cache

import pytest
import tiny
from folders import ROOT, start

from rgaviz.training import signals


@pytest.fixture(scope="module", autouse=True)
def light():
    """Networks of half the depth."""
    with tiny.shallow():
        yield


@pytest.fixture(scope="session")
def fp32(tmp_path_factory):
    """The folder of a pair in float32, and the rows that the training gave."""
    out = tmp_path_factory.mktemp("fp32")
    with tiny.shallow():
        return out, tiny.run(out)


@pytest.fixture(scope="session")
def two_processes(tmp_path_factory):
    """Gives the folder of what two processes trained, by default started without torchrun."""

    @cache
    def made(*launch):
        out = tmp_path_factory.mktemp("two")
        start(*launch, ROOT / "tests/training/two_processes.py", out)
        return out

    return made


@pytest.fixture(scope="session")
def bf16(tmp_path_factory):
    """The same in bfloat16."""
    out = tmp_path_factory.mktemp("bf16")
    with tiny.shallow():
        return out, tiny.run(out, changes={"precision": "bf16"})


@pytest.fixture
def interrupted(tmp_path):
    """The folder of a pair that was interrupted in its first epoch."""
    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path / "out", task=tiny.First(loss=lambda *_: signal.raise_signal(signal.SIGTERM)))
    return tmp_path / "out"

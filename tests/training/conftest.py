"""Trainings that nothing interrupted, each made once."""

from __future__ import annotations

import signal

import pytest
import tiny

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

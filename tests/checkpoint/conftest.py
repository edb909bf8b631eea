"""What tests of checkpoints share."""

from __future__ import annotations

import pytest
import tiny
from small_checkpoint import network, save


@pytest.fixture(scope="module", autouse=True)
def light():
    """Networks of half the depth."""
    with tiny.shallow():
        yield


@pytest.fixture(scope="session")
def saved_once(tmp_path_factory):
    with tiny.shallow():
        return save(tmp_path_factory.mktemp("saved") / "rga.pt", network()).read_bytes()


@pytest.fixture
def saved(saved_once, tmp_path):
    """A file that a test may damage."""
    path = tmp_path / "rga.pt"
    path.write_bytes(saved_once)
    return path

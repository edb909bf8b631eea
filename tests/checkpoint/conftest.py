"""What tests of checkpoints share."""

from __future__ import annotations

import pytest
from small_checkpoint import network, save


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "rga.pt", network())

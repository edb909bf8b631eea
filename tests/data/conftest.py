"""A small picture that several tests share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)

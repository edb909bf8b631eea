"""What of a parametrisation is tried each time, and what where there is time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def rare(value: Any) -> Any:
    """A value, or a tuple of several, that is tried with ``-m slow``."""
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)


def mostly(values: Iterable[Any], *rarely: Any) -> list[Any]:
    """All values, some of them only where there is time.

    Raises:
        AssertionError: one of these is no value.
    """
    values = list(values)
    assert all(each in values for each in rarely)
    return [rare(each) if each in rarely else each for each in values]

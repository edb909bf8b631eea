"""Seeded variants of small results folders: reported on, or refused in one printable line; nothing else is written."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from strange_results import CHANGES, COMMANDS, results

from rgaviz.analysis.report import report
from rgaviz.errors import LONGEST, RgavizError


def check(place, seed):
    """One variant; whether there was a page."""
    draw = np.random.default_rng(seed)
    shutil.rmtree(place, ignore_errors=True)
    (place / "outside").mkdir(parents=True)
    results(place / "r", COMMANDS[seed % len(COMMANDS)])
    CHANGES[draw.integers(len(CHANGES))](place / "r", draw)
    before = sorted(path.name for path in place.iterdir())
    try:
        report([place / "r"], place / "page.html")
    except RgavizError as error:
        told = str(error)
        assert told.isprintable(), (seed, told)
        assert len(told) <= LONGEST, (seed, told)
        assert sorted(path.name for path in place.iterdir()) == before, seed
        return False
    assert sorted(path.name for path in place.iterdir()) == sorted([*before, "page.html"]), seed
    return True


@pytest.mark.filterwarnings("ignore:A map has values that are no numbers")
def test_some_variants(tmp_path):
    assert len({check(tmp_path / "a", seed) for seed in range(12)}) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A map has values that are no numbers")
def test_hundreds_of_variants(tmp_path):
    for seed in range(12, 600):
        check(tmp_path / "a", seed)

"""What a training left behind."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch

ROOT = Path(__file__).parents[2]


def files(out):
    return sorted(path.name for path in out.iterdir())


def rows(out):
    with (out / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def measured(out):
    """metrics.csv without what depends on the clock."""
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows(out)]


def same(out, other):
    ones, others = tiny.weights(out), tiny.weights(other)
    assert ones.keys() == others.keys()
    unequal = [name for name in ones if not torch.equal(ones[name], others[name])]
    assert not unequal
    assert measured(out) == measured(other)
    assert files(out) == files(other) == ["baseline.pt", "metrics.csv", "rga.pt"]


def fault(kind, *arguments, **options):
    """The one line of a training that must fail."""
    with pytest.raises(kind) as caught:
        tiny.run(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def start(*command, **options):
    """Run a program of these tests to its end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **options}
    command = [sys.executable, *map(str, command)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert answer.returncode == 0, answer.stderr
    return answer.stderr

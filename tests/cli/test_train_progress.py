"""How the outcome of a training is told."""

from __future__ import annotations

from pathlib import Path

from rgaviz.cli import sweep
from rgaviz.cli.train_progress import Progress
from rgaviz.tasks import Measure

MAE, SHARE = Measure("mae", "mean error", unit="", least=True), Measure("share", "share found")
ROW = {"network": "rga", "test_mae": 0.01234, "train_mae": 0.00449, "test_share": 56.789}


def cells(text):
    """Those of the row of a printed table."""
    (line,) = (line for line in text.splitlines() if "rga" in line and "│" in line)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_every_measure_has_its_decimals(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    report = Progress(None)
    report.measures = {each.key: each for each in (MAE, SHARE)}
    report.headlines = {"mae": MAE}
    report.table([ROW], Path("out"))
    assert cells(capsys.readouterr().out) == ["rga", "0.012", "56.79", "0.004"]
    sweep.show(
        [{**ROW, "dataset": "dots", "recipe": "own", "seed": 1}], Path("out"), report.headlines, "test"
    )
    assert cells(capsys.readouterr().out) == ["dots", "own", "1", "rga", "0.012"]

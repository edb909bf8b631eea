"""``rgaviz growth``."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pictures import files_below

from rgaviz import devices
from rgaviz.profiling import growth


def table(path):
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def test_growth(answer, rga, monkeypatch):
    monkeypatch.setattr(growth, "SIDES", (8, 12, 16))
    words = ("growth", "N", "--attention", "none,se,rga-s", "--repeats", "2", "--format", "png")
    told = answer(*words, "--dpi", "60", "--width", "column", "--channels", "128")
    names = ["se", "rga-s", "rga-s (direct)"]
    assert [(row["attention"], row["N"], row["C"]) for row in told["rows"]] == [
        (name, side * side, 128) for side in (8, 12, 16) for name in names
    ]
    assert list(told["exponents"]) == names
    for name, found in told["exponents"].items():
        own = [row for row in told["rows"] if row["attention"] == name]
        for key, value in found.items():
            assert value == pytest.approx(growth.exponent([64, 144, 256], [row[key] for row in own]))
    assert told["machine"]["batch_size"] == 1
    assert told["machine"]["scale_with"] == "N"
    assert told["files"] == [f"rgaviz-growth/growth.{kind}" for kind in ("png", "csv", "tex")]
    assert [row["N"] for row in table("rgaviz-growth/growth.csv")] == [str(row["N"]) for row in told["rows"]]
    lines = Path("rgaviz-growth/growth.tex").read_text().splitlines()
    assert lines[4].startswith("ms at $N =$ & 64 & 144 & 256 & time $N^p$")
    assert [line.partition(" &")[0] for line in lines[6:9]] == names
    drawn = Path("rgaviz-growth/growth.png").read_bytes()
    rga("redraw", "rgaviz-growth")
    assert Path("rgaviz-growth/growth.png").read_bytes() == drawn
    monkeypatch.setattr(growth, "available_memory", lambda device: 1.0)
    result = rga(*words)
    assert "Note: rga-s (direct) ends at N = 64" in result.stderr
    assert "p =" in result.stdout


def test_channels_grow(answer, monkeypatch):
    monkeypatch.setattr(growth, "CHANNELS", (16, 32))
    told = answer("growth", "C", "--attention", "se", "--repeats", "2", "-o", "fig.svg")
    assert [row["C"] for row in told["rows"]] == [16, 32]
    assert told["files"] == [f"fig.{kind}" for kind in ("svg", "csv", "tex")]
    assert ">C, channels of the map<" in Path("fig.svg").read_text()
    assert Path("fig.tex").read_text().startswith("% Written by rgaviz growth")


@pytest.mark.parametrize("words", [(), ("--train",)])
def test_a_training_step_is_measured_as_a_training_runs(rga, monkeypatch, words):
    calls = []
    monkeypatch.setattr(devices, "keep_freed_memory", lambda: calls.append("kept"))
    monkeypatch.setattr(growth, "SIDES", (8, 12))
    rga("growth", "--attention", "se", "--repeats", "2", "--format", "png", "--dpi", "50", *words)
    assert calls == ["kept"] * len(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("M",), "'M'"),
        (("--attention", "se,rga-sk"), "Did you mean 'rga-s"),
        (("--attention", "none"), "name one"),
        (("--attention", "rga-sc", "--channels", "8"), "give more with --channels"),
        (("--batch-size", "0"), "--batch-size 0"),
        (("--device", "gpu"), "Unknown device 'gpu'"),
        (("--precision", "fp8"), "Unknown precision 'fp8'"),
        (("-o", "img.jpg/out"), "img.jpg is no writable folder"),
        (("--format", "gif"), "Unknown figure format 'gif'"),
    ],
)
def test_bad_input(refused, words, message):
    assert message in refused("growth", *words)


def test_files_of_others_stay(refused):
    for name in ("growth.csv", "growth.tex", "growth.pdf", "manifest.json"):
        Path(name).write_text("mine\n")
        assert f"{name} is there" in refused("growth", "-o", ".")
        Path(name).unlink()
    Path("growth.pdf").mkdir()
    assert "growth.pdf is there" in refused("growth", "-o", ".")
    assert files_below(Path("growth.pdf")) == {}

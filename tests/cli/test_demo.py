"""``rgaviz demo``: the folder it fills, and the uses it promises there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from parametrised import rare
from pictures import files_below

from rgaviz import load_checkpoint
from rgaviz.analysis import demo_people
from rgaviz.bundled import bundled, sample_pictures

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.mark.parametrize(("name", "attention"), [("baseline", "none"), ("rga", "rga-sc")])
def test_the_bundled_pair(name, attention):
    checkpoint = load_checkpoint(bundled(f"weights/{name}.pt"))
    assert (checkpoint.config["arch"], checkpoint.config["attention"]) == ("resnet18-w16", attention)
    assert checkpoint.classes == CIFAR10
    assert checkpoint.image_size == (32, 32)
    assert checkpoint.metrics["test_error"] < 25


def test_the_bundled_photographs():
    assert len(sample_pictures()) >= 4
    text = (bundled("sample_images") / "README.md").read_text()
    assert all(path.name in text for path in sample_pictures())
    people = sorted((bundled("sample_images") / "pedestrians").iterdir())
    assert len(people) >= 4
    assert all(f"pedestrians/{path.name}" in text for path in people)


@pytest.mark.slow
def test_figures_are_told_as_they_are_drawn_and_ctrl_c_ends_in_a_line(tmp_path):
    """In a pipe, where Python keeps lines back."""
    words = [sys.executable, "-m", "rgaviz", "demo", "-o", str(tmp_path / "demo")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    heeds = partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # a program started in the background ignores it
    with subprocess.Popen(words, preexec_fn=heeds, **pipes) as program:
        assert program.stdout.readline() == f"Figure: {tmp_path / 'demo/compare.pdf'}\n"
        assert not (tmp_path / "demo/people/rank").exists()  # most is still to come
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=60)
    assert (program.returncode, told) == (130, "Interrupted.\n")


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("people", [False, rare(True)])
def test_demo_and_the_uses_word_for_word(rga, place, monkeypatch, people):
    """Made twice, the second time with the figures of people where there is time."""
    result = rga("demo")
    demo = Path("rgaviz-demo")
    made = files_below(demo)
    figures = {f"{name}.{kind}" for name in ("compare", "masks", "histogram") for kind in ("pdf", "png")}
    figures |= {
        f"people/{name}" for name in ("figure3.pdf", "figure3.png", "rank/rank.pdf", "rank/rank.html")
    }
    assert {"baseline.pt", "rga.pt", "img.jpg", "samples/cat/cat.jpg", "histogram.csv", *figures} <= set(made)
    told = [line for line in result.stdout.splitlines() if line.startswith("Figure: ")]
    assert {f"Figure: {demo / name}" for name in (*figures, "people/rank/rank.png")} == set(told)
    for text in ("picture", "baseline", "rga", "cd rgaviz-demo", "rgaviz compare baseline.pt rga.pt img.jpg"):
        assert text in result.stdout
    commands = [line.strip() for line in result.stdout.splitlines() if line.startswith("  rgaviz ")]
    assert commands == [
        "rgaviz compare baseline.pt rga.pt img.jpg",
        "rgaviz masks --layer conv5",
        "rgaviz train cifar10",
        "rgaviz rank people/baseline.pt people/rga.pt --overlay cam",
    ]
    monkeypatch.chdir(demo)
    rga(*commands[0].split()[1:])
    assert {"rgaviz-compare/compare.pdf", "rgaviz-compare/manifest.json"} <= set(files_below(Path()))
    rga("masks", "--layer", "conv5")
    assert len(list(Path("rgaviz-masks").glob("*.pdf"))) >= 1
    monkeypatch.chdir(place)
    if not people:
        monkeypatch.setattr(demo_people, "people_figures", lambda *_: [])
        figures = {name for name in figures if not name.startswith("people/")}
    again = json.loads(rga("demo", "--json").stdout)
    assert set(again) == {"files", "predictions"}
    assert {Path(name).relative_to(demo).as_posix() for name in again["files"]} >= figures
    assert set(again["predictions"]["cat/cat.jpg"]) == {"baseline", "rga"}
    after = files_below(demo)  # manifests and pages hold the command line
    assert all(
        after[name] == body for name, body in made.items() if not name.endswith(("manifest.json", ".html"))
    )


def test_what_lies_there_already_is_kept(refused):
    Path("runs").mkdir()
    Path("runs/rga.pt").write_bytes(b"trained for a week")
    assert (
        refused("demo", "-o", "runs")
        == "runs/rga.pt is there with other content; choose another folder with --out."
    )
    Path("mine").mkdir()
    Path("mine/compare.pdf").write_bytes(b"mine")
    assert (
        refused("demo", "-o", "mine")
        == "mine/compare.pdf is there and is no demo's; choose another folder with --out."
    )
    assert files_below(Path("mine")) == {"compare.pdf": b"mine"}

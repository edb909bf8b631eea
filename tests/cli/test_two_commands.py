"""Two commands in one folder: the second is refused in one line, and the first ends as if it had been alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from pictures import files_below
from tiny import First
from typer.testing import CliRunner

from rgaviz.checkpoint import load_checkpoint
from rgaviz.cli import app
from rgaviz.errors import OutputError
from rgaviz.locks import alone
from rgaviz.tasks import TASKS

FAST = ("--format", "png", "--dpi", "50")
SETTINGS = (
    "data.train_size=32",
    "data.test_size=10",
    "data.image_size=[16, 16]",
    "model.width=8",
    "model.s1=2",
)
TINY = [word for each in (*SETTINGS, "model.s2=2", "train.batch_size=16") for word in ("--set", each)]
TRAIN = (*TINY, "--set", "train.precision=fp32", "--epochs", "2", "--device", "cpu", "--attention", "none")
REFUSAL = (
    f"Process {os.getpid()} is writing into {{}}: wait until it has ended, or choose another place with -o."
)


@pytest.mark.parametrize(
    "words",
    [
        ("masks", "rga.pt", "img.jpg", *FAST),
        ("cam", "rga.pt", "img.jpg", *FAST),
        ("compare", "baseline.pt", "rga.pt", "img.jpg", *FAST),
        ("histogram", "rga.pt", "img.jpg", *FAST),
        ("evaluate", "rga.pt", *FAST),
        ("train", "shapes", *TRAIN),
        ("train", "shapes", *TRAIN, "--resume"),
        ("train", "shapes", *TRAIN, "--overwrite"),
    ],
    ids=lambda words: "-".join(
        word for word in words[:1] + words[-1:] if word.isidentifier() or word[:2] == "--"
    ),
)
def test_the_second_is_refused(refused, place, words):
    with alone(place / "out"):
        assert refused(*words, "-o", "out") == REFUSAL.format(place / "out")


def test_a_figure_and_results_that_are_written(rga, refused, place):
    rga("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
    with alone(place / "out"):
        for words in (
            ("redraw", "out"),
            ("redraw", "out", "-o", "fig.png"),
            ("cam", "rga.pt", "img.jpg", "-o", "out.png"),
        ):
            assert refused(*words) == REFUSAL.format(place / "out")
    with alone(place / "fig"):
        assert refused("redraw", "out", "-o", "fig.png") == REFUSAL.format(place / "fig")
        rga("redraw", "out")


def test_a_second_command_while_the_first_one_runs(rga, place, monkeypatch):
    """Of another kind, in the same folder."""
    from rgaviz.analysis import subject

    refusals = []

    def explain(*given, **more):
        refusals.append(CliRunner().invoke(app, ["cam", "rga.pt", "img.jpg", "-o", "out", *FAST]))
        return explained(*given, **more)

    explained = subject.made
    rga("masks", "rga.pt", "img.jpg", "-o", "alone", *FAST)
    with monkeypatch.context() as patch:
        patch.setattr(subject, "made", explain)
        rga("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
    (refusal,) = refusals
    assert (refusal.exit_code, refusal.stderr.count("\n")) == (1, 1)
    assert files_below(Path("out")).keys() == files_below(Path("alone")).keys()
    assert not list(Path().rglob(".rgaviz*"))


def test_a_second_training_while_the_first_one_runs(rga, place, monkeypatch):
    refusals = []

    def second(call, _):
        if call == 3:
            for more in ("--resume", "--overwrite"):
                refusals.append(CliRunner().invoke(app, ["train", "shapes", *TRAIN, "-o", "out", more]))

    rga("train", "shapes", *TRAIN, "-o", "straight")
    with monkeypatch.context() as patch:
        patch.setitem(TASKS, "classification", First(loss=second))
        rga("train", "shapes", *TRAIN, "-o", "out")
    for refusal in refusals:
        assert (refusal.exit_code, refusal.stderr) == (1, f"Error: {REFUSAL.format(place / 'out')}\n")
    assert len(refusals) == 2
    one, other = (load_checkpoint(f"{out}/baseline.pt").model.state_dict() for out in ("out", "straight"))
    assert all(torch.equal(value, other[key]) for key, value in one.items())
    assert not list(Path().rglob(".rgaviz*"))


def test_a_sweep_leaves_the_run_of_another_one_alone(rga, place):
    """Whose others it does: two sweeps share the work."""
    words = ["sweep", "shapes", *TRAIN, "--seeds", "0,1", "-o", "out"]
    with alone(place / "out/shapes/shapes/seed0"):
        result = rga(*words, code=1)
    refusal = REFUSAL.format(place / "out/shapes/shapes/seed0")
    assert f"Error: shapes, shapes, seed 0: {refusal}" in result.stderr
    assert [path.parent.name for path in Path("out").rglob("baseline.pt")] == ["seed1"]
    rga(*words)
    assert len(list(Path("out").rglob("baseline.pt"))) == 2


def test_other_processes_of_one_training_do_not_ask(place, monkeypatch):
    """Under torchrun: the one that writes has the lock."""
    from rgaviz.analysis import train

    monkeypatch.setattr("rgaviz.training.start.run_training", lambda *_, **__: ([], "classification"))
    with alone(place / "out"):
        monkeypatch.setenv("RANK", "1")
        train.train("shapes", out="out")
        monkeypatch.setenv("RANK", "0")
        with pytest.raises(OutputError):
            train.train("shapes", out="out")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_exit_code_of_a_stopped_training_is_that_of_the_signal(rga, place, monkeypatch, number, code):
    monkeypatch.setitem(TASKS, "classification", First(loss=lambda *_: os.kill(os.getpid(), number)))
    stopped = rga("train", "shapes", *TRAIN, "-o", "out", code=code)
    assert "\nStopped; nothing is lost. Go on with:\n  rgaviz train shapes" in stopped.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("masks", "rga.pt", "img.jpg"),
        ("evaluate", "rga.pt"),
        ("redraw", "pics"),
        ("train", "shapes"),
        ("sweep", "shapes"),
        ("demo",),
        ("convert", "rga.pt"),
        ("table", "."),
        ("report", "."),
        ("growth", "N"),
        ("statistics", "rga.pt"),
        ("profile",),
    ],
    ids=lambda words: words[0],
)
def test_an_empty_place_is_no_place(refused, words):
    """As ``-o "$OUT"`` where that is not set; the working folder is ``-o .``"""
    for empty in ("", " "):
        assert refused(*words, "-o", empty) == "--out is empty: name a place with -o, or leave it out."


def test_an_empty_place_in_python(place):
    import rgaviz

    for function, words in (
        (rgaviz.demo, ()),
        (rgaviz.train, ("shapes", None)),
        (rgaviz.evaluate, (["rga.pt"],)),
    ):
        with pytest.raises(OutputError, match="--out is empty"):
            function(*words, "")

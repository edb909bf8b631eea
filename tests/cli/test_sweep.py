"""The sweep and table commands, from their arguments to their files."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from tiny import First

from rgaviz.checkpoint import load_checkpoint
from rgaviz.cli.sweep import show
from rgaviz.tasks import TASKS, Measure
from rgaviz.training import sweep

pytestmark = pytest.mark.usefixtures("shallow")

SETTINGS = {
    "data.train_size": 32,
    "data.test_size": 10,
    "data.image_size": "[16, 16]",
    "train.batch_size": 16,
    "train.precision": "fp32",
    "model.width": 8,
    "model.s1": 2,
    "model.s2": 2,
}
TINY = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")] + ["--epochs", "1"]


def run_sweep(rga, *words, code=0):
    return rga("sweep", *TINY, "--device", "cpu", *words, code=code)


def test_every_recipe_and_seed_once(rga, answer, place):
    Path("mine.toml").write_text('[model]\nattention = ["none"]\n[train]\nwarmup = 0.5\n')
    words = ["shapes", "mine.toml", "--dataset", "shapes", "--seeds", "0,3", "-o", "out"]
    result = json.loads(run_sweep(rga, *words, "--json").stdout)
    assert result["failures"] == []
    found = [(row["recipe"], row["seed"], row["network"]) for row in result["networks"]]
    assert found == [
        *(("shapes", 0, "baseline"), ("shapes", 0, "rga"), ("mine", 0, "baseline")),
        *(("shapes", 3, "baseline"), ("shapes", 3, "rga"), ("mine", 3, "baseline")),
    ]
    files = sorted(str(path) for path in Path("out").rglob("*.pt"))
    assert files == [
        "out/shapes/mine/seed0/baseline.pt",
        "out/shapes/mine/seed3/baseline.pt",
        "out/shapes/shapes/seed0/baseline.pt",
        "out/shapes/shapes/seed0/rga.pt",
        "out/shapes/shapes/seed3/baseline.pt",
        "out/shapes/shapes/seed3/rga.pt",
    ]
    assert load_checkpoint("out/shapes/shapes/seed3/rga.pt").seed == 3

    curves = sorted(str(path.parent) for path in Path("out").rglob("curves.png"))
    assert curves == sorted({str(Path(path).parent) for path in files})
    before = {path: Path(path).stat().st_mtime_ns for path in files}
    second = run_sweep(rga, *words, "--attention", "none,rga-sc,rga-c", "--json")
    again = json.loads(second.stdout)
    assert second.stderr.count("baseline: done already") == 4
    assert "rga-c: done already" not in second.stderr
    assert {path: Path(path).stat().st_mtime_ns for path in files} == before  # done already
    assert sum(row["network"] == "rga-c" for row in again["networks"]) == 4

    rows = answer("table", "out")
    means = {(row["attention"], row["model"]): row["error"]["shapes"] for row in rows}
    assert len(means) == 6  # three attentions, two recipes told apart by their settings
    errors = {f"{row['seed']}": row["test_error"] for row in result["networks"] if row["network"] == "rga"}
    assert errors in [each["by_seed"] for (attention, _), each in means.items() if attention == "rga-sc"]


def test_a_run_that_fails_is_reported_and_the_others_are_done(rga, place):
    Path("bad.toml").write_text("[train]\nlr = 1e9\nwarmup = 0.0\n")
    result = run_sweep(rga, "bad.toml", "shapes", "--dataset", "shapes", "-o", "out", code=1)
    assert "Error: shapes, bad, seed 0: The" in result.stderr
    assert Path("out/shapes/shapes/seed0/rga.pt").exists()


def test_an_interrupted_sweep_goes_on_when_typed_again(rga, place, monkeypatch):
    def interrupt(*_):
        os.kill(os.getpid(), signal.SIGINT)

    words = ["shapes", "--attention", "none", "-o", "out"]
    with monkeypatch.context() as patch:
        patch.setitem(TASKS, "classification", First(loss=interrupt))
        stopped = run_sweep(rga, *words, code=130)
    assert "Go on with:\n  rgaviz sweep --set data.train_size=32" in stopped.stderr
    assert "--resume" not in stopped.stderr
    assert "not finished" in rga("table", "out", code=1).stderr
    run_sweep(rga, *words)
    run_sweep(rga, *words[:-1], "straight")
    folder = "shapes/shapes/seed0/baseline.pt"
    one, other = (load_checkpoint(f"{out}/{folder}").model.state_dict() for out in ("out", "straight"))
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_too_little_memory_is_a_failure_like_others(rga, place, monkeypatch):
    def exhausted(call, model, images):
        if model.config["attention"] == "rga-c":
            raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setitem(TASKS, "classification", First(outputs=exhausted))
    result = run_sweep(rga, "shapes", "--attention", "none,rga-c", "--seeds", "0,1", "-o", "out", code=1)
    assert result.stderr.count("does not fit into memory: try --set train.batch_size=8") == 2
    assert len(list(Path("out").rglob("baseline.pt"))) == 2


def test_the_format_of_a_table_follows_its_name(rga, refused, place):
    run_sweep(rga, "shapes", "--attention", "none", "-o", "out")
    rga("table", "out", "-o", "t.tex")
    assert Path("t.tex").read_text().startswith("% needs")
    rga("table", "out", "-o", "t.tex", "--paper", "table7")  # our own is replaced
    rga("table", "out", "-o", "t.tex", "--columns", "error, params", "--label", "tab:ours")
    assert r"\label{tab:ours}" in Path("t.tex").read_text()
    assert r"Model & shapes error (\%) & Params \\" in Path("t.tex").read_text()
    assert "Did you mean 'error'?" in refused("table", "out", "--columns", "errors")
    Path("notes.md").write_text("mine")
    assert "was not written by rgaviz" in refused("table", "out", "-o", "notes.md")
    assert "different formats" in refused("table", "out", "-o", "t.csv", "--format", "latex")
    assert "different formats" in refused("table", "out", "--json", "--format", "latex")


def test_a_data_set_has_its_own_folder_or_shares_one(tmp_path):
    (tmp_path / "cifar10").mkdir()
    assert sweep.own_folder(tmp_path, "cifar10") == tmp_path / "cifar10"
    assert sweep.own_folder(tmp_path, "cifar100") == tmp_path
    assert sweep.own_folder(None, "cifar10") is None
    assert sweep.own_folder(tmp_path, "shapes") is None  # generated


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep", "shaps"], "shapes"),
        (["sweep", "shapes", "--seeds", "0,x"], "--seeds 0,1,2"),
        (["sweep", "shapes", "--seeds", "-1"], "--seeds 0,1,2"),
        (["sweep", "shapes", "--seeds", "0,1,0"], "--seeds name 0 twice"),
        (["sweep", "shapes", "--dataset", "cifar"], "cifar10"),
        (["sweep", "shapes", "--attention", "rga"], "Did you mean 'rga-s'?"),
        (["sweep", "shapes", "a/shapes.toml"], "share a folder"),
        (["table", "nowhere"], "does not exist"),
        (["table", "pics"], "No finished network"),
        (["table", "pics", "--format", "word"], "latex"),
        (["table", "pics", "--paper", "table9"], "table7"),
        (["table", "pics", "-o", "baseline.pt"], "no name for a table"),
    ],
)
def test_refusals(refused, place, words, said):
    if "a/shapes.toml" in words:
        Path("a").mkdir()
        Path("a/shapes.toml").write_text("")
    assert said in refused(*words)


def test_what_was_measured_is_called_by_its_part(capsys):
    show(
        [{"dataset": "streets", "recipe": "a", "seed": 0, "network": "rga", "test_mIoU": 61.5}],
        Path("runs"),
        {"mIoU": Measure("mIoU", "mIoU")},
        "val",
    )
    told = capsys.readouterr().out
    assert "val mIoU" in told
    assert "61.50" in told

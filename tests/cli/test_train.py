"""The train command from its arguments to its files, on a handful of generated images."""

from __future__ import annotations

import json
import os
import signal

import pytest
from pictures import files_below
from regression import load_dots
from tiny import First
from typer.testing import CliRunner

from rgaviz.checkpoint import load_checkpoint
from rgaviz.cli import app
from rgaviz.data.sets import DATASETS
from rgaviz.tasks import TASKS

pytestmark = pytest.mark.usefixtures("shallow")

TINY = [
    *("--set", "data.train_size=32", "--set", "data.test_size=10", "--set", "train.batch_size=16"),
    *(
        "--set",
        "data.image_size=[16, 16]",
        "--set",
        "model.width=8",
        "--set",
        "model.s1=2",
        "--set",
        "model.s2=2",
    ),
    *("--epochs", "2", "--precision", "fp32", "--device", "cpu"),
]


def train(*arguments: str):
    return CliRunner().invoke(app, ["train", "shapes", *TINY, *arguments])


def test_it_trains_the_pair_and_says_where(tmp_path):
    result = train("-o", str(tmp_path / "run"), "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [each["network"] for each in answer["networks"]] == ["baseline", "rga"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "baseline.pt",
        "curves",
        "curves.png",
        "metrics.csv",
        "rga.pt",
    ]
    curves = tmp_path / "run/curves"
    assert sorted(files_below(curves)) == ["manifest.json", "tables/curves.csv"]
    assert (curves / "tables/curves.csv").read_bytes() == (tmp_path / "run/metrics.csv").read_bytes()
    again = CliRunner().invoke(app, ["redraw", str(curves), "-o", str(tmp_path / "again.png")])
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "run/curves.png").read_bytes()
    rga = load_checkpoint(tmp_path / "run" / "rga.pt")
    assert rga.config["attention"] == "rga-sc"
    assert rga.training["command"].startswith("rgaviz train shapes --set data.train_size=32")
    assert rga.metrics["test_error"] == answer["networks"][1]["test_error"]


def test_other_attentions_bear_their_names(tmp_path):
    result = train("-o", str(tmp_path), "--attention", "rga-s, rga-c-novis")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in tmp_path.glob("*.pt")} == {"rga-s.pt", "rga-c-novis.pt"}


def test_metrics_keep_the_networks_of_earlier_commands(tmp_path):
    assert train("-o", str(tmp_path), "--attention", "none").exit_code == 0
    assert train("-o", str(tmp_path), "--attention", "rga-s").exit_code == 0
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["network", "baseline", "baseline", "rga-s", "rga-s"]


def test_an_earlier_run_is_replaced_only_when_asked(tmp_path):
    assert train("-o", str(tmp_path), "--attention", "none").exit_code == 0
    before = (tmp_path / "baseline.pt").read_bytes()
    refused = train("-o", str(tmp_path), "--attention", "none", "--seed", "1")
    assert refused.exit_code == 1
    assert "--resume" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert (tmp_path / "baseline.pt").read_bytes() == before
    again = train("-o", str(tmp_path), "--attention", "none", "--seed", "1", "--overwrite")
    assert again.exit_code == 0, again.stderr
    assert load_checkpoint(tmp_path / "baseline.pt").seed == 1


def test_a_file_of_someone_else_is_never_removed(tmp_path):
    (tmp_path / "rga.pt").write_text("my notes")
    result = train("-o", str(tmp_path), "--overwrite")
    assert result.exit_code == 1
    assert (tmp_path / "rga.pt").read_text() == "my notes"


def test_an_interrupted_run_says_how_to_go_on_and_does(tmp_path, monkeypatch):
    def interrupt(call, _):
        if call > 2:  # in the second epoch
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setitem(TASKS, "classification", First(loss=interrupt))
        stopped = train("-o", str(tmp_path), "--attention", "none")
    assert stopped.exit_code == 130
    assert "Stopped; nothing is lost." in stopped.stderr
    assert "Interrupted." not in stopped.stderr  # told once
    forgotten = train("-o", str(tmp_path), "--attention", "none")
    assert forgotten.exit_code == 1
    resumed = train("-o", str(tmp_path), "--attention", "none", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "baseline: goes on after epoch 1 of 2\n" in resumed.stderr
    assert len(load_checkpoint(tmp_path / "baseline.pt").history) == 2
    longer = train("-o", str(tmp_path), "--attention", "none", "--resume")
    assert longer.stderr.count("baseline: done already") == 1


@pytest.mark.parametrize("ratio", ["64", "0"])
def test_a_network_that_cannot_be_built_is_refused_before_any_is_trained(tmp_path, ratio):
    result = train("-o", str(tmp_path / "run"), "--set", f"model.s1={ratio}")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("taken", ["curves", "curves/manifest.json", "curves.png/mine"])
def test_curves_of_someone_else_are_found_before_the_training(tmp_path, taken):
    path = tmp_path / "run" / taken
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    result = train("-o", str(tmp_path / "run"))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "curves" in result.stderr
    assert path.read_text() == "mine"
    assert not list((tmp_path / "run").glob("*.pt"))


def test_an_unknown_data_set_is_told_as_one():
    result = CliRunner().invoke(app, ["train", "shaps"])
    assert result.exit_code == 1
    assert "Unknown data set 'shaps'. Did you mean 'shapes'?" in result.stderr


@pytest.mark.parametrize("setting", ["model.width=true", "model.s1=true", "model.last_stride=true"])
def test_true_is_no_number_of_a_network(tmp_path, setting):
    result = train("-o", str(tmp_path / "run"), "--set", setting)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert setting.removesuffix("=true") in result.stderr


def test_a_data_set_without_a_recipe_of_its_own(monkeypatch):
    monkeypatch.setitem(DATASETS, "dots", load_dots)
    result = CliRunner().invoke(app, ["train", "dots"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: dots has no recipe of its own; name one with --recipe: camvid-")

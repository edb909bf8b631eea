"""``rgaviz profile``."""

from __future__ import annotations

import csv
import statistics
from functools import partial
from pathlib import Path

import pytest
import torch
from pictures import files_below

import rgaviz
from rgaviz import devices
from rgaviz.models import count_parameters
from rgaviz.profiling.measure import Settings, machine
from rgaviz.results.reader import read_results
from rgaviz.tasks import TASKS, Measure
from rgaviz.tasks.classification import Classification
from rgaviz.training.config import DataConfig, ModelConfig, Recipe

SMALL = ("--arch", "resnet20", "--image-size", "16x8", "--batch-size", "2", "--repeats", "2")
build = partial(rgaviz.create_model, "resnet20", image_size=(16, 8), num_classes=10)
ERRORS = {"none": (8.0, 9.0, 8.5), "rga-sc": (7.0,)}


@pytest.fixture
def runs(place) -> Path:
    """Finished trainings: three seeds of the baseline, one of RGA-SC, and another network."""
    for attention, errors in {**ERRORS, "se": (6.0,)}.items():
        for seed, error in enumerate(errors):
            recipe = Recipe(
                model=ModelConfig(arch="resnet20", attention=(attention,)),
                data=DataConfig(image_size=(16, 8)),
            )
            rgaviz.save_checkpoint(
                Path(f"runs/seed{seed}/{attention}.pt"),
                build(attention),
                classes=[str(number) for number in range(10)],
                mean=(0, 0, 0),
                std=(1, 1, 1),
                metrics={"test_error": error},
                training={"dataset": "cifar10", "recipe": recipe.to_dict()},
                seed=seed,
                history=[{"epoch": 1, "test_error": error}],
            )
    return Path("runs")


def table(path):
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def test_numbers_of_every_network(answer):
    told = answer("profile", *SMALL, "--attention", "none,rga-sc", "--train", "--num-classes", "10")
    assert told["machine"] == {
        **machine(Settings(torch.device("cpu"), train=True)),
        "arch": "resnet20",
        "image_size": "16x8",
        "batch_size": 2,
        "num_classes": 10,
        "attention_layers": "default",
    }
    none, rga = told["rows"]
    for row in (none, rga):
        assert row["parameters"] == count_parameters(build(row["attention"]))
        assert row["latency_q1_ms"] <= row["latency_ms"] <= row["latency_q3_ms"]
        assert row["memory_mib"] * 2**20 > 3 * 4 * row["parameters"]  # weights, gradients, momentum
        for key, ratio in (("parameters", "parameters"), ("latency_ms", "latency"), ("memory_mib", "memory")):
            assert row[f"{ratio}_ratio"] == pytest.approx(row[key] / none[key])
        assert "test_error" not in row
    assert told["files"] == ["rgaviz-profile/profile.csv", "rgaviz-profile/profile.tex"]
    assert sorted(files_below(Path("rgaviz-profile"))) == ["profile.csv", "profile.tex"]
    for line, row in zip(table("rgaviz-profile/profile.csv"), told["rows"], strict=True):
        for key, value in {**row, **told["machine"]}.items():
            assert line[key] == (f"{value:.6g}" if isinstance(value, float) else str(value)), key
    lines = Path("rgaviz-profile/profile.tex").read_text().splitlines()
    assert "booktabs" in lines[0]
    assert "batch size 2" in lines[1]
    assert lines[6].startswith(f"none & {none['parameters'] / 1e6:.2f} & ")
    assert lines[7].startswith("rga-sc & ")
    assert {line.count("&") for line in (lines[4], *lines[6:8])} == {6}


def test_attention_layers_and_a_table_for_people(rga, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")  # nothing is cut off
    words = ("profile", *SMALL, "--attention", "none,rga-c", "--attention-layers", "conv2,conv3", "-o", "out")
    result = rga(*words)
    assert result.stderr == ""
    assert "rga-c" in result.stdout
    assert "1.00x" in result.stdout
    assert "…" not in result.stdout
    (header,) = (line for line in result.stdout.splitlines() if "quartiles" in line)
    assert header.split() == ["attention", "params", "(M)", "GMACs", "ms", "quartiles", "MiB"]
    assert result.stdout.splitlines()[-2:] == ["out/profile.csv", "out/profile.tex"]
    found = {row["attention"]: int(row["parameters"]) for row in table("out/profile.csv")}
    assert found["rga-c"] == count_parameters(build("rga-c", attention_layers=["conv2", "conv3"]))
    rga(*words)  # our own are replaced


@pytest.mark.parametrize("words", [(), ("--train",)])
def test_a_training_step_is_measured_as_a_training_runs(rga, monkeypatch, words):
    calls = []
    monkeypatch.setattr(devices, "keep_freed_memory", lambda: calls.append("kept"))
    rga("profile", *SMALL, "--attention", "none", *words)
    assert calls == ["kept"] * len(words)


def test_accuracy_against_cost(rga, answer, runs):
    Path("runs/seed1/rga-sc.pt").write_bytes(Path("runs/seed0/rga-sc.pt").read_bytes())
    Path("runs/seed1/rga-sc.resume.pt").touch()  # not finished
    words = ("profile", *SMALL, "--attention", "none,rga-sc,nl", "--runs", "runs", "--format", "svg")
    told = answer(*words, "--against", "latency")
    none, rga_sc, other = told["rows"]
    assert none["test_error"] == pytest.approx(8.5)
    assert none["test_error_std"] == pytest.approx(statistics.stdev(ERRORS["none"]))
    assert (none["seeds"], rga_sc["seeds"], rga_sc["test_error_std"]) == (3, 1, None)
    assert "test_error" not in other
    notes = " ".join(told["notes"])
    assert "resnet20 with attention se is not measured here" in notes
    assert "no run of nl" in notes
    assert "not finished" in notes
    assert told["files"] == [f"rgaviz-profile/profile.{kind}" for kind in ("svg", "csv", "tex")]
    drawn = Path("rgaviz-profile/profile.svg").read_text()
    for text in ("latency (ms per batch)", "test error (%)", "accuracy against cost"):
        assert f">{text}<" in drawn
    assert ">rga-sc<" in drawn
    assert ">nl<" not in drawn
    tex = Path("rgaviz-profile/profile.tex").read_text()
    assert r"8.50 $\pm$ 0.50" in tex
    assert r"& Error (\%) \\" in tex
    result = rga("profile", *SMALL, "--attention", "none", "--runs", "runs", "-o", "cost.png", "--dpi", "50")
    assert "8.50 ± 0.50" in result.stdout
    assert Path("cost.png").read_bytes().startswith(b"\x89PNG")
    assert table("cost.csv")[0]["seeds"] == "3"
    drawn = Path("cost.png").read_bytes()
    rga("redraw", "cost", "-o", "again.png")
    assert Path("again.png").read_bytes() == drawn  # from all digits, without the runs


class Places(Classification):
    """A task with a measure of its own."""

    name = "places"
    measures = (Measure("mae", "mean off", unit="m"), *Classification.measures)
    tabulated = ("mae",)


def make_places(path):
    document = torch.load(path, weights_only=True)
    document["task"] = "places"
    document["history"][-1]["test_mae"] = document["history"][-1]["test_error"] / 1000
    torch.save(document, path)


@pytest.mark.slow
def test_what_another_task_measures_against_cost(rga, answer, refused, runs, monkeypatch):
    monkeypatch.setitem(TASKS, "places", Places())
    make_places("runs/seed0/rga-sc.pt")
    words = ("profile", *SMALL, "--attention", "none,rga-sc", "--runs")
    assert "measured by their error and mean off" in refused(*words, "runs")
    for path in Path("runs").rglob("none.pt"):
        make_places(path)
    none, rga_sc = answer(*words, "runs", "--format", "svg", "-o", "out")["rows"]
    assert none["test_mae"] == pytest.approx(0.0085)
    assert (none["seeds"], rga_sc["test_mae"], rga_sc["test_mae_std"]) == (3, 0.007, None)
    drawn = Path("out/profile.svg").read_text()
    assert ">test mean off (m)<" in drawn
    assert ">mean off against cost<" in drawn
    tex = Path("out/profile.tex").read_text()
    assert "Mean off (m)" in tex
    assert r"0.01 $\pm$ 0.00" in tex
    told = rga(*words, "runs", "-o", "out", "--format", "svg").stdout
    assert "mean off (m)" in told
    assert "0.01 ± 0.00" in told
    assert "error" not in told + drawn + tex


@pytest.mark.slow
def test_a_figure_of_a_version_without_results_is_ours(rga, runs):
    words = ("profile", *SMALL, "--attention", "none", "--runs", "runs", "--format", "png", "--dpi", "50")
    rga(*words)
    names = ["profile.csv", "profile.png", "profile.tex"]
    for path in (path for path in Path("rgaviz-profile").rglob("*") if path.is_file()):
        if path.name not in names:
            path.unlink()
    rga(*words)
    assert sorted(files_below(Path("rgaviz-profile"))) == ["manifest.json", *names, "tables/cost.csv"]
    assert read_results("rgaviz-profile").manifest.files == [*names, "tables/cost.csv"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--arch", "resnet56"), "--runs has no resnet56 with none, but resnet20"),
        (("--num-classes", "7"), "give the --image-size, --num-classes and --attention-layers"),
        (("--against", "price"), "Unknown cost 'price'"),
    ],
)
def test_runs_that_do_not_fit(refused, runs, words, message):
    assert message in refused("profile", *SMALL, "--attention", "none", "--runs", "runs", *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--attention", "none,rga-sk"), "Did you mean 'rga-s"),
        (("--attention", "se,se"), "name one twice"),
        (("--arch", "resnet21"), "Unknown arch 'resnet21'"),
        (("--image-size", "256x"), "write HEIGHTxWIDTH"),
        (("--image-size", "0x8"), "write HEIGHTxWIDTH"),
        (("--batch-size", "0"), "--batch-size 0"),
        (("--device", "gpu"), "Unknown device 'gpu'"),
        (("--precision", "fp8"), "Unknown precision 'fp8'"),
        (("--attention-layers", "conv9"), "Unknown attention layer 'conv9'"),
        (("--runs", "nowhere"), "nowhere does not exist"),
        (("--scale-with", "N"), "is now: rgaviz growth N"),
        (("--scale-with", "C"), "is now: rgaviz growth C"),
        (("-o", "cost.pdf"), "needs --runs"),
        (("-o", "img.jpg/out"), "img.jpg is no writable folder"),
        (("--format", "gif"), "Unknown figure format 'gif'"),
    ],
)
def test_bad_input(refused, words, message):
    assert message in refused("profile", *SMALL, "--attention", "none", *words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has the device")
def test_a_device_that_is_not_there(refused):
    assert "no cuda device" in refused("profile", "--device", "cuda")


def test_files_of_others_stay(refused, runs):
    for name in ("profile.csv", "profile.tex"):
        Path(name).write_text("mine\n")
        assert f"{name} is there" in refused("profile", *SMALL, "-o", ".")
        Path(name).unlink()
    for name in ("profile.pdf", "manifest.json"):
        Path(name).write_text("mine\n")
        assert f"{name} is there" in refused("profile", *SMALL, "--runs", "runs", "-o", ".")
        Path(name).unlink()

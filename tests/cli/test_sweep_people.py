"""Sweeps and tables of re-identification, from their arguments to their files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from rgaviz.checkpoint import load_checkpoint
from rgaviz.cli import sweep as command
from rgaviz.data.sets.people import write_people
from rgaviz.training import sweep

SETTINGS = {
    "data.train_size": 60,
    "data.image_size": "[32, 16]",
    "train.batch_size": 8,
    "train.images_per_identity": 2,
    "train.precision": "fp32",
    "model.width": 8,
    "model.s1": 2,
    "model.s2": 2,
}
TINY = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")] + ["--epochs", "1"]


def test_from_crops_to_a_table(rga, place, monkeypatch):
    """The recipe's data set, pictures found by a pattern, and both measures wherever something is told."""
    monkeypatch.setattr(command, "console", lambda **_: Console(width=200))
    write_people(Path("market1501"), train_size=60, test_size=21)
    for part, folder in {
        "bounding_box_train": "train",
        "query": "query",
        "bounding_box_test": "gallery",
    }.items():
        for file in (Path("market1501") / part).iterdir():
            identity, camera = file.name[:4], file.name[6]
            other = Path("own/reid-folder") / folder / f"p{identity}-cam{camera}-{file.name[8:]}"
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(file.read_bytes())
    Path("own/market1501").symlink_to(Path("market1501").resolve())
    words = ["sweep", "market1501-small", *TINY, "--device", "cpu", "--attention", "none,se", "-o", "out"]
    pattern = r"p(?P<id>\d+)-cam(?P<camera>\d)"
    result = rga(*words, "--data-dir", "own", "--dataset", "market1501,reid-folder", "--pattern", pattern)
    shown = [line for line in result.stdout.splitlines() if "test Rank-1 (%)" in line]
    assert len(shown) == 1
    assert "test mAP (%)" in shown[0]
    assert "test mINP" not in shown[0]
    assert ", test Rank-1 " in result.stderr
    assert ", test mAP " in result.stderr
    files = sorted(str(path) for path in Path("out").rglob("*.pt"))
    assert files == [
        f"out/{dataset}/market1501-small/seed0/{name}.pt"
        for dataset in ("market1501", "reid-folder")
        for name in ("baseline", "se")
    ]
    found = load_checkpoint(files[0])
    assert found.model.task == "reid"
    table = rga("table", *files[:2], "--format", "csv", "--paper", "table1").stdout.splitlines()
    assert table[0].split(",")[5:] == [
        "market1501_rank1_mean",
        "market1501_rank1_std",
        "market1501_mAP_mean",
        "market1501_mAP_std",
    ]
    assert float(table[1].split(",")[5]) == pytest.approx(found.metrics["test_rank1"])
    assert float(table[1].split(",")[7]) == pytest.approx(found.metrics["test_mAP"])
    rows = json.loads(rga("table", "out", "--json").stdout)
    measured = sorted((row["attention"], *row["mAP"]) for row in rows)
    assert measured == [(name, each) for name in ("none", "se") for each in ("market1501", "reid-folder")]


def test_the_data_set_that_a_recipe_is_called_after():
    wanted = {
        "market1501-small": "market1501",
        "market1501": "market1501",
        "people": "people",
        "people-mine": "people",
        "reid-folder-mine": "reid-folder",
        "cuhk03-labeled": "cuhk03-labeled",
        "shapes": "shapes",
        "cifar-resnet110": "cifar10",
        "cifar100": "cifar100",
        "marketing": "cifar10",
        "market15012": "cifar10",
    }
    assert {name: sweep.own_dataset(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep", "people", "--pattern", "x"], "--pattern is for reid-folder, which is not trained here"),
        (
            ["sweep", "shapes", "people", "--set", "model.s1=300", "-o", "out"],
            "attention rga-sc: ",
        ),
        (
            ["train", "people", "--recipe", "mine.toml", "-o", "out"],
            "A network for reid needs an embedding beside its logits, which torchvision:resnet18 does not tell; "
            "set model.arch to one of ours",
        ),
        (["table", "out", "--paper", "table8"], "table5"),
    ],
)
def test_refusals(refused, place, words, said):
    Path("mine.toml").write_text('[model]\narch = "torchvision:resnet18"\n')
    assert said in refused(*words)
    assert not Path("out").exists()

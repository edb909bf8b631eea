"""``rgaviz evaluate``."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import files_below

import rgaviz
from rgaviz.data.sets.outlines import SHAPE_CLASSES
from rgaviz.data.sets.shapes import generate
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")


def test_error_loss_and_confusion_matrix(answer):
    told = answer("evaluate", "baseline.pt", "rga.pt", *FAST)
    assert [each["network"] for each in told] == ["baseline", "rga"]
    test = generate(20, (16, 16), split="test")
    images = torch.from_numpy(test.images).float() / 255
    for each in told:
        checkpoint = rgaviz.load_checkpoint(f"{each['network']}.pt")
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (checkpoint.mean, checkpoint.std))
        with torch.no_grad():
            logits = checkpoint.model((images - mean) / std)
        labels = torch.from_numpy(test.labels)
        expected = np.zeros((10, 10), int)
        for true, said in zip(labels.tolist(), logits.argmax(1).tolist(), strict=True):
            expected[true, said] += 1
        np.testing.assert_array_equal(each["confusion"], expected)
        assert each["test_error"] == pytest.approx(100 - 100 * np.trace(expected) / 20)
        assert each["test_loss"] == pytest.approx(
            float(torch.nn.functional.cross_entropy(logits, labels)), rel=1e-4
        )
        assert (each["images"], each["dataset"], each["source"]) == (20, "shapes", "generated")
        assert list(each["class_error"]) == list(SHAPE_CLASSES)
        table = list(
            csv.reader(Path(f"rgaviz-evaluate/{each['network']}-confusion.csv").read_text().splitlines())
        )
        assert table[0] == ["true \\ predicted", *SHAPE_CLASSES]
        np.testing.assert_array_equal(np.array([row[1:] for row in table[1:]], int), expected)
    names = ("baseline", "rga")
    figures = [f"{name}-confusion.{kind}" for name in names for kind in ("csv", "png")]
    tables = [f"tables/{name}.csv" for name in names]
    assert sorted(files_below(Path("rgaviz-evaluate"))) == sorted([*figures, *tables, "manifest.json"])
    manifest = read_results("rgaviz-evaluate").manifest
    assert manifest.command == "evaluate"
    assert manifest.command_line.startswith("rgaviz evaluate baseline.pt rga.pt --format png")
    assert [each["id"] for each in manifest.checkpoints] == list(names)
    assert manifest.texts == {
        each["network"]: f"{each['network']}: error {each['test_error']:.2f}%" for each in told
    }
    assert [each["files"] for each in told] == [
        [f"rgaviz-evaluate/{name}-confusion.{kind}" for kind in ("png", "csv")] for name in names
    ]


def test_a_table_for_people_and_a_named_figure(rga):
    Path("rga.v1.pt").symlink_to(Path("rga.pt").resolve())
    result = rga("evaluate", "rga.v1.pt", "-o", "figs/matrix.png", "--dpi", "50")
    results = ["matrix/manifest.json", "matrix/tables/rga.v1.csv"]
    assert sorted(files_below(Path("figs"))) == ["matrix.csv", "matrix.png", *results]
    assert "error (%)" in result.stdout
    assert result.stdout.splitlines()[-2:] == ["figs/matrix.png", "figs/matrix.csv"]
    rga("evaluate", "rga.v1.pt", "baseline.pt", "-o", "figs/two.png", "--dpi", "50")
    assert sorted(path.name for path in Path("figs").glob("two-*")) == [
        "two-baseline.csv",
        "two-baseline.png",
        "two-rga.v1.csv",
        "two-rga.v1.png",
    ]
    rga("evaluate", "rga.v1.pt", *FAST)
    figures = ["rga.v1-confusion.csv", "rga.v1-confusion.png"]
    assert sorted(files_below(Path("rgaviz-evaluate"))) == ["manifest.json", *figures, "tables/rga.v1.csv"]


@pytest.mark.slow
def test_redrawn_without_a_network(rga):
    rga("evaluate", "baseline.pt", "rga.pt", *FAST)
    before = files_below(Path("rgaviz-evaluate"))
    for name in ("baseline", "rga"):
        Path(f"{name}.pt").unlink()
        Path(f"rgaviz-evaluate/{name}-confusion.png").unlink()
    result = rga("redraw", "rgaviz-evaluate")
    assert files_below(Path("rgaviz-evaluate")) == before
    assert result.stdout.splitlines() == [
        f"rgaviz-evaluate/{name}-confusion.{kind}" for name in ("baseline", "rga") for kind in ("png", "csv")
    ]
    rga("redraw", "rgaviz-evaluate", "-o", "fig.svg", "--no-title")
    assert sorted(path.name for path in Path().glob("fig*")) == [
        f"fig-{name}.{kind}" for name in ("baseline", "rga") for kind in ("csv", "svg")
    ]


def test_files_of_others_stay(rga, refused):
    Path("out").mkdir()
    for name in ("rga-confusion.png", "rga-confusion.csv", "manifest.json"):
        Path("out", name).write_text("mine")
        assert f"out/{name} is there and was not written by rgaviz" in refused(
            "evaluate", "rga.pt", "-o", "out", *FAST
        )
        Path("out", name).unlink()
    rga("evaluate", "rga.pt", "-o", "out", *FAST)
    for name in ("manifest.json", "tables/rga.csv"):
        Path("out", name).unlink()  # what a version without results has left
    rga("evaluate", "rga.pt", "-o", "out", *FAST)


def test_data_of_other_classes(refused):
    from pictures import save_picture

    for split in ("train", "test"):
        for name in ("cat", "dog"):
            save_picture(Path(f"data/{split}/{name}/0.png"), (16, 16))
    line = refused("evaluate", "rga.pt", "--dataset", "folder", "--data-dir", "data")
    assert "cat, dog" in line
    assert "rga.pt was trained on" in line


def test_an_unwritable_place(refused):
    assert "img.jpg/out" in refused("evaluate", "rga.pt", "-o", "img.jpg/out", *FAST)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("reid-folder", "--pattern", "("), "--pattern '(' is no regular expression"),
        (
            ("reid-folder", "--pattern", "x"),
            "no group named id and none named camera; write both, as in --pattern",
        ),
        (
            ("market1501", "--pattern", r"(?P<id>\d)(?P<camera>\d)"),
            "--pattern is for reid-folder, not for market1501; drop it.",
        ),
        (
            ("market1501",),
            "pics has no bounding_box_train, no query, no bounding_box_test: give the folder of",
        ),
    ],
)
def test_names_by_a_pattern_are_for_ones_own_crops(refused, words, told):
    line = refused("evaluate", "rga.pt", "--data-dir", "pics", "--dataset", *words)
    assert told in line
    assert line in refused("train", *words, "--recipe", "shapes", "--data-dir", "pics")

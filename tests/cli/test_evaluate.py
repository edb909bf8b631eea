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
    assert sorted(files_below(Path("rgaviz-evaluate"))) == [
        f"{name}-confusion.{kind}" for name in ("baseline", "rga") for kind in ("csv", "png")
    ]


def test_a_table_for_people_and_a_named_figure(rga):
    Path("rga.v1.pt").symlink_to(Path("rga.pt").resolve())
    result = rga("evaluate", "rga.v1.pt", "-o", "figs/matrix.png", "--dpi", "50")
    assert sorted(files_below(Path("figs"))) == ["matrix.csv", "matrix.png"]
    assert "error (%)" in result.stdout
    assert result.stdout.splitlines()[-2:] == ["figs/matrix.png", "figs/matrix.csv"]
    rga("evaluate", "rga.v1.pt", "baseline.pt", "-o", "figs/two.png", "--dpi", "50")
    assert sorted(path.name for path in Path("figs").glob("two*")) == [
        "two-baseline.csv",
        "two-baseline.png",
        "two-rga.v1.csv",
        "two-rga.v1.png",
    ]
    rga("evaluate", "rga.v1.pt", *FAST)
    assert sorted(files_below(Path("rgaviz-evaluate"))) == ["rga.v1-confusion.csv", "rga.v1-confusion.png"]


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

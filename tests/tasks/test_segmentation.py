"""Measuring segmentation networks, against pixels counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rgaviz.data.scenes import Scene, SceneSplit, read_scenes
from rgaviz.errors import RgavizError
from rgaviz.tasks import TASKS, How

CLASSES = ("sky", "road", "car")
TASK = TASKS["segmentation"]
CPU = torch.device("cpu")


class Reads(nn.Module):
    """Says of every pixel the class that its red has: 0, 100 or 200."""

    def forward(self, images):
        red = images[:, :1]  # (B, 1, H, W), with mean 0 and deviation 1 as it is, from 0 to 1
        centres = torch.tensor([0.0, 100.0, 200.0]).view(1, 3, 1, 1) / 255
        return -100 * (red - centres).abs()  # (B, 3, H, W)


def scene(name, said, truth):
    picture = np.zeros((*np.shape(said), 3), np.uint8)
    picture[..., 0] = np.array(said) * 100
    return Scene(name, picture, None if truth is None else np.array(truth, np.uint8))


SCENES = [
    scene("a.png", [[0, 0, 1], [1, 1, 1]], [[0, 1, 1], [1, 1, 255]]),
    scene("b.png", [[1, 1]], [[255, 255]]),
    scene("c.png", [[0], [0], [1], [1]], [[0], [0], [1], [0]]),
]


def split(scenes=SCENES):
    names = [each.name for each in scenes]
    labelled = all(each.labels is not None for each in scenes)
    return read_scenes(scenes, lambda each: each, (8, 8), names, labelled=labelled, workers=0)


def measured(parts, task=TASK, **changes):
    how = replace(How(CLASSES, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), CPU), **changes)
    return task.evaluate(Reads(), parts.__getitem__, how)


def test_one_confusion_of_all_pixels():
    """sky: 3 right, 1 said and not true, 1 true and not said; road: 4, 1 and 1; no car."""
    found = measured({"val": split()})
    assert found.figures["mIoU"] == pytest.approx(100 * (3 / 5 + 4 / 6) / 2)
    assert found.figures["pixel_accuracy"] == pytest.approx(100 * 7 / 9)
    assert found.tables["confusion"].values == [[3, 1, 0], [1, 4, 0], [0, 0, 0]]
    assert found.tables["class_iou"].values == [[pytest.approx(60.0)], [pytest.approx(200 / 3)], [None]]
    assert found.notes == ["mIoU is the mean of 2 of 3 classes: the others are neither there nor predicted."]
    pictures = found.tables["pictures"]
    assert pictures.rows == ["a.png", "b.png", "c.png"]
    assert pictures.values == [
        [pytest.approx(100 * (1 / 2 + 3 / 4) / 2), pytest.approx(80.0)],
        [None, None],
        [pytest.approx(100 * (2 / 3 + 1 / 2) / 2), pytest.approx(75.0)],
    ]


def test_the_loss_is_the_mean_over_pixels_that_count():
    total = count = 0
    for each in SCENES:
        logits = Reads()(torch.from_numpy(each.picture).permute(2, 0, 1)[None] / 255)[0]
        for truth, column in zip(each.labels.flat, logits.flatten(1).T, strict=True):
            if truth != 255:
                total -= math.log(float(torch.softmax(column.double(), 0)[int(truth)]))
                count += 1
    assert measured({"val": split()}).figures["loss"] == pytest.approx(total / count, rel=1e-5)


def test_processes_share_the_pictures_and_add_up():
    whole = measured({"val": split()})
    told = []
    measured({"val": split()}, rank=0, processes=2, sum=lambda value: told.append(value.clone()) or value)
    sums = iter(told)
    found = measured({"val": split()}, rank=1, processes=2, sum=lambda value: value + next(sums))
    assert found.figures == pytest.approx(whole.figures)
    assert found.tables["confusion"] == whole.tables["confusion"]
    assert found.tables["pictures"].rows == whole.tables["pictures"].rows
    np.testing.assert_allclose(*(np.array(each.tables["pictures"].values, float) for each in (found, whole)))


def test_another_part_and_views_of_it():
    parts = {"val": split(SCENES[:1]), "test": split(SCENES[2:])}
    task = TASK.measuring(part="test")
    assert task.tested == ("test",)
    assert measured(parts, task).figures["pixel_accuracy"] == pytest.approx(75.0)
    for choices in ({"window": 2, "stride": 1}, {"flip": True}, {"window": 3}):
        assert measured(parts, TASK.measuring(part="test", **choices)).figures == pytest.approx(
            measured(parts, task).figures, rel=1e-4
        )


def test_certain_and_wrong_over_several_views_is_finite():
    parts = {"val": split([scene("a.png", [[2]], [[0]])])}
    assert math.isfinite(measured(parts, TASK.measuring(flip=True)).figures["loss"])


def test_what_cannot_be_measured():
    with pytest.raises(RgavizError, match="no pixel of a known class"):
        measured({"val": split(SCENES[1:2])})
    with pytest.raises(RgavizError, match="has no labels"):
        measured({"val": split([scene("a.png", [[1]], None)])})


def test_it_is_a_split_of_scenes():
    assert isinstance(split(), SceneSplit)
    TASK.check(split(), CLASSES)

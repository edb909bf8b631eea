"""The public functions over rankings and over pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reference_ranking import example

from rgaviz.errors import RgavizError
from rgaviz.tasks.metrics import confusion_matrix, rank_metrics, segmentation_metrics


def test_the_worked_example():
    assert rank_metrics(*example(), distance="euclidean") == pytest.approx(
        {"rank1": 0, "rank5": 1, "rank10": 1, "rank20": 1, "mAP": 7 / 12, "mINP": 2 / 3}
    )
    area = rank_metrics(*example(), distance="euclidean", ap="trapezoid")
    assert area["mAP"] == pytest.approx(((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2) / 2)


def test_the_distance_is_cosine_unless_another_is_asked_for():
    case = [[1.0, 0.0]], [[9.0, 1.0], [0.9, 0.2]], [1], [1, 2], [1], [2, 2]
    assert rank_metrics(*case)["rank1"] == 1
    assert rank_metrics(*case, distance="euclidean")["rank1"] == 0


def test_within_a_camera():
    case = [[0.0]], [[0.0]], [1], [1], [1], [1]
    with pytest.raises(RgavizError, match="within_camera=True"):
        rank_metrics(*case)
    assert rank_metrics(*case, within_camera=True)["mAP"] == 1


def test_confusions_of_two_pictures_are_added():
    total = torch.tensor([[90, 10], [0, 0]]) + torch.tensor([[0, 0], [5, 5]])
    found = segmentation_metrics(total)
    assert found["mIoU"] == pytest.approx(0.5536, abs=5e-5)
    assert found["pixel_accuracy"] == pytest.approx(0.8636, abs=5e-5)
    assert found["counted"] == 2


def test_a_class_that_is_neither_there_nor_predicted_is_not_counted():
    found = segmentation_metrics([[8, 0, 2], [0, 0, 0], [0, 0, 10]])
    assert found["IoU"] == [pytest.approx(0.8), None, pytest.approx(10 / 12)]
    assert found["counted"] == 2
    assert found["mIoU"] == pytest.approx((0.8 + 10 / 12) / 2)
    assert segmentation_metrics(torch.zeros(3, 3)) == {
        "mIoU": None,
        "IoU": [None] * 3,
        "counted": 0,
        "pixel_accuracy": None,
    }


def test_the_confusion_of_pixels_against_a_slow_loop():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 4, (2, 5, 6)), rng.integers(0, 4, (2, 5, 6))
    truth[0, 0] = 255
    expected = np.zeros((4, 4), int)
    for true, told in zip(truth.flat, prediction.flat, strict=True):
        if true != 255:
            expected[true, told] += 1
    assert confusion_matrix(truth, prediction, 4).tolist() == expected.tolist()
    assert confusion_matrix(truth.astype(np.uint8), torch.tensor(prediction), 4).tolist() == expected.tolist()
    for wrong in ((truth, prediction[:1]), (truth, prediction + 1), (truth + 300, prediction)):
        with pytest.raises(RgavizError):
            confusion_matrix(*wrong, 4)

"""What a network is for, noted on networks of ours and of others."""

from __future__ import annotations

import pytest
from torch import nn

from rgaviz.models import create_model
from rgaviz.models.network import set_task, task_of


def test_our_networks_have_a_task():
    model = create_model("resnet20", num_classes=2, image_size=(32, 32), width=4)
    assert task_of(model) == "classification"
    set_task(model, "regression")  # also one that this version does not know
    assert model.task == task_of(model) == "regression"


@pytest.mark.parametrize("own", ["detect", "reid", 3, None])
def test_a_task_that_a_users_network_has_is_left_alone(own):
    model = nn.Linear(2, 2)
    if own is not None:
        model.task = own
    set_task(model, "classification")
    set_task(model, "segmentation")
    assert task_of(model) == "segmentation"
    assert getattr(model, "task", None) == own

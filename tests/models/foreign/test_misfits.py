"""What to do about weights that do not fit."""

from __future__ import annotations

import pytest

from rgaviz.models.foreign.misfits import next_step


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("center_loss", True),
        ("criterion", True),
        ("TripletLoss", True),
        ("optimizer", True),
        ("model_ema", True),
        ("center_attention", False),
        ("loss_gate", False),
        ("schema", False),
        ("semantic", False),
        ("center", True),
    ],
)
def test_what_is_of_a_training_alone_is_told_by_whole_words(name, beside):
    """Weights of a module that the architecture lacks are never to be removed."""
    told = next_step({"unexpected": [f"{name}.weight"]}, 3, 3, "torchvision:resnet18", (8, 8))
    assert told.startswith("All that the network needs is there: remove") is beside

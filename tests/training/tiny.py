"""A training of a second or two, for the tests and the programs they start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.sets import load_dataset
from rgaviz.training import loop
from rgaviz.training.config import DataConfig, ModelConfig, Recipe, TrainConfig

CPU = torch.device("cpu")
PAIR = ("none", "rga-sc")
STEPS = 4  # of an epoch


def dataset():
    return load_dataset("shapes", image_size=(16, 16), train_size=70, test_size=21)


def recipe(**changes: Any) -> Recipe:
    train = {"epochs": 2, "batch_size": 16, "lr": 0.05, "warmup": 0.5, "precision": "fp32", **changes}
    model = ModelConfig(arch="resnet18-w16", width=8, attention_layers=("conv4", "conv5"))
    return Recipe(model, DataConfig(image_size=(16, 16), train_size=70, test_size=21), TrainConfig(**train))


def run(out: Path, attentions=PAIR, *, changes: dict[str, Any] | None = None, **options: Any):
    return loop.train(dataset(), recipe(**(changes or {})), attentions, out, device=CPU, **options)


def weights(out: Path) -> dict[str, torch.Tensor]:
    """All parameters and running statistics of the pair."""
    return {
        f"{name}.{key}": value
        for name in ("baseline", "rga")
        for key, value in load_checkpoint(out / f"{name}.pt").model.state_dict().items()
    }

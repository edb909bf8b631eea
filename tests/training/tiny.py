"""A training of a second or two, for the tests and the programs they start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.sets import load_dataset
from rgaviz.models.create import MODELS
from rgaviz.models.resnet import BasicBlock, ResNet
from rgaviz.tasks.classification import Classification
from rgaviz.training import loop, report
from rgaviz.training.config import DataConfig, ModelConfig, Recipe, TrainConfig

CPU = torch.device("cpu")
PAIR = ("none", "rga-sc")
STEPS = 4  # of an epoch
OFTEN = {"save_minutes": 0.0}  # saved at every look and after every epoch


@contextmanager
def shallow(arch: str = "resnet18-w16") -> Iterator[None]:
    """Within the block this network has one block in each stage where a ResNet-18 has two, and takes half the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, arch, partial(ResNet, BasicBlock, (1, 1, 1, 1), width=16, s1=4, s2=4))
        yield


@cache
def dataset():
    return load_dataset("shapes", image_size=(16, 16), train_size=70, test_size=21)


def recipe(
    augment: str = "shift-mirror",
    model: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    **changes: Any,
) -> Recipe:
    train = {"epochs": 2, "batch_size": 16, "lr": 0.05, "warmup": 0.5, "precision": "fp32", **changes}
    return Recipe(
        model=ModelConfig(**(model or {"arch": "resnet18-w16", "width": 8, "attention_layers": ("conv4",)})),
        data=DataConfig(
            **{"image_size": (16, 16), "train_size": 70, "test_size": 21, **(data or {})}, augment=augment
        ),
        train=TrainConfig(**train),
    )


def run(out: Path, attentions=PAIR, *, changes: dict[str, Any] | None = None, **options: Any):
    return loop.train(dataset(), recipe(**(changes or {})), attentions, out, device=CPU, **options)


def weights(out: Path) -> dict[str, torch.Tensor]:
    """All parameters and running statistics of the pair."""
    return {
        f"{name}.{key}": value
        for name in ("baseline", "rga")
        for key, value in load_checkpoint(out / f"{name}.pt").model.state_dict().items()
    }


class Steps(report.Silent):
    """Remembers what it heard."""

    def __init__(self):
        self.starts, self.steps, self.rows = [], [], []

    def start(self, network, epoch, epochs, task):
        self.starts.append((network, epoch, epochs))

    def step(self, step):
        self.steps.append(step)

    def epoch(self, row):
        self.rows.append(row)


def nothing(*_: Any) -> None:
    """What is done first where nothing is said."""


class First(Classification):
    """Classification, with something done first: ``outputs``, ``loss`` and ``evaluate`` are called with the network,
    the number of the call and what the method gets."""

    def __init__(
        self,
        outputs: Callable[..., Any] = nothing,
        loss: Callable[..., Any] = nothing,
        evaluate: Callable[..., Any] = nothing,
    ) -> None:
        self.first = {"outputs": outputs, "loss": loss, "evaluate": evaluate}
        self.calls = dict.fromkeys(self.first, 0)

    def _do(self, name: str, *arguments: Any) -> Any:
        self.calls[name] += 1
        return self.first[name](self.calls[name], *arguments)

    def outputs(self, model, images):
        self._do("outputs", model, images)
        return super().outputs(model, images)

    def loss(self, outputs, targets, config):
        changed = self._do("loss", outputs)
        return super().loss(outputs if changed is None else changed, targets, config)

    def evaluate(self, model, parts, how):
        self._do("evaluate", model)
        return super().evaluate(model, parts, how)

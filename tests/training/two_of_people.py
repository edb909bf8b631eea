"""What two processes do that train for re-identification."""

from __future__ import annotations

import os
import signal
import sys
from functools import cache
from pathlib import Path

import tiny
import torch

from rgaviz.data.sets.people import load_people
from rgaviz.tasks import How
from rgaviz.tasks.reid import ReIdentification
from rgaviz.training import loop, signals

CHANGES = {"batch_size": 16, "images_per_identity": 4, "epochs": 2}


@cache
def people():
    return load_people(image_size=(16, 16), train_size=180, test_size=21)


class Watched(ReIdentification):
    """Keeps the labels of every step, and the features of every evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.embedded = [], []

    def loss(self, outputs, targets, config):
        self.steps.append(targets.tolist())
        return super().loss(outputs, targets, config)

    def features(self, model, split, how: How):
        self.embedded.append(super().features(model, split, how))
        return self.embedded[-1]


class Interruption(tiny.Steps):
    """Tells one process to stop in the middle of the second epoch."""

    def step(self, step):
        if os.environ["RANK"] == "1" and (step.epoch, step.step) == (1, 2):
            os.kill(os.getpid(), signal.SIGTERM)


def train(out: Path, task: ReIdentification, **options):
    recipe = tiny.recipe("crop-mirror-erase", **CHANGES)
    return loop.train(people(), recipe, tiny.PAIR, out, device=tiny.CPU, task=task, **options)


def main(folder: Path) -> None:
    task = Watched()
    rows = train(folder / "whole", task)
    told = {"steps": task.steps, "features": task.embedded, "rows": rows}
    torch.save(told, folder / f"{os.environ['RANK']}.told")
    try:
        train(folder / "interrupted", ReIdentification(), report=Interruption(), check_every=2)
    except signals.Interrupted:
        train(folder / "interrupted", ReIdentification(), resume=True)
    else:
        sys.exit("not interrupted")

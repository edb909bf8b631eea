"""Two processes that train for re-identification: two_of_people.py FOLDER PORT

They are told of each other as torchrun does it, and start from one that has loaded everything.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from functools import cache
from pathlib import Path

import accelerate  # noqa: F401
import tiny
import torch
import torch._dynamo  # optimizers load it

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


def start(rank: int, folder: Path, port: str) -> int:
    """The process of a rank."""
    process = os.fork()
    if process == 0:
        ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
        os.environ.update(ranks, MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        code = 1
        try:
            main(folder)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return process


if __name__ == "__main__":
    folder, port = sys.argv[1:]
    with tiny.shallow():
        people().part("train"), people().part("query"), people().part("gallery")
        processes = [start(rank, Path(folder), port) for rank in (0, 1)]
    if any(os.waitpid(process, 0)[1] for process in processes):
        sys.exit("a process failed")

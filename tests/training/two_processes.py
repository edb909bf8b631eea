"""Two processes, most of the time on the same half of every batch: two_processes.py FOLDER, also under torchrun"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import tiny
import torch
import two_of_people
from forked import in_two, under_torchrun

from rgaviz.data.order import shuffled
from rgaviz.errors import RgavizError
from rgaviz.tasks.classification import Classification
from rgaviz.training import signals

# A small learning rate, lest rounding grow; and nothing random that would tell an image from its twin.
CHANGES = {"lr": 0.0005, "epochs": 1, "warmup": 0.0, "augment": "none"}


class Doubled(Classification):
    """Batches in which every image comes twice: in two equal halves, so that each of two processes gets every image
    once; or twins side by side, whose sums in one process are exactly twice as much."""

    def __init__(self, halves: bool) -> None:
        self.halves = halves

    def order(self, split, config, draw):
        halves = shuffled(len(split), config.batch_size // 2, draw)[: len(split) // config.batch_size]
        return [torch.cat((each, each)) if self.halves else each.repeat_interleave(2) for each in halves]


def fixed():
    """Batch normalisation that does not look at the batch."""
    return tiny.First(outputs=lambda _, model, __: model.eval())


class Interruption(tiny.Steps):
    """Tells one process to stop in the middle of an epoch."""

    def step(self, step):
        if os.environ["RANK"] == "1" and (step.network, step.epoch, step.step) == ("rga", 0, 2):
            os.kill(os.getpid(), signal.SIGTERM)


def main(folder: Path) -> None:
    tiny.run(folder / "shared", ["none"])  # each sees its own half
    options = {"changes": CHANGES, "task": Doubled(halves=True)}
    rows = tiny.run(folder / "whole", **options)
    try:
        often = {
            **options,
            "changes": {**CHANGES, **tiny.OFTEN},
        }  # also saved together where nothing is wrong
        tiny.run(folder / "interrupted", report=Interruption(), check_every=2, **often)
    except signals.Interrupted:
        tiny.run(folder / "interrupted", resume=True, **options)
    else:
        sys.exit("not interrupted")
    tiny.run(folder / "parts", ["none"], changes={**CHANGES, "accumulate": 2}, task=fixed())
    try:
        tiny.run(folder / "odd", changes={"batch_size": 15})
    except RgavizError as error:
        message = str(error)
    else:
        sys.exit("a batch of 15 was shared by two")
    (folder / f"{os.environ['RANK']}.txt").write_text(f"{rows[1]['train_loss']!r}\n{message}")


def both(folder: Path) -> None:
    """Of classes, and of people."""
    main(folder / "classes")
    with tiny.shallow():
        two_of_people.main(folder / "people")


if __name__ == "__main__":
    if under_torchrun():
        both(Path(sys.argv[1]))
    else:
        for part in ("train", "test"):
            tiny.dataset().part(part)
        for part in ("train", "query", "gallery"):
            two_of_people.people().part(part)
        in_two(lambda: both(Path(sys.argv[1])))

"""One of two processes under torchrun, most of the time on the same half of every batch: two_processes.py FOLDER"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import tiny
import torch

from rgaviz.data.batches import train_batches
from rgaviz.data.order import share
from rgaviz.errors import RgavizError
from rgaviz.training import report, run, signals

CHANGES = {"lr": 0.0005, "epochs": 1, "warmup": 0.0}  # a small learning rate, lest rounding grow


def doubled_batches(split, batches, draw, *, rank=0, processes=1, **options):
    """Batches in which every image comes twice, so that each of two processes gets every image once."""
    halves = [batch[: len(batch) // 2] for batch in batches]
    for images, labels in train_batches(split, halves, draw, **options):
        images = share(torch.cat((images, images)), rank, processes)
        yield images.contiguous(memory_format=torch.channels_last), share(labels.repeat(2), rank, processes)


class Interruption(report.Silent):
    """Tells one process to stop in the middle of an epoch."""

    def step(self, step):
        if os.environ["RANK"] == "1" and (step.network, step.epoch, step.step) == ("rga", 0, 2):
            os.kill(os.getpid(), signal.SIGTERM)


def main(folder: Path) -> None:
    tiny.run(folder / "shared", ["none"])  # each sees its own half
    run.train_batches = doubled_batches
    rows = tiny.run(folder / "whole", changes=CHANGES)
    run.CHECK_EVERY = 2
    try:
        tiny.run(folder / "interrupted", changes=CHANGES, report=Interruption())
    except signals.Interrupted:
        tiny.run(folder / "interrupted", changes=CHANGES, resume=True)
    else:
        sys.exit("not interrupted")
    try:
        tiny.run(folder / "odd", changes={"batch_size": 15})
    except RgavizError as error:
        message = str(error)
    else:
        sys.exit("a batch of 15 was shared by two")
    (folder / f"{os.environ['RANK']}.txt").write_text(f"{rows[1]['train_loss']!r}\n{message}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

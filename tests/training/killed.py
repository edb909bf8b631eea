"""Starts a training several times and kills it each time at another moment: killed.py FOLDER MOMENT ..."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import tiny


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


class AtStep(tiny.Steps):
    def __init__(self, network, epoch, step):
        super().__init__()
        self.moment = network, epoch, step

    def step(self, step):
        if (step.network, step.epoch, step.step) == self.moment:
            die()


def at_step(*moment, **changes):
    return {"report": AtStep(*moment), "changes": {**tiny.OFTEN, **changes}}


def at_test(number):
    return {"task": tiny.First(evaluate=lambda call, _: call == number and die()), "changes": tiny.OFTEN}


def at_file(name, number, half=False):
    """Before a file gets its name for the ``number``-th time; its temporary file stays, whole or ``half`` written."""
    calls = []

    def watch(event, arguments):
        if event == "os.rename" and Path(arguments[1]).name == name:
            calls.append(1)
            if len(calls) == number:
                if half:
                    os.truncate(arguments[0], 4)
                die()

    sys.addaudithook(watch)
    return {"changes": tiny.OFTEN}


# States are written before the first step, in the middle of an epoch of four steps three times, and at its end.
MOMENTS = {  # what makes it happen; gives options of the training
    "in the first epoch": lambda: at_step("baseline", 0, 2),
    "before anything but the beginning was saved": lambda: at_step("rga", 1, 2, save_minutes=5.0),
    "before the first checkpoint": lambda: at_file("baseline.pt", 1),
    "before the last checkpoint of the first network": lambda: at_file("baseline.pt", 2),
    "before a row of metrics.csv": lambda: at_file("metrics.csv", 1),
    "while the state is written": lambda: at_file("baseline.resume.pt", 2, half=True),
    "in the last epoch": lambda: at_step("rga", 1, 3),
    "in the last test": lambda: at_test(4),
    "before the last checkpoint": lambda: at_file("rga.pt", 2),
    "before the last row": lambda: at_file("metrics.csv", 4),
}


def main(folder: Path, names: list[str]) -> None:
    tiny.run(
        folder / "first", changes={"epochs": 1}
    )  # what is made and loaded is so once, not in every child
    gc.freeze()  # what the collector touches, a child copies
    for name in names:
        child = os.fork()
        if child == 0:
            tiny.run(folder / name, check_every=1, **MOMENTS[name]())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"{name}: ended with {status} instead of being killed")


if __name__ == "__main__":
    with tiny.shallow():
        main(Path(sys.argv[1]), sys.argv[2:])

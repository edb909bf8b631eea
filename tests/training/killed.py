"""Starts a training several times and kills it each time at another moment: killed.py FOLDER"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import tiny

from rgaviz.training import loop, report, run


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


class StepReport(report.Silent):
    def __init__(self, network, epoch, step):
        self.moment = network, epoch, step

    def step(self, step):
        if (step.network, step.epoch, step.step) == self.moment:
            die()


def half_written(path, _):
    """A kill in the middle of a write leaves the temporary file."""
    (path.parent / ".rgaviz-00000000.tmp").write_bytes(b"half")
    die()


def at_call(number, attribute, action=die):
    """Have the ``number``-th call of a function of the loop replaced by ``action``."""
    module = next(each for each in (run, loop) if hasattr(each, attribute))
    function, calls = getattr(module, attribute), []

    def wrapped(*arguments, **options):
        calls.append(1)
        return (action if len(calls) == number else function)(*arguments, **options)

    setattr(module, attribute, wrapped)


MOMENTS = {  # what makes it happen; may return a report
    "in the first epoch": lambda: StepReport("baseline", 0, 2),
    "before the first checkpoint": lambda: at_call(1, "save_checkpoint"),
    "before the last checkpoint of the first network": lambda: at_call(2, "save_checkpoint"),
    "before a row of metrics.csv": lambda: at_call(1, "write_metrics"),
    "while the state is written": lambda: at_call(2, "atomic_write", half_written),
    "in the last epoch": lambda: StepReport("rga", 1, 3),
    "in the last test": lambda: at_call(4, "evaluate"),
    "before the last checkpoint": lambda: at_call(4, "save_checkpoint"),
    "before the last row": lambda: at_call(4, "write_metrics"),
}


def main(folder: Path) -> None:
    run.CHECK_EVERY = 1
    for name, prepare in MOMENTS.items():
        child = os.fork()
        if child == 0:
            tiny.run(folder / name, report=prepare())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"{name}: ended with {status} instead of being killed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

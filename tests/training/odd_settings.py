"""Commands with odd settings, one after the other: as a program with little memory, PLACE FIRST LAST."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path

from strange_recipes import asked
from typer.testing import CliRunner

from rgaviz import devices
from rgaviz.cli import app, train_progress

SECONDS, MEMORY = 20, 2**30
LONGEST = 300  # letters of a message without paths
LONG_WORK = 500  # pictures


def begin(*_, **__):
    """In place of the first step: what would be trained is a sound training."""
    raise KeyboardInterrupt


def begin_long(items, *, total, **_):
    """In place of drawing many pictures."""
    return begin() if total > LONG_WORK else items


def faults(folder: Path, seed: int) -> list[str]:
    """What is wrong with the answer to the command of a seed, run in the folder."""
    folder.mkdir()
    os.chdir(folder)
    os.mkfifo("pipe")
    for name in ("circle", "circle.toml"):
        Path(name).symlink_to(name)
    words = asked(folder, seed)
    before, clock = sorted(os.listdir()), time.process_time()  # noqa: PTH208 (names alone)
    answer = CliRunner().invoke(app, words)
    seconds, told = time.process_time() - clock, answer.output.splitlines()
    found = []
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        found.append("".join(traceback.format_exception(answer.exception)))
    if answer.exit_code not in (1, 2, 130):
        found.append(f"exit {answer.exit_code}")
    errors = [line.removeprefix("Error: ") for line in told if line.startswith("Error: ")]
    if answer.exit_code == 1 and len(errors) != 1:
        found.append(f"{len(errors)} messages")
    found += [f"unprintable {line!r}" for line in told if not line.isprintable()]
    found += [f"long {line!r}" for line in errors if len(line.replace(str(folder), "")) > LONGEST]
    if sorted(os.listdir()) != before:  # noqa: PTH208
        found.append("something was written")
    if seconds > SECONDS:
        found.append(f"{seconds:.0f} seconds")
    os.chdir(folder.parent)
    shutil.rmtree(folder)
    return [f"seed {seed}, {ascii(words)[:300]}: {fault}" for fault in found]


def bytes_of(what: str) -> int:
    """A line of what the system tells of this process."""
    return 1024 * int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0])


def main(place: Path, first: int, last: int) -> None:
    """All of the seeds, of which those that would be trained begin and no more, as on a machine of one GiB."""
    import rgaviz.analysis.train
    import rgaviz.training.loop  # noqa: F401 (what is loaded takes memory of its own)

    train_progress.Progress.start = begin
    train_progress.Progress.track = staticmethod(begin_long)
    before = bytes_of("VmRSS")
    limit = place / "limit"
    limit.write_text(str(before + MEMORY))
    devices.CONTAINER_LIMITS = (limit,)
    resource.setrlimit(resource.RLIMIT_AS, (bytes_of("VmSize") + MEMORY,) * 2)
    found = [fault for seed in range(first, last) for fault in faults(place / "work", seed)]
    if (peak := bytes_of("VmHWM") - before) > MEMORY:
        found.append(f"{peak} bytes")
    sys.exit("\n".join(found) or None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""Kills commands at one change of the disk after the other, and starts each again: killed_commands.py NETWORKS"""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

from moments import EVERY, at_change
from pictures import files_below, save_picture
from tiny import shallow

from rgaviz.cli import app

FAST = ["--format", "png", "--dpi", "50"]
OUT = Path("deep/out")
COMMANDS = {  # what is written into OUT, and the step from one moment to the next
    "masks": (["masks", "networks/rga.pt", "img.jpg"], 5),
    "cam": (["cam", "networks/rga.pt", "img.jpg"], 12),
    "compare": (["compare", "networks/baseline.pt", "networks/rga.pt", "img.jpg"], 12),
    "histogram": (["histogram", "networks/rga.pt", "img.jpg"], 12),
    "evaluate": (["evaluate", "networks/rga.pt"], 7),
    "redraw": (["redraw", str(OUT), "--cmap", "jet"], 7),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def call(words: list[str], number: int = 0) -> int:
    """Run a command in a child, killed at a change; its exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        with at_change(number, die, events=EVERY):
            try:
                app([*words, *FAST, *(["-o", str(OUT)] if words[0] != "redraw" else [])], prog_name="rgaviz")
            except SystemExit as done:
                sys.stderr.flush()
                os._exit(int(done.code or 0))
        os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(networks: Path) -> None:
    Path("networks").symlink_to(networks)
    save_picture(Path("img.jpg"))
    import torch  # once, not in every child

    import rgaviz.analysis.answer
    import rgaviz.analysis.compare
    import rgaviz.analysis.evaluate
    import rgaviz.data.sets  # noqa: F401

    torch.set_num_threads(1)
    gc.freeze()
    for name, (words, step) in COMMANDS.items():
        shutil.rmtree("deep", ignore_errors=True)
        made = words if name != "redraw" else COMMANDS["masks"][0]
        if call(made) or call(words):
            sys.exit(f"{name} failed")
        whole = files_below(OUT)
        for number in itertools.count(1, step):
            if number % 2 == 1 and name != "redraw":
                shutil.rmtree("deep")
            killed = call(words, number)
            if killed not in (0, -signal.SIGKILL):
                sys.exit(f"{name}, change {number}: ended with {killed}")
            if call(words):
                sys.exit(
                    f"{name}, killed at change {number}: cannot be run again: {sorted(files_below(OUT))}"
                )
            if files_below(Path("deep")).keys() != {f"out/{key}" for key in whole}:
                sys.exit(f"{name}, killed at change {number}: {sorted(files_below(Path('deep')))}")
            if files_below(OUT) != whole:
                sys.exit(f"{name}, killed at change {number}: other contents")
            if killed == 0:
                break


if __name__ == "__main__":
    with shallow("resnet10-w16"):  # as the networks were made
        main(Path(sys.argv[1]))

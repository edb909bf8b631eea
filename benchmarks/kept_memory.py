"""What it brings on a CPU that training keeps the memory it frees (``rgaviz.devices.keep_freed_memory``).

Shapes: images (128, 3, 32, 32), resnet20 with RGA-SC after its first stage (32x32x16), s1 = s2 = 4; float32 and bf16,
channels_last, SGD; forward, backward and update are timed. Two processes, one with the C library's defaults:
the choice is for a whole process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

import torch
from measure import Claim, Result, alternate, run, seconds
from rga_module import memory
from training_step import training_step

import rgaviz
from rgaviz.devices import keep_freed_memory

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def steps(precision: str, count: int, batch: int) -> float:
    """Median seconds of a training step, over ``count``."""
    model = rgaviz.create_model("resnet20", "rga-sc", num_classes=10, image_size=(32, 32))
    step = training_step(model, torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,)))

    def work() -> None:
        with torch.autocast("cpu", DTYPES[precision], enabled=precision != "fp32"):
            step()

    return alternate({"step": seconds(work)}, count)["step"]


def in_process(kept: str, precision: str, quick: bool) -> tuple[float, float]:
    """:func:`steps` in a new process, its memory ``kept`` or by ``default``, and its peak memory in bytes."""
    words = [kept, precision, *(("1", "8") if quick else ("5", "128")), str(torch.get_num_threads())]
    found = subprocess.run(
        [sys.executable, str(Path(__file__)), *words], check=True, capture_output=True, text=True
    )
    time, peak = map(float, found.stdout.split())
    return time, peak


def measure(quick: bool) -> Result:
    """Time the processes in turn."""
    cases = {
        f"{precision}, {kept}": (kept, precision) for precision in DTYPES for kept in ("default", "kept")
    }
    peaks: dict[str, list[float]] = {name: [] for name in cases}

    def contestant(name: str) -> float:
        time, peak = in_process(*cases[name], quick)
        peaks[name].append(peak)
        return time

    times = alternate({name: partial(contestant, name) for name in cases}, 1 if quick else 3)
    faster = {name: times[f"{precision}, default"] / times[name] for name, (_, precision) in cases.items()}
    rows = [
        [
            name,
            f"{1000 * value:.0f} ms",
            f"{faster[name]:.2f}x",
            f"{statistics.median(peaks[name]) / 2**20:.0f} MiB",
        ]
        for name, value in times.items()
    ]
    claims = [
        Claim(
            f"ResNet-20 + RGA-SC step in {precision}, memory kept, faster than by default",
            faster[f"{precision}, kept"],
            1.2,
        )
        for precision in DTYPES
    ]
    return Result(["resnet20 + RGA-SC training step", "time", "ratio", "peak of the process"], rows, claims)


if __name__ == "__main__":
    if sys.argv[1:2] in (["default"], ["kept"]):
        choice, precision, count, batch, threads = sys.argv[1:]
        torch.set_num_threads(int(threads))
        if choice == "kept":
            keep_freed_memory()
        print(steps(precision, int(count), int(batch)), memory("VmHWM"))
    else:
        run(measure, __doc__ or "")

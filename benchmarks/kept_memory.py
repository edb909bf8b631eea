"""What it brings on a CPU that training keeps the memory it frees (``rgaviz.devices.keep_freed_memory``).

Shapes: images (128, 3, 32, 32), resnet20 with RGA-SC after its first stage (32x32x16), s1 = s2 = 4; float32 and bf16,
channels_last, SGD; forward, backward and update are timed. Two processes, one with the C library's defaults:
the choice is for a whole process.
"""

from __future__ import annotations

import subprocess
import sys

import torch
from measure import Claim, Result, alternate, run, seconds
from torch.nn import functional as F

import rgaviz
from rgaviz.devices import keep_freed_memory

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def steps(precision: str, count: int, batch: int) -> float:
    """Median seconds of a training step, over ``count``."""
    model = rgaviz.create_model("resnet20", "rga-sc", num_classes=10, image_size=(32, 32)).train()
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True)

    def step() -> None:
        with torch.autocast("cpu", DTYPES[precision], enabled=precision != "fp32"):
            logits = model(images)
        loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return alternate({"step": seconds(step)}, count)["step"]


def in_process(memory: str, precision: str, quick: bool) -> float:
    """:func:`steps` in a new process, with its memory ``kept`` or by ``default``."""
    words = [memory, precision, *(("1", "8") if quick else ("5", "128")), str(torch.get_num_threads())]
    found = subprocess.run([sys.executable, __file__, *words], check=True, capture_output=True, text=True)
    return float(found.stdout)


def measure(quick: bool) -> Result:
    """Time the processes in turn."""
    rows, claims = [], []
    for precision in DTYPES:
        contestants = {
            memory: lambda memory=memory, precision=precision: in_process(memory, precision, quick)
            for memory in ("default", "kept")
        }
        times = alternate(contestants, 1 if quick else 3)
        rows += [
            [f"{precision}, {memory}", f"{1000 * value:.0f} ms", f"{times['default'] / value:.2f}x"]
            for memory, value in times.items()
        ]
        text = f"ResNet-20 + RGA-SC step in {precision}, memory kept, faster than by default"
        claims.append(Claim(text, times["default"] / times["kept"], 1.2))
    return Result(["resnet20 + RGA-SC training step", "time", "ratio"], rows, claims)


if __name__ == "__main__":
    if sys.argv[1:2] in (["default"], ["kept"]):
        memory, precision, count, batch, threads = sys.argv[1:]
        torch.set_num_threads(int(threads))
        if memory == "kept":
            keep_freed_memory()
        print(steps(precision, int(count), int(batch)))
    else:
        run(measure, __doc__ or "")

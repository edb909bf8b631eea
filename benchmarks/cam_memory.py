"""Peak memory of every CAM method with one picture and with sixteen.

Shapes: images (1, 3, 224, 224) and (16, 3, 224, 224), ResNet-18 without attention, maps of the predicted class at conv3
(128, 28, 28), FullGrad's of all layers. Each case has a process of its own; told is the peak of that process,
torch and all. Methods that make passes of their own go picture by picture, and the claim is theirs; the others share
one forward pass over all pictures.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from measure import Claim, Result, run
from rga_module import memory

import rgaviz
from rgaviz.explain.methods import METHODS

MANY = 16  # pictures


def peak(method: str, count: int, size: int, width: int) -> tuple[int, int]:
    """Bytes at most in this process for the maps of so many pictures, and before the first of them."""
    torch.manual_seed(0)
    model = rgaviz.create_model("resnet18", image_size=(size, size), width=width).eval()
    rgaviz.cam(
        model, torch.randn(1, 3, 32, 32), "conv3", methods=[method]
    )  # the libraries load code when first used
    images = torch.randn(count, 3, size, size)
    before = memory("VmRSS")
    rgaviz.cam(model, images, "conv3", methods=[method])
    return memory("VmHWM"), before


def in_process(method: str, count: int, quick: bool) -> float:
    """:func:`peak` in a new process, in MiB."""
    size, width = (64, 16) if quick else (224, 64)
    words = [method, str(count), str(size), str(width), str(torch.get_num_threads())]
    found = subprocess.run(
        [sys.executable, str(Path(__file__)), *words], check=True, capture_output=True, text=True
    )
    return int(found.stdout.split()[0]) / 2**20


def measure(quick: bool) -> Result:
    """One process after the other."""
    names = ["gradcam", "scorecam", "fullgrad"] if quick else list(METHODS)
    rows, claims = [], []
    for name in names:
        one, many = (in_process(name, count, quick) for count in (1, MANY))
        own = not METHODS[name].maps
        passes = "of its own, picture by picture" if own else "shared"
        rows.append([METHODS[name].title, passes, f"{one:.0f} MiB", f"{many:.0f} MiB", f"{many / one:.2f}x"])
        if own:
            text = f"{METHODS[name].title} of {MANY} pictures, of the peak memory with one"
            claims.append(Claim(text, many / one, 1.2, at_most=True))
    return Result(["method", "passes", "1 picture", f"{MANY} pictures", "ratio"], rows, claims)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in METHODS:
        method, *numbers, threads = sys.argv[1:]
        torch.set_num_threads(int(threads))
        print(*peak(method, *map(int, numbers)))
    else:
        run(measure, __doc__ or "")

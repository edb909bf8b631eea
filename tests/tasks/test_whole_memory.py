"""The evaluation of scene segmentation takes no more memory for more pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Measures 20 pictures, and prints the most bytes of the process when the second and when the last is done.
PEAKS = """
import numpy as np
import torch
from pathlib import Path
import rgaviz
from rgaviz.data.scenes import Scene, read_scenes
from rgaviz.tasks.segmentation import Segmentation
from rgaviz.tasks.task import How
from rgaviz.tasks.whole import Covering

CLASSES, SIZE, COUNT = 19, (256, 512), 20

def read(number):
    draw = np.random.default_rng(number)
    labels = draw.integers(0, CLASSES, SIZE, np.uint8)
    return Scene(str(number), draw.integers(0, 256, (*SIZE, 3), np.uint8), labels)

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024

peaks = []

def track(pictures, **_):
    for picture in pictures:
        peaks.append(peak())
        yield picture

torch.manual_seed(0)
torch.set_num_threads(1)
model = rgaviz.create_model("dilated-resnet18", num_classes=CLASSES, image_size=SIZE, width=8)
names = [str(number) for number in range(COUNT)]
split = read_scenes(range(COUNT), read, SIZE, names, memory=0)
how = How([f"class {index}" for index in range(CLASSES)], [0.5] * 3, [0.2] * 3, torch.device("cpu"), track=track)
found = Segmentation(Covering(window=WINDOW)).evaluate(model, lambda part: split, how)
assert len(peaks) == len(found.tables["pictures"].rows) == COUNT
print(peaks[0], peaks[2], peak())
"""


@pytest.mark.slow
@pytest.mark.parametrize("window", [0, 192])
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system does not tell the peak")
def test_the_peak_memory_of_20_pictures_is_that_of_2(window):
    words = [sys.executable, "-c", PEAKS.replace("WINDOW", str(window))]
    # What is freed goes back to the system at once, so that the peak is of what is alive, not of the allocator's cache.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
    printed = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
    before, few, all_of_them = map(int, printed.split())
    assert (
        few > before + 10 * 2**20
    )  # that of the evaluation, not of what was loaded: logits alone are 10 MiB
    assert all_of_them <= 1.05 * few
    assert all_of_them < few + 4 * 2**20  # not even the pictures, half a MiB each with their labels, are kept

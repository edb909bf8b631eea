"""A folder of 1,000 pictures from files to overlays: pictures per second and peak memory, whole processes.

JPEGs of 320x240, ResNet-18 + RGA-SC at 224x224, Grad-CAM at conv5. ``rgaviz cam`` writes an overlay for each
picture, the pages of the figure, the raw maps and a manifest. The peer is the usual loop with pytorch-grad-cam
(``peer_folder_script.py``), which writes the overlays only. That both give the same map is checked before the
timing. Memory is the process's own peak (Linux only) after 100 and after 1,000 pictures. The floor is the forward
passes alone, of images that are there already. Each runs once: it is long.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import peer_folder_script as peer
import torch
from explain_pass import trained_looking
from measure import Claim, Result, run
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image

import rgaviz
from rgaviz.analysis.loading import BATCH

# The program, then its peak memory (KiB) as the last line.
OURS = """
import sys
from pathlib import Path
from rgaviz.cli import app
app(sys.argv[1:], standalone_mode=False)
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def prepare(folder: Path, size: int, counts: tuple[int, int]) -> None:
    """A network, for every count a folder of so many pictures, and a picture that needs no resizing."""
    model = trained_looking("resnet18", size, torch.randn(8, 3, size, size))
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    classes = [f"class {index}" for index in range(1000)]
    rgaviz.save_checkpoint(folder / "rga.pt", model, classes=classes, mean=mean, std=std)
    random = np.random.default_rng(0)

    def picture(width: int, height: int) -> Image.Image:
        coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        return coarse.resize((width, height), Image.Resampling.BICUBIC)

    picture(size, size).save(folder / "picture.png")
    for count in counts:
        (folder / str(count)).mkdir()
        for index in range(count):
            picture(320, 240).save(folder / str(count) / f"{index:04d}.jpg", quality=90)


def check_same_map(folder: Path) -> None:
    """Raise unless both give the same map of the picture that needs no resizing."""
    loaded = rgaviz.load_checkpoint(folder / "rga.pt")
    with GradCAM(model=loaded.model, target_layers=[loaded.model.attention.conv5]) as cam:
        theirs = peer.heatmap(cam, loaded, Image.open(folder / "picture.png"))
    mine = rgaviz.cam(loaded, folder / "picture.png")["gradcam"]  # (1, h, w)
    scaled = scale_cam_image(scale_cam_image(mine, (loaded.image_size[1], loaded.image_size[0])))
    np.testing.assert_allclose(scaled[0], theirs, atol=1e-3)
    if not theirs.any():
        raise AssertionError("The map is empty; comparing it means nothing.")


def start(folder: Path, *arguments: str) -> tuple[float, str]:
    """Run Python in the folder with as many threads as this process; seconds and what it printed."""
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    started = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **threads},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return time.perf_counter() - started, answer.stdout


def forward_passes(folder: Path, size: int, count: int) -> float:
    """Seconds of the forward passes alone, in batches as the program has them."""
    model = rgaviz.load_checkpoint(folder / "rga.pt").model
    images = torch.randn(BATCH, 3, size, size)
    with torch.inference_mode():
        model(images)
        started = time.perf_counter()
        for _ in range(-(-count // BATCH)):
            model(images)
        return (time.perf_counter() - started) * count / (BATCH * -(-count // BATCH))


def measure(quick: bool) -> Result:
    """Run ours over few and over many pictures, and the usual loop over the many."""
    size, (few, many) = (64, (2, 4)) if quick else (224, (100, 1000))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, size, (few, many))
        check_same_map(folder)
        rows, peaks, speeds = [], [], []
        for count in (few, many):
            time_taken, told = start(folder, "-c", OURS, "cam", "rga.pt", str(count), "-o", f"ours-{count}")
            peaks.append(int(told.splitlines()[-1]) * 1024)
            speeds.append(count / time_taken)
            shown = [f"{speeds[-1]:.1f} images/s", f"{peaks[-1] / 2**20:.0f} MiB"]
            rows.append([f"rgaviz cam, {count} pictures", f"{time_taken:.0f} s", *shown])
        ours, floor = many / speeds[1], forward_passes(folder, size, many)
        rows.append(["forward passes alone", f"{floor:.0f} s", f"{many / floor:.1f} images/s", ""])
        time_taken, _ = start(folder, peer.__file__, "rga.pt", str(many), "usual")
        rows.append(
            [f"usual loop, {many} pictures", f"{time_taken:.0f} s", f"{many / time_taken:.1f} images/s", ""]
        )
        written = [len(list((folder / each).rglob("*.png"))) for each in (f"ours-{many}/overlays", "usual")]
    if written != [many, many]:
        raise AssertionError(f"{written} overlays instead of {many} each.")
    claims = [
        Claim(
            f"peak memory after {many} pictures, of that after {few}", peaks[1] / peaks[0], 1.05, at_most=True
        ),
        Claim(f"{many} pictures, of the time of their forward passes alone", ours / floor, 1.6, at_most=True),
        Claim(f"{many} pictures faster than by the usual loop", time_taken / ours, 3.0),
    ]
    return Result([f"resnet18 + RGA-SC at {size}x{size}", "time", "speed", "peak memory"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")

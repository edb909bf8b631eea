"""``rgaviz compare`` against a script that does the same with pytorch-grad-cam and matplotlib, whole processes.

Two ResNet-18s as torchvision has them, one picture of 224x224: predictions and Grad-CAM of both at the last stage,
overlays side by side, one PDF. The script is ``peer_compare_script.py``; ours also writes the raw maps and a
manifest. That both processes give the same maps and predictions is checked before the timing. The imports
that both need are timed beside them: nothing that loads a network and draws a figure can take less.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import peer_compare_script as peer
import torch
from explain_pass import trained_looking
from measure import Claim, Result, alternate, run, seconds
from PIL import Image
from pytorch_grad_cam.utils.image import scale_cam_image

import rgaviz
from rgaviz.results.reader import read_results

SIZE = 224
OURS = [sys.executable, "-c", "from rgaviz.cli import main; main()", "compare", "a.pt", "b.pt", "picture.png"]
PEER = [sys.executable, peer.__file__, "a-weights.pt", "b-weights.pt", "picture.png"]
IMPORTS = [sys.executable, "-c", "import torch, numpy, PIL.Image, cv2, matplotlib.figure"]


def prepare(folder: Path) -> None:
    """Two networks in either layout and a picture."""
    for name in ("a", "b"):
        model = trained_looking("resnet18", SIZE, torch.randn(8, 3, SIZE, SIZE), "none", last_stride=2)
        rgaviz.save_checkpoint(
            folder / f"{name}.pt",
            model,
            classes=[str(index) for index in range(1000)],
            mean=[0.485, 0.456, 0.406],
            std=[0.229, 0.224, 0.225],
        )
        torch.save(model.state_dict(), folder / f"{name}-weights.pt")
    coarse = np.random.default_rng(0).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(folder / "picture.png")


def start(command: list[str], folder: Path) -> str:
    """Run a process in the folder with as many threads as this one; its output."""
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    answer = subprocess.run(
        command, cwd=folder, env={**os.environ, **threads}, check=True, capture_output=True, text=True
    )
    return answer.stdout


def check_same(folder: Path) -> None:
    """Raise unless both find the same maps and predictions and write a PDF."""
    told = json.loads(start([*OURS, "-o", "ours.pdf", "--json"], folder))["predictions"]["picture.png"]
    start([*PEER, "peer.pdf"], folder)
    results = read_results(folder / "ours")
    image = Image.open(folder / "picture.png")
    for name in ("a", "b"):
        heatmap, index, confidence = peer.explain(folder / f"{name}-weights.pt", image)
        raw = results.map("0", name, "gradcam")[None]  # (1, 7, 7)
        np.testing.assert_allclose(scale_cam_image(scale_cam_image(raw, (SIZE, SIZE)))[0], heatmap, atol=1e-3)
        if told[name]["index"] != index or abs(told[name]["confidence"] - confidence) > 1e-3:
            raise AssertionError(f"{name}: {told[name]}, by the script {index} with {confidence}.")
    for name in ("ours", "peer"):
        if not (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF"):
            raise AssertionError(f"{name}.pdf is no PDF.")


def measure(quick: bool) -> Result:
    """Time both processes in turn, and the imports alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        check_same(folder)
        works = {
            "imports that both need": lambda: start(IMPORTS, folder),
            "rgaviz compare": lambda: start([*OURS, "-o", "ours.pdf"], folder),
            "script with pytorch-grad-cam": lambda: start([*PEER, "peer.pdf"], folder),
        }
        times = alternate({name: seconds(work) for name, work in works.items()}, 1 if quick else 9)
    _, mine, other = times.values()
    rows = [[name, f"{value:.2f} s", f"{value / other:.2f}x"] for name, value in times.items()]
    claim = Claim("rgaviz compare of two networks, of the script's time", mine / other, 0.7, at_most=True)
    return Result(["two ResNet-18s, one picture, whole process", "time", "ratio"], rows, [claim])


if __name__ == "__main__":
    run(measure, __doc__ or "")

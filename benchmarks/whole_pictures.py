"""Evaluation of whole pictures of 1024x2048 pixels on a CPU: pictures a second by the usual loop and ours, peak memory.

A dilated ResNet-18 of a quarter of the width with RGA-SC, 19 classes, pictures as PNG files with labels beside them.
Ours is the evaluation of the task, from files to figures, with the loss and the figures of every picture; the usual
loop (``peer_whole_pictures.py``) has torchvision's transforms and one confusion matrix. Their confusion is compared
before the timing. Windows of 769 pixels every 513 show the network 2.26 times as many pixels, and have no peer.

Memory is the peak of a fresh process (Linux only) when the second and when the last picture is done.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import peer_whole_pictures as peer
import torch
from measure import Claim, Result, alternate, run, seconds
from rga_module import memory
from torch import nn
from windows import CLASSES, opened, scenes

import rgaviz
from rgaviz.data.scenes import SceneSplit
from rgaviz.tasks.answers import Evaluation
from rgaviz.tasks.segmentation import Segmentation
from rgaviz.tasks.task import How
from rgaviz.tasks.whole import Covering

USUAL, PEAKS = "the usual loop", "peaks"
FEW, NAMES = 2, [f"class {index}" for index in range(CLASSES)]
COVERINGS = {"in one piece": Covering(), "windows of 769": Covering(window=769, stride=513)}
QUICK = {"in one piece": Covering(), "windows of 49": Covering(window=49, stride=33)}
APART = 1e-3  # of all pixels: where two classes are all but equal, rounding decides


def network(size: tuple[int, int]) -> nn.Module:
    """Fresh weights, in eval mode, with running statistics that fit them."""
    torch.manual_seed(0)
    model = rgaviz.create_model(
        "dilated-resnet18", "rga-sc", num_classes=CLASSES, image_size=size, width=16, grid=24, s1=4, s2=4
    ).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(2, 3, 128, 256))  # small: its memory must stay below what is measured
    return model.eval()


def ours(model: nn.Module, split: SceneSplit, covering: Covering, track: Any = None) -> Evaluation:
    """The evaluation of the task."""
    how = How(NAMES, peer.MEAN, peer.STD, torch.device("cpu"), **({"track": track} if track else {}))
    return Segmentation(covering).evaluate(model, lambda part: split, how)


def files(split: SceneSplit) -> list[tuple[str, str]]:
    """Pictures and labels of a split on disk."""
    return [(str(each.picture), str(each.labels)) for each in split.sources]


def check_same(model: nn.Module, split: SceneSplit) -> None:
    """Raise unless both count alike, but for rounding."""
    mine = np.array(ours(model, split, Covering()).tables["confusion"].values)
    theirs = peer.confusion(model, files(split), CLASSES)
    if mine.sum() != theirs.sum() or np.abs(mine - theirs).sum() > APART * theirs.sum():
        raise AssertionError("The confusion matrices differ; comparing their speed would mean nothing.")
    if (theirs.sum(0) > 0).sum() < 2:
        raise AssertionError("The network knows one class alone; comparing it means nothing.")


def peaks(folder: Path, number: int, size: tuple[int, int], covering: Covering) -> tuple[int, int]:
    """Most bytes in this process when ``FEW`` pictures are done, and when all are."""
    split = opened(scenes(folder, number, size), size[0], kept=False)
    found: list[int] = []

    def track(pictures: Iterable[Any], **_: Any) -> Iterator[Any]:
        for picture in pictures:
            found.append(memory("VmHWM"))
            yield picture

    ours(network(size), split, covering, track)
    return found[FEW], memory("VmHWM")


def in_process(number: int, size: tuple[int, int], covering: Covering) -> tuple[int, int]:
    """:func:`peaks` of a fresh process."""
    words = [number, *size, covering.window, covering.stride, torch.get_num_threads()]
    command = [sys.executable, str(Path(__file__)), PEAKS, *map(str, words)]
    few, all_of_them = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(few), int(all_of_them)


def contest(
    model: nn.Module, split: SceneSplit, coverings: dict[str, Covering], repeats: int
) -> dict[str, float]:
    """Pictures a second of the usual loop, and of ours in each way."""
    work = {f"ours, {name}": seconds(partial(ours, model, split, each)) for name, each in coverings.items()}
    work = {USUAL: seconds(partial(peer.confusion, model, files(split), CLASSES)), **work}
    return {name: len(split) / taken for name, taken in alternate(work, repeats).items()}


def measure(quick: bool) -> Result:
    """Time them in turn, then weigh ours."""
    size, timed, many, repeats = ((64, 128), 2, 4, 1) if quick else ((1024, 2048), 4, 10, 3)
    coverings = QUICK if quick else COVERINGS
    with tempfile.TemporaryDirectory() as folder:
        split = opened(scenes(Path(folder), timed, size), size[0], kept=False)
        model = network(size)
        check_same(model, split)
        speeds = contest(model, split, coverings, repeats)
    rows = [[USUAL, f"{speeds[USUAL]:.2f}", "1.00x", "", ""]]
    claims = []
    for name, covering in coverings.items():
        few, most = in_process(many, size, covering)
        speed = speeds[f"ours, {name}"]
        shown = [f"{peak / 2**20:.0f} MiB" for peak in (few, most)]
        rows.append([f"ours, {name}", f"{speed:.2f}", f"{speed / speeds[USUAL]:.2f}x", *shown])
        text = f"whole pictures, {name}: peak memory after {many}, of that after {FEW}"
        claims.append(Claim(text, most / few, 1.05, at_most=True))
    faster = speeds["ours, in one piece"] / speeds[USUAL]
    claims.insert(0, Claim("whole pictures measured faster than by the usual loop", faster, 1.0))
    header = ["pictures of {}x{}".format(*size), "pictures/s", "ratio"]
    return Result([*header, f"peak after {FEW}", f"peak after {many}"], rows, claims)


if __name__ == "__main__":
    if sys.argv[1:2] == [PEAKS]:
        number, height, width, window, stride, threads = map(int, sys.argv[2:])
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as name:
            print(*peaks(Path(name), number, (height, width), Covering(window=window, stride=stride)))
    else:
        run(measure, __doc__ or "")

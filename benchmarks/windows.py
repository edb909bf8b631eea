"""Windows cut out of scenes of 1024x2048 pixels, as a training on Cityscapes takes them, and the usual script.

The scenes are smooth noise with labels in blocks, in memory and as PNG files. Ours are the batches of ``train_batches``
with the augmentation ``scale-crop-mirror``. The usual script (``peer_windows.py``) resizes each scene as a whole with
torchvision's v2 transforms, pads, crops and flips, in as many workers of a DataLoader as we have threads. Both give
normalised float32 pictures and int64 labels. An epoch is timed as a whole, with the start of workers and threads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from measure import Claim, Result, alternate, run, seconds
from peer_windows import MEAN, STD, loader
from PIL import Image

from rgaviz.data.batches import train_batches
from rgaviz.data.labels import by_number
from rgaviz.data.order import epoch_generator, shuffled
from rgaviz.data.scenes import SceneSplit, read_scenes
from rgaviz.data.sets.pairs import Pair, read_pair

SIZES, WORKERS, CLASSES = (769, 256), 2, 19
TARGET = 1.0


def scenes(folder: Path, number: int, size: tuple[int, int]) -> list[Pair]:
    """So many scenes (h, w) as files, which PNG makes about as small as photographs."""
    draw = np.random.default_rng(0)
    pairs = []
    for index in range(number):
        coarse = draw.integers(0, 256, (size[0] // 16, size[1] // 16, 3), np.uint8)
        picture = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
        picture = cv2.add(picture, draw.integers(0, 8, picture.shape, np.uint8))
        blocks = draw.integers(0, CLASSES, (size[0] // 32, size[1] // 32), np.uint8)
        labels = cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_NEAREST)
        pair = Pair(str(index), folder / f"{index}.png", folder / f"{index}_labels.png")
        Image.fromarray(picture).save(pair.picture)
        Image.fromarray(labels).save(str(pair.labels))
        pairs.append(pair)
    return pairs


def opened(pairs: list[Pair], side: int, *, kept: bool) -> SceneSplit:
    """Our split of them, in memory or on disk."""
    coding = by_number(CLASSES, hint="")
    names = [pair.name for pair in pairs]
    memory = torch.inf if kept else 0
    return read_scenes(
        pairs, lambda pair: read_pair(pair, coding), (side, side), names, workers=WORKERS, memory=memory
    )


def ours(split: SceneSplit, batch_size: int, repeats: int) -> Callable[[], None]:
    """Epochs, each scene ``repeats`` times."""
    epochs = count()

    def epoch() -> None:
        draw = epoch_generator(0, next(epochs))
        order = [batch for _ in range(repeats) for batch in shuffled(len(split), batch_size, draw)]
        for _ in train_batches(split, order, draw, augmentation="scale-crop-mirror", mean=MEAN, std=STD):
            pass

    return epoch


def usual(split: SceneSplit, batch_size: int, repeats: int) -> Callable[[], None]:
    """The same number of windows by the usual script."""
    pairs: list[tuple[Any, Any]]
    if split.kept:
        found = list(split.whole(range(len(split))))
        pairs = [
            (
                torch.from_numpy(each.picture).permute(2, 0, 1).contiguous(),
                torch.from_numpy(each.labels)[None],
            )
            for each in found
        ]
    else:
        pairs = [(str(each.picture), str(each.labels)) for each in split.sources]

    def epoch() -> None:
        for _ in loader(pairs * repeats, split.image_size[0], batch_size, WORKERS):
            pass

    return epoch


def measure(quick: bool) -> Result:
    """Time both, in memory and on disk."""
    size, number, batch_size, repeats = ((64, 128), 4, 2, 1) if quick else ((1024, 2048), 8, 8, 4)
    rounds = 1 if quick else 3
    rows, claims = [], []
    with tempfile.TemporaryDirectory() as folder:
        pairs = scenes(Path(folder), number, size)
        for side in (33, 16) if quick else SIZES:
            for kept, where in ((True, "in memory"), (False, "on disk")):
                split = opened(pairs, side, kept=kept)
                times = alternate(
                    {
                        "ours": seconds(ours(split, batch_size, repeats)),
                        "usual": seconds(usual(split, batch_size, repeats)),
                    },
                    rounds,
                )
                title = f"windows of {side}x{side}, scenes {where}"
                ratio = times["usual"] / times["ours"]
                windows = number * repeats
                rows += [
                    [f"{title}, the usual script", f"{windows / times['usual']:.1f}", "1.00x"],
                    [f"{title}, ours", f"{windows / times['ours']:.1f}", f"{ratio:.2f}x"],
                ]
                claims.append(Claim(f"{title}: ours, of the usual script's windows a second", ratio, TARGET))
    return Result([f"scenes of {size[0]}x{size[1]}", "windows/s", "ratio"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")

"""A CIFAR training epoch: our loop against the usual script.

Shapes: images (n, 32, 32, 3) uint8, random; batches of 128; resnet18-w16 without attention on both sides;
the same optimizer and loss. Ours is ``rgaviz.training.loop.train`` itself, in fp32 and in bf16. The usual
script: torchvision's RandomCrop(32, padding=4), RandomHorizontalFlip, ToTensor and Normalize on PIL images,
a DataLoader with 0 and with 2 workers (its faster one counts), NCHW, fp32. An epoch is timed as a whole,
without evaluation; it has 5,120 images, since a longer one only repeats the same steps.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from measure import Claim, Result, alternate, run
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

import rgaviz
from rgaviz.data.sets.cifar import STATISTICS
from rgaviz.data.splits import Dataset, MemorySplit
from rgaviz.devices import keep_freed_memory
from rgaviz.training.config import ModelConfig, Recipe, TrainConfig
from rgaviz.training.loop import train

ARCH = "resnet18-w16"
MEAN, STD = STATISTICS["cifar10"]
SETTINGS = TrainConfig(epochs=1, batch_size=128, lr=0.1, warmup=0.0)


def random_images(count: int) -> MemorySplit:
    """``count`` images of noise and their labels."""
    images = torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8)
    return MemorySplit(images, torch.randint(0, 10, (count,)))


def our_epoch(split: MemorySplit, precision: str) -> Callable[[], float]:
    """Images per second of one epoch of our loop."""
    classes = tuple(f"class {index}" for index in range(10))
    few = MemorySplit(split.images[:128], split.labels[:128])
    parts = {"train": lambda: split, "test": lambda: few}
    dataset = Dataset("cifar10", "classification", classes, parts, MEAN, STD, source="random")
    settings = TrainConfig(**{**vars(SETTINGS), "precision": precision})
    recipe = Recipe(model=ModelConfig(arch=ARCH), train=settings)

    def epoch() -> float:
        with tempfile.TemporaryDirectory() as folder:
            (row,) = train(dataset, recipe, ["none"], Path(folder), device=torch.device("cpu"))
        return row["images_per_second"]

    return epoch


class PictureDataset(torch.utils.data.Dataset):
    """As torchvision's CIFAR10: a PIL image is made of the array, then transformed."""

    transform = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )

    def __init__(self, split: MemorySplit) -> None:
        self.images, self.labels = split.images.numpy(), split.labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def usual_epoch(split: MemorySplit, workers: int) -> Callable[[], float]:
    """Images per second of one epoch of the usual script."""
    dataset = PictureDataset(split)

    def epoch() -> float:
        torch.manual_seed(0)
        model: nn.Module = rgaviz.create_model(ARCH, num_classes=10).train()
        optimizer = torch.optim.SGD(
            model.parameters(),
            lr=SETTINGS.lr,
            momentum=SETTINGS.momentum,
            nesterov=True,
            weight_decay=SETTINGS.weight_decay,
        )
        loader = DataLoader(dataset, SETTINGS.batch_size, shuffle=True, num_workers=workers, drop_last=True)
        started, seen = time.perf_counter(), 0
        for images, labels in loader:
            loss = F.cross_entropy(model(images), labels, label_smoothing=SETTINGS.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(labels)
        return seen / (time.perf_counter() - started)

    return epoch


def measure(quick: bool) -> Result:
    """Time the epochs in turn."""
    keep_freed_memory()  # as our loop does, but for both sides from the start: it is of the whole process
    split = random_images(256 if quick else 5120)
    epochs = {
        "ours, fp32": our_epoch(split, "fp32"),
        "ours, bf16": our_epoch(split, "bf16"),
        "usual script, 0 workers": usual_epoch(split, 0),
        "usual script, 2 workers": usual_epoch(split, 2),
    }
    speeds = alternate(epochs, 1 if quick else 3)
    usual = max(speed for name, speed in speeds.items() if name.startswith("usual"))
    rows = [[name, f"{speed:.0f} images/s", f"{speed / usual:.2f}x"] for name, speed in speeds.items()]
    claims = [
        Claim("CIFAR epoch in fp32, faster than the usual script", speeds["ours, fp32"] / usual, 1.3),
        Claim("CIFAR epoch in bf16, faster than the usual script (fp32)", speeds["ours, bf16"] / usual, 2.0),
    ]
    return Result([f"{ARCH}, a training epoch", "speed", "ratio"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")

"""CIFAR-10 and CIFAR-100: torchvision's download, or an export to image folders."""

from __future__ import annotations

from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from rgaviz.data.sets.folder import find_files, read_parts
from rgaviz.data.splits import Dataset, MemorySplit
from rgaviz.errors import RgavizError

# Per channel, of the training images; the values used throughout the literature.
STATISTICS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}
OTHER = {("cifar10", 100): "cifar100", ("cifar100", 10): "cifar10"}  # one taken for the other
ARCHIVES = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}


def _load_cifar(
    name: str,
    *,
    data_dir: Path | None,
    image_size: tuple[int, int],
    train_size: int | None,
    test_size: int | None,
    held_out: float,
    **reading: Any,
) -> Dataset:
    """CIFAR from ``data_dir``, or downloaded by torchvision into ``./data``.

    Args:
        name: ``cifar10`` or ``cifar100``.
        data_dir: a folder with ``train/<class>/*`` and ``test/<class>/*``, or with torchvision's archive.
        image_size: (H, W); other than 32x32 only from image folders.
        train_size: use so many images, or all.
        test_size: likewise.
        held_out: fraction held out for testing where there is no test folder.
        reading: options of :func:`rgaviz.data.splits.read_split`, for image folders.

    Raises:
        RgavizError: no data there and no network, or images of other classes or another size.
    """
    mean, std = STATISTICS[name]
    if data_dir and (data_dir / "train").is_dir():
        classes, files = find_files(data_dir, train_size, test_size, held_out)
        if other := OTHER.get((name, len(classes))):
            raise RgavizError(f"{data_dir} has the {len(classes)} classes of {other}, not those of {name}.")
        parts = read_parts(files, image_size, **reading)
        return Dataset(name, "classification", classes, parts, mean, std, source="image folders")
    if image_size != (32, 32):
        raise RgavizError(f"{name} has 32x32 images, not {image_size}; drop data.image_size.")
    test = _torchvision(name, data_dir, train=False)  # the smaller part, which also tells the classes
    parts = {
        "train": lambda: _split(_torchvision(name, data_dir, train=True), train_size),
        "test": lambda: _split(test, test_size),
    }
    return Dataset(name, "classification", tuple(test.classes), parts, mean, std, source="torchvision")


def _torchvision(name: str, data_dir: Path | None, train: bool) -> Any:
    from torchvision import datasets

    kind = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    root = data_dir or Path("data")
    found = (root / ARCHIVES[name]).is_dir()
    if data_dir and not found:
        raise RgavizError(
            f"{data_dir} has neither train/<class>/* and test/<class>/* nor {ARCHIVES[name]}/. "
            "Give the folder above those with --data-dir, leave it out to download, "
            "or start with: rgaviz train shapes"
        )
    try:
        return kind(root, train=train, download=not found)
    except (OSError, RuntimeError, HTTPException, EOFError, UnpicklingError) as error:
        with suppress(OSError):
            root.rmdir()  # torchvision makes it before it downloads; only an empty folder goes
        fault = f"{root / ARCHIVES[name]} is damaged" if found else f"Cannot download {name}"
        raise RgavizError(
            f"{fault} ({error}). Give your copy with --data-dir, or train without any: rgaviz train shapes"
        ) from error


def _split(data: Any, size: int | None) -> MemorySplit:
    images, labels = torch.from_numpy(data.data), torch.tensor(data.targets)  # (n, 32, 32, 3), (n,)
    return MemorySplit(images[:size], labels[:size])


def load_cifar10(**options: Any) -> Dataset:
    """10 classes at 32x32; downloaded, or image folders by --data-dir."""
    return _load_cifar("cifar10", **options)


def load_cifar100(**options: Any) -> Dataset:
    """100 classes at 32x32; downloaded, or image folders by --data-dir."""
    return _load_cifar("cifar100", **options)

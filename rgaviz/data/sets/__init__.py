"""Data sets by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rgaviz.data.sets.cifar import load_cifar10, load_cifar100
from rgaviz.data.sets.folder import load_folder
from rgaviz.data.sets.shapes import load_shapes
from rgaviz.data.splits import Dataset
from rgaviz.errors import RgavizError, lookup
from rgaviz.progress import Track, silent

DATASETS: dict[str, Callable[..., Dataset]] = {
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
    "folder": load_folder,
    "shapes": load_shapes,
}
GENERATED = frozenset({"shapes"})  # no folder is theirs


def load_dataset(
    name: str,
    *,
    data_dir: Path | None = None,
    image_size: tuple[int, int] = (32, 32),
    train_size: int | None = None,
    test_size: int | None = None,
    held_out: float = 0.2,
    workers: int = 2,
    memory: float | None = None,
    track: Track = silent,
) -> Dataset:
    """Open a data set; its parts are read or generated when they are first asked for.

    What is cheap to find out is refused here, and what has to be downloaded is.

    Args:
        name: a key of ``DATASETS``.
        data_dir: where the images are, for those that are not generated.
        image_size: (H, W) in pixels.
        train_size: number of training images, or None for all (``shapes``: its default).
        test_size: number of test images, likewise.
        held_out: fraction held out for testing, where there is no test folder.
        workers: processes that read ahead the pictures that do not fit into memory.
        memory: bytes that the decoded pictures of a part may take; by default half of what is available.
        track: wraps long loops, for a progress bar.

    Raises:
        UnknownNameError: no such data set.
        RgavizError: no images there, or a folder for a data set that is generated.
    """
    load = lookup(DATASETS, name, "data set")
    if data_dir is not None and name in GENERATED:
        raise RgavizError(
            f"{name} is generated and reads no folder; leave out --data-dir, or name another data set."
        )
    return load(
        data_dir=data_dir,
        image_size=image_size,
        train_size=train_size,
        test_size=test_size,
        held_out=held_out,
        workers=workers,
        memory=memory,
        track=track,
    )

"""Anyone's own images: one folder per class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rgaviz.data.find import is_picture, visible_below
from rgaviz.data.pictures import IMAGENET_MEAN, IMAGENET_STD
from rgaviz.data.splits import Dataset, Split, read_split
from rgaviz.errors import RgavizError

Files = list[tuple[Path, int]]  # picture, label


def load_folder(
    *,
    data_dir: Path | None,
    image_size: tuple[int, int],
    train_size: int | None,
    test_size: int | None,
    held_out: float,
    **reading: Any,
) -> Dataset:
    """Your own images, one folder per class, by --data-dir.

    The folder holds ``train/<class>/*`` with ``val/`` or ``test/``, or only ``<class>/*``.

    Args:
        data_dir: the folder.
        image_size: (H, W) every picture is resized to.
        train_size: use so many images, of every class in proportion, or all.
        test_size: likewise.
        held_out: fraction held out for testing where there is only one set, drawn with a fixed seed.
        reading: options of :func:`rgaviz.data.splits.read_split`.

    Raises:
        RgavizError: no such folder, or no classes in it.
    """
    if data_dir is None:
        raise RgavizError("The data set folder needs --data-dir DIR, the folder with your images.")
    classes, files = find_files(data_dir, train_size, test_size, held_out)
    parts = read_parts(files, image_size, **reading)
    return Dataset(
        "folder", "classification", classes, parts, IMAGENET_MEAN, IMAGENET_STD, source="image folders"
    )


def find_files(
    data_dir: Path, train_size: int | None = None, test_size: int | None = None, held_out: float = 0.2
) -> tuple[tuple[str, ...], dict[str, Files]]:
    """Class names and the pictures of ``train`` and ``test``; arguments and errors as :func:`load_folder`."""
    if not data_dir.is_dir():
        raise RgavizError(f"{data_dir} is not a folder. Give the one with your images with --data-dir.")
    root = data_dir / "train" if (data_dir / "train").is_dir() else data_dir
    classes = _classes(root)
    train = _shuffled(_files(root, classes))
    labels = {label for _, label in train}
    empty = [name for label, name in enumerate(classes) if label not in labels]
    if empty:
        raise RgavizError(f"{root} has no images of {', '.join(empty)}; add some, or remove the folder.")
    tests = [data_dir / name for name in ("val", "test") if (data_dir / name).is_dir()]
    if root != data_dir and tests:
        test = _shuffled(_files(tests[0], classes))
    else:
        test, train = _divide(train, max(1, round(held_out * len(train))))
    train, test = _divide(train, train_size)[0], _divide(test, test_size)[0]
    if not train or not test:
        raise RgavizError(
            f"{data_dir} has {len(train)} images to train on and {len(test)} to test on; add some."
        )
    return tuple(classes), {"train": train, "test": test}


def read_parts(
    files: Mapping[str, Files], image_size: tuple[int, int], **reading: Any
) -> dict[str, Callable[[], Split]]:
    """What loads each part; arguments as :func:`rgaviz.data.splits.read_split`."""

    def read(part: Files) -> Split:
        paths, labels = zip(*part, strict=True)
        return read_split(paths, torch.tensor(labels), image_size, **reading)

    return {name: partial(read, part) for name, part in files.items()}


def _classes(root: Path) -> list[str]:
    classes = sorted(_folders(root))
    if len(classes) < 2:
        raise RgavizError(f"{root} needs at least two folders, one per class, with images in them.")
    return classes


def _folders(root: Path) -> set[str]:
    return {each.name for each in root.iterdir() if each.is_dir() and not each.name.startswith(".")}


def _files(root: Path, classes: Sequence[str]) -> Files:
    """(picture, label) of every picture, sorted."""
    unknown = _folders(root) - set(classes)
    if unknown:
        raise RgavizError(
            f"{root} has classes without training images: {', '.join(sorted(unknown))}. Remove them."
        )
    found = []
    for label, name in enumerate(classes):
        if (root / name).is_dir():
            paths = sorted(path for path in visible_below(root / name) if is_picture(path, root))
            found += [(path, label) for path in paths]
    return found


def _shuffled(files: Files) -> Files:
    """Seeded, so that a subset is the same on every run."""
    order = np.random.default_rng(0).permutation(len(files))
    return [files[index] for index in order]


def _divide(files: Files, count: int | None) -> tuple[Files, Files]:
    """The first ``count`` (None: all) taken from every class in proportion to its size, and the others."""
    sizes, seen = Counter(label for _, label in files), Counter[int]()
    ranks = []
    for _, label in files:
        ranks.append((seen[label] + 0.5) / sizes[label])  # 0..1 within its class
        seen[label] += 1
    chosen = set(np.argsort(ranks, kind="stable")[:count].tolist())
    first = [file for index, file in enumerate(files) if index in chosen]
    return first, [file for index, file in enumerate(files) if index not in chosen]

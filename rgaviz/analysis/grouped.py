"""The pictures of a data set one by one, each with the class, camera or identity that it counts for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rgaviz.analysis.images import opened
from rgaviz.analysis.subject import Subject, one_task
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.sets import load_dataset
from rgaviz.data.splits import Dataset, DiskSplit, Split
from rgaviz.errors import PictureError, RgavizError, clipped, lookup
from rgaviz.progress import Track

CLASS, CAMERA, IDENTITY, NONE = "class", "camera", "identity", "none"
# What --by takes -> several; written out, for the shell's completion reads the source.
BY = {"class": "classes", "camera": "cameras", "identity": "identities", "none": ""}
NOBODY = 0  # the number of a distractor

Size = tuple[int, int]


@dataclass(frozen=True)
class Grouped:
    """The pictures of some parts of a data set.

    Attributes:
        name: of the data set.
        parts: of it.
        source: where it comes from, in words.
        notes: what its user must know.
        by: a key of ``BY``: what the groups are.
        groups: names.
        places: (n,) which group each picture is of, -1 for none.
        read: gives a picture by its number, RGB uint8 (h, w, 3), at each size (H, W) that a network sees.
    """

    name: str
    parts: Sequence[str]
    source: str
    notes: Sequence[str]
    by: str
    groups: Sequence[str]
    places: np.ndarray
    read: Callable[[int], Mapping[Size, np.ndarray]]


def grouped(
    subjects: Sequence[Subject],
    dataset: str | None,
    *,
    data_dir: Path | None,
    pattern: str | None,
    part: str | None,
    by: str | None,
    track: Track,
) -> Grouped:
    """Open a data set; its pictures are read when they are asked for, unless it comes decoded.

    Args:
        subjects: the networks, of one task.
        dataset: a key of ``DATASETS``, by default what the first one was trained on.
        data_dir: where the images are.
        pattern: of names of files, for a data set that takes one.
        part: of the data set, by default those that networks of this task are measured on.
        by: a key of ``BY``; by default the camera where there are some, else the class where pictures have one.
        track: wraps long loops, for a progress bar.

    Raises:
        RgavizError: no such data set, part or groups, no data, or those of another task.
    """
    checkpoint = subjects[0].checkpoint
    task = one_task(subjects, "whose masks are of other pictures; ask about those of each task apart.")
    name = dataset or checkpoint.dataset
    if name is None:
        raise RgavizError(
            f"{checkpoint.path} does not say what it was trained on; name a data set behind the checkpoints."
        )
    if by is not None:
        lookup(BY, by, "--by")
    sizes = list(dict.fromkeys(map(size_of, subjects)))
    sets = {
        size: opened(checkpoint, name, size, data_dir=data_dir, pattern=pattern, track=track, load=_when_due)
        for size in sizes[: 1 if task.dense else None]  # networks that label pixels see them as they are
    }
    first = next(iter(sets.values()))
    if first.task != task.name:
        raise RgavizError(
            f"{name} is a data set for {first.task}, but {checkpoint.path} a network for {task.name}; name one of its "
            "task."
        )
    parts = task.tested if part is None else (part,)
    splits = {size: [each.part(part) for part in parts] for size, each in sets.items()}
    chosen, groups, places = _groups(first, parts, next(iter(splits.values())), by)

    def read(number: int) -> dict[Size, np.ndarray]:
        found = {size: _pixels(each, number) for size, each in splits.items()}
        return {size: found.get(size, next(iter(found.values()))) for size in sizes}

    return Grouped(name, parts, first.source, first.notes, chosen, groups, places, read)


def size_of(subject: Subject) -> Size:
    """(H, W) of the images that a network was trained on."""
    height, width = subject.checkpoint.image_size
    return height, width


def _when_due(name: str, **given: Any) -> Dataset:
    """A data set whose pictures in files are read one by one, not all at once: so memory does not grow with them."""
    return load_dataset(name, **{**given, "leave_damaged": False, "memory": 0.0})


def _pixels(splits: Sequence[Split], number: int) -> np.ndarray:
    """A picture by its number among those of several parts."""
    ends = list(accumulate(map(len, splits)))
    place = next(place for place, end in enumerate(ends) if number < end)
    split, number = splits[place], number - (ends[place] - len(splits[place]))
    if isinstance(split, SceneSplit):
        return split.read(split.sources[number]).picture
    found = split[number] if isinstance(split, DiskSplit) else split.images[number]
    if isinstance(found, PictureError):
        raise found
    return found.numpy()


def _groups(
    images: Dataset, parts: Sequence[str], splits: Sequence[Split], by: str | None
) -> tuple[str, list[str], np.ndarray]:
    """What the groups are, their names, and which one each picture is of."""
    possible: dict[str, Callable[[], tuple[list[str], np.ndarray]]] = {}
    labels = [each.labels for each in splits if not isinstance(each, SceneSplit)]
    cameras = [each.cameras for each in splits if not isinstance(each, SceneSplit)]
    if labels and all(each is not None for each in cameras):
        possible[CAMERA] = lambda: _numbered(_joined(cameras), "camera {}")
        learned = tuple(parts) == ("train",)  # whose labels count the identities
        possible[IDENTITY] = (
            (lambda: (list(images.classes), _joined(labels)))
            if learned
            else (lambda: _numbered(_joined(labels), "{}", NOBODY))
        )
    elif labels and images.task == "classification":
        possible[CLASS] = lambda: (list(images.classes), _joined(labels))
    total = sum(map(len, splits))
    possible[NONE] = lambda: ([], np.full(total, -1))
    chosen = by or next(iter(possible))
    if chosen not in possible:
        raise RgavizError(
            f"--by {chosen}: the pictures of {clipped(images.name)} say none; choose {' or '.join(possible)}."
        )
    return chosen, *possible[chosen]()


def _joined(values: Sequence[torch.Tensor | None]) -> np.ndarray:
    """Numbers of several parts behind each other, (n,)."""
    return torch.cat([each.cpu() for each in values if each is not None]).numpy()


def _numbered(numbers: np.ndarray, called: str, least: int | None = None) -> tuple[list[str], np.ndarray]:
    """Names of the numbers (n,) in their order, and places among them; -1 for those up to ``least``."""
    known = np.unique(numbers if least is None else numbers[numbers > least])
    places = np.searchsorted(known, numbers)
    meant = np.isin(numbers, known)
    return [called.format(number) for number in known.tolist()], np.where(meant, places, -1)

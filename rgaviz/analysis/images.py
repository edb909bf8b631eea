"""The data set that networks are measured on: opened as a training of theirs would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import RgavizError, clipped
from rgaviz.progress import Say, Track, silent

if TYPE_CHECKING:
    from rgaviz.analysis.subject import Subject
    from rgaviz.checkpoint import Checkpoint
    from rgaviz.data.splits import Dataset
    from rgaviz.training.config import DataConfig

SIZES = ("train_size", "test_size", "held_out")  # how many images a training learnt from and held back


def opened(
    checkpoint: Checkpoint,
    name: str,
    size: tuple[int, int] | None = None,
    *,
    data_dir: Path | None,
    pattern: str | None,
    track: Track = silent,
    load: Callable[..., Dataset] | None = None,
) -> Dataset:
    """A data set, with the images held back that the network's training did not learn from, where that is its own.

    Args:
        checkpoint: the network.
        name: a key of ``DATASETS``.
        size: (H, W) in pixels, by default the network's.
        data_dir: where the images are.
        pattern: of names of files, for a data set that takes one.
        track: wraps long loops, for a progress bar.
        load: in place of ``rgaviz.data.sets.load_dataset``, where the images may be there already.

    Raises:
        RgavizError: no such data set, no data, or a training that says what cannot be of its images.
    """
    from rgaviz.data.sets import load_dataset

    kept: dict[str, Any] = {}
    if name == checkpoint.dataset:
        settings = measured_on(checkpoint)
        kept = {name: getattr(settings, name) for name in SIZES}
    return (load or load_dataset)(
        name,
        data_dir=data_dir,
        image_size=size or checkpoint.image_size,
        pattern=pattern,
        leave_damaged=True,
        track=track,
        **kept,
    )


def measured_on(checkpoint: Checkpoint) -> DataConfig:
    """Which of its data set's images a training held back.

    Raises:
        RgavizError: values that no recipe can have.
    """
    from rgaviz.training.config import DataConfig

    table = checkpoint.recipe.get("data", {})
    try:
        return DataConfig(**{name: table[name] for name in SIZES if name in table})
    except RgavizError as error:
        raise RgavizError(
            f"{checkpoint.path} says what cannot be of its images: {error} Copy it again, or train it again."
        ) from error


def measured_images(
    subject: Subject,
    dataset: str | None,
    data_dir: Path | None,
    pattern: str | None,
    load: Callable[..., Dataset],
    track: Track,
) -> Dataset:
    """The images a network is measured on: those its training was measured on, unless others are named."""
    checkpoint = subject.checkpoint
    name = dataset or checkpoint.dataset
    if name is None:
        raise RgavizError(f"{checkpoint.path} does not say what it was trained on; name it with --dataset.")
    images = opened(checkpoint, name, data_dir=data_dir, pattern=pattern, track=track, load=load)
    if images.task != checkpoint.task.name:
        raise RgavizError(
            f"{name} is a data set for {images.task}, but {checkpoint.path} a network for {checkpoint.task.name}; "
            "name one of its task with --dataset."
        )
    if not checkpoint.task.open_set and list(images.classes) != list(checkpoint.classes):
        raise RgavizError(
            f"{name} has the classes {_some(images.classes)}, but {checkpoint.path} was trained on "
            f"{_some(checkpoint.classes)}; name its data set with --dataset and --data-dir."
        )
    return images


def one_dataset(
    subjects: Sequence[Subject],
    dataset: str | None,
    data_dir: Path | str | None,
    pattern: str | None,
    track: Track,
    say: Say,
) -> list[Dataset]:
    """The data set of each network, the same for all; what must be known of it is told.

    Raises:
        RgavizError: they were trained on several, and none is named.
    """
    from rgaviz.data.sets import load_dataset

    load, place = lru_cache(maxsize=1)(load_dataset), None if data_dir is None else Path(data_dir)
    found = [measured_images(each, dataset, place, pattern, load, track) for each in subjects]
    names = list(dict.fromkeys(images.name for images in found))
    if len(names) > 1:
        raise RgavizError(f"These networks were trained on {' and '.join(names)}; name one with --dataset.")
    for note in dict.fromkeys(note for images in found for note in images.notes):
        say(f"Note: {note}")
    return found


def _some(classes: Sequence[str]) -> str:
    """The first of them."""
    return ", ".join([*map(clipped, classes[:3]), *(["..."] if len(classes) > 3 else [])])

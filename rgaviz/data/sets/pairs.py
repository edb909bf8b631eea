"""What all data sets of scenes share: from pictures and labels as files to parts, limits and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rgaviz.ahead import ahead
from rgaviz.data.augment import OF_SCENES
from rgaviz.data.find import is_picture, visible_below
from rgaviz.data.labels import Coding, label_size, present, read_classes
from rgaviz.data.pictures import IMAGENET_MEAN, IMAGENET_STD, picture_size, read_picture
from rgaviz.data.scenes import Scene, SceneSplit, read_scenes
from rgaviz.data.splits import Dataset
from rgaviz.data.windows import IGNORED
from rgaviz.errors import PictureError, RgavizError, clipped
from rgaviz.progress import Track, silent

TRAIN, VAL, TEST = PARTS = ("train", "val", "test")
FILL = (124, 116, 104)  # the mean colour: 0 once it is normalised, or nearly


class Pair(NamedTuple):
    """A picture and its labels.

    Attributes:
        name: what it is called, such as ``val/images/0016E5_07959.jpg``.
        picture: the file.
        labels: the file, None where there is none to be had.
    """

    name: str
    picture: Path
    labels: Path | None


class Laid(NamedTuple):
    """A data set of scenes as its files lie there.

    Attributes:
        name: of the data set.
        pairs: of each part, at least of ``val``; without ``train`` it is for measuring alone.
        coding: of the labels.
        classes: their names.
        colours: RGB of each class.
        ids: what each class is called in the files.
        notes: what there is to tell.
        source: where the scenes come from, in words.
    """

    name: str
    pairs: Mapping[str, Sequence[Pair]]
    coding: Coding
    classes: Sequence[str]
    colours: Sequence[tuple[int, int, int]]
    ids: Sequence[int]
    notes: Sequence[str]
    source: str


def scene_dataset(
    laid: Laid,
    *,
    image_size: tuple[int, int],
    train_size: int | None,
    test_size: int | None,
    **reading: Any,
) -> Dataset:
    """A data set of scenes, each part read when it is asked for.

    Args:
        laid: its files.
        image_size: (H, W) of the windows to train on.
        train_size: learn from so many, drawn with a fixed seed, or from all.
        test_size: measure on so many, likewise; of ``val`` and of ``test``.
        reading: options of :func:`rgaviz.data.scenes.read_scenes`.
    """

    def read(part: str, size: int | None) -> SceneSplit:
        return _read_part(laid.name, limited(laid.pairs[part], size), laid.coding, image_size, **reading)

    parts: dict[str, Callable[[], SceneSplit]] = {TRAIN: partial(_nothing_to_learn_from, laid.name)}
    for part in (each for each in PARTS if each in laid.pairs):
        parts[part] = partial(read, part, train_size if part == TRAIN else test_size)
    return Dataset(
        laid.name,
        "segmentation",
        tuple(laid.classes),
        parts,
        IMAGENET_MEAN,
        IMAGENET_STD,
        laid.source,
        OF_SCENES,
        tuple(laid.notes),
        tuple(laid.colours),
        tuple(laid.ids),
    )


def _nothing_to_learn_from(name: str) -> SceneSplit:
    raise RgavizError(
        f"This copy of {name} has no train/ to learn from: add it, or measure a trained network with rgaviz evaluate."
    )


def _read_part(
    name: str,
    pairs: Sequence[Pair],
    coding: Coding,
    image_size: tuple[int, int],
    *,
    workers: int = 2,
    track: Track = silent,
    **reading: Any,
) -> SceneSplit:
    labelled = all(pair.labels is not None for pair in pairs)
    names = [pair.name for pair in pairs]
    split = read_scenes(
        pairs,
        partial(read_pair, coding=coding),
        image_size,
        names,
        labelled=labelled,
        fill=FILL,
        workers=workers,
        track=track,
        **reading,
    )
    if labelled and not split.kept and not reading.get("leave_damaged"):  # then all have been read
        check = ahead(_refuse_misfit, pairs, workers)
        for _ in track(check, total=len(pairs), description="checking sizes"):
            pass
    if labelled and (coding.classes == 2 or not (split.kept or coding.allowed().all())):
        pairs = [pair for index, pair in enumerate(pairs) if index not in split.damaged]
        kept = split.sources if split.kept else None
        arrays = (each.labels for each in kept) if kept else _labels_ahead(pairs, coding, workers, track)
        _refuse_masks(name, pairs, arrays, coding)
    return split


def _refuse_misfit(pair: Pair) -> None:
    """Refuse labels of another size than their picture, or cut off, by the ends of the files.

    Raises:
        PictureError: they are; or what :func:`rgaviz.data.labels.read_numbers` refuses.
    """
    if pair.labels is None:
        return
    _refuse_sizes(pair.labels, label_size(pair.labels), picture_size(pair.picture))


def _refuse_sizes(path: Path, labels: Sequence[int], picture: Sequence[int]) -> None:
    if tuple(labels) != tuple(picture):
        (rows, columns), (height, width) = labels, picture
        raise PictureError(
            f"{str(path)!r} has {rows}x{columns} pixels, but its picture {height}x{width}: give labels of the "
            "picture's own size."
        )


def _labels_ahead(pairs: Sequence[Pair], coding: Coding, workers: int, track: Track) -> Iterable[np.ndarray]:
    """All labels, read once more than needed: a wrong one is not found out in the middle of a training."""
    labels = [pair.labels for pair in pairs if pair.labels is not None]
    found = ahead(lambda path: read_classes(path, coding), labels, workers)
    return track(found, total=len(labels), description="checking labels")


def _refuse_masks(name: str, pairs: Sequence[Pair], labels: Iterable[np.ndarray], coding: Coding) -> None:
    """Refuse labels of two classes that are masks of 0 and 255: the second class would be ignored.

    Raises:
        PictureError: they are; or what :func:`rgaviz.data.labels.read_classes` refuses.
    """
    values, first = np.zeros(256, bool), None
    for pair, array in zip(pairs, labels, strict=True):
        found = present(array)
        values |= found
        first = pair.labels if first is None and found[IGNORED] else first
    if coding.classes == 2 and first is not None and set(np.flatnonzero(values)) == {0, IGNORED}:
        raise PictureError(
            f"Labels of {name} have the values 0 and 255 alone, such as {str(first)!r}: 255 is ignored, so save the "
            "second class as 1."
        )


def read_pair(pair: Pair, coding: Coding) -> Scene:
    """A picture and its labels from their files.

    Raises:
        PictureError: one cannot be read, or they have different sizes.
    """
    picture = read_picture(pair.picture, full=True)
    labels = None if pair.labels is None else read_classes(pair.labels, coding)
    if labels is not None and pair.labels is not None:
        _refuse_sizes(pair.labels, labels.shape, picture.shape[:2])
    return Scene(pair.name, picture, labels)


def limited(pairs: Sequence[Pair], size: int | None) -> list[Pair]:
    """So many of them, drawn with a fixed seed, or all; in their order."""
    order = np.random.default_rng(0).permutation(len(pairs))[:size]
    return [pairs[index] for index in sorted(order)]


def other_counts(name: str, pairs: Mapping[str, Sequence[Pair]], published: Mapping[str, int]) -> list[str]:
    """A note where parts have other counts than the published ones."""
    counts = {part: len(pairs.get(part, ())) for part in published}
    odd = [
        f"{part} has {counts[part]:,}, not {wanted:,}"
        for part, wanted in published.items()
        if counts[part] != wanted
    ]
    if not odd:
        return []
    return [
        f"{name} is not as published (scenes): {'; '.join(odd)}. It is a part, a damaged copy or another version: "
        "compare no number with papers'."
    ]


def files_below(folder: Path, root: Path, ending: str | None = None) -> dict[str, Path]:
    """Files by their place below a folder without their ending, sorted.

    Args:
        folder: where they are.
        root: of the data set, below which nothing hidden counts.
        ending: of their names; None for that of any picture.

    Raises:
        RgavizError: the folder cannot be read, or two files differ in their ending alone.
    """
    found: dict[str, Path] = {}
    try:
        paths = sorted(visible_below(folder))
    except OSError as error:
        raise RgavizError(f"{folder} cannot be read ({error.strerror}): check its permissions.") from error
    for path in paths:
        fits = is_picture(path, root) if ending is None else path.name.endswith(ending) and path.is_file()
        if not fits:
            continue
        below = path.relative_to(folder).as_posix()
        stem = below.removesuffix(path.suffix if ending is None else ending)
        if stem in found:
            raise RgavizError(f"{folder} has both {found[stem].name} and {path.name}: keep one of them.")
        found[stem] = path
    return found


def paired(
    pictures: Mapping[str, Path], labels: Mapping[str, Path] | None, root: Path, expected: str
) -> tuple[list[Pair], list[str]]:
    """Pictures with the labels of the same stem, and a note of labels without a picture.

    Args:
        pictures: of a part, by stem.
        labels: likewise; None where there are none to be had.
        root: what names begin behind.
        expected: the name of a picture's label, with ``{}`` for the stem.

    Raises:
        RgavizError: pictures without labels.
    """
    missing = [stem for stem in pictures if labels is not None and stem not in labels]
    if missing:
        first = pictures[missing[0]]
        raise RgavizError(
            f"{len(missing):,} of {len(pictures):,} pictures have no labels, first {first}: add "
            f"{clipped(expected.format(missing[0]))} and the like, or remove the pictures."
        )
    alone = [path for stem, path in (labels or {}).items() if stem not in pictures]
    notes = []
    if alone:
        notes = [f"{len(alone):,} labels have no picture and are left out, first {clipped(alone[0].name)}."]
    pairs = [
        Pair(path.relative_to(root).as_posix(), path, labels[stem] if labels is not None else None)
        for stem, path in pictures.items()
    ]
    return pairs, notes

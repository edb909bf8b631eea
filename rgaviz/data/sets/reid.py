"""What all re-identification data sets from files share: from pictures by part to labels, limits and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from rgaviz.data.pictures import IMAGENET_MEAN, IMAGENET_STD
from rgaviz.data.sets.crops import Crop
from rgaviz.data.splits import Dataset, Split, read_split
from rgaviz.errors import RgavizError, clipped

TRAIN, QUERY, GALLERY = PARTS = ("train", "query", "gallery")
WITHIN = "--within-camera"  # of evaluate

Crops = Mapping[str, Sequence[Crop]]  # part -> its pictures


class Count(NamedTuple):
    """How many pictures a part has, of how many numbers: people and, in a gallery, 0 for all distractors."""

    pictures: int
    identities: int


def reid_dataset(
    name: str,
    root: Path,
    crops: Crops,
    notes: Sequence[str],
    *,
    image_size: tuple[int, int],
    train_size: int | None,
    test_size: int | None,
    source: str,
    published: Mapping[str, Count] | None = None,
    apart: bool = False,
    **reading: Any,
) -> Dataset:
    """A data set of people's pictures in parts ``train``, ``query`` and ``gallery``, each read when it is asked for.

    Junk (an identity below 0) is left out everywhere, distractors (0) of the training. Training labels count the
    identities by number; those of query and gallery are the numbers themselves.

    Args:
        name: of the data set.
        root: its folder, for messages.
        crops: part -> pictures; ``train`` may be missing, for measuring alone.
        notes: what there is to tell already.
        image_size: (H, W) every picture is resized to.
        train_size: learn from whole identities, by number, until there are at least so many pictures; or from all.
        test_size: refused: query and gallery belong together.
        source: where the pictures come from, in words.
        published: how many there should be, where that is known.
        apart: training and test identities are numbered on their own, so equal numbers mean nothing.
        reading: options of :func:`rgaviz.data.splits.read_split`.

    Raises:
        RgavizError: a part without pictures, or ``test_size``.
    """
    if test_size is not None:
        raise RgavizError(
            f"{name} has a fixed query and gallery, which are measured whole; drop data.test_size."
        )
    kept = {
        part: [crop for crop in found if crop.identity >= (part == TRAIN)] for part, found in crops.items()
    }
    for part, found in kept.items():
        if not found:
            raise RgavizError(
                f"{root} has nothing but junk or distractors for {part}: add pictures of people with numbers from 1 on."
            )
    told = [*notes, *other_counts(name, kept, published or {}), *remarks(crops, kept, apart)]
    learned = whole_identities(kept.get(TRAIN, []), train_size)
    numbers = sorted({crop.identity for crop in learned})
    labels = {number: label for label, number in enumerate(numbers)}

    def read(found: Sequence[Crop], labels: Sequence[int]) -> Split:
        return read_split(
            [crop.source for crop in found],
            torch.tensor(labels),
            image_size,
            cameras=torch.tensor([crop.camera for crop in found]),
            names=[crop.name for crop in found],
            **reading,
        )

    parts: dict[str, Callable[[], Split]] = {TRAIN: partial(_nothing_to_learn_from, root)}
    if learned:
        parts[TRAIN] = partial(read, learned, [labels[crop.identity] for crop in learned])
    for part in (QUERY, GALLERY):
        parts[part] = partial(read, kept[part], [crop.identity for crop in kept[part]])
    classes = tuple(map(str, numbers))
    return Dataset(name, "reid", classes, parts, IMAGENET_MEAN, IMAGENET_STD, source, notes=tuple(told))


def _nothing_to_learn_from(root: Path) -> Split:
    raise RgavizError(
        f"{root} has no train/ to learn from: add it, or measure a trained network with rgaviz evaluate."
    )


def whole_identities(crops: Sequence[Crop], size: int | None) -> list[Crop]:
    """The pictures of the identities with the lowest numbers, so many that there are at least ``size`` pictures."""
    if size is None:
        return list(crops)
    pictures, chosen, total = Counter(crop.identity for crop in crops), set(), 0
    for number in sorted(pictures):
        if total >= size:
            break
        chosen.add(number)
        total += pictures[number]
    return [crop for crop in crops if crop.identity in chosen]


def other_counts(name: str, crops: Crops, published: Mapping[str, Count]) -> Iterator[str]:
    """A note where parts have other counts than the published ones."""
    odd = []
    for part, wanted in published.items():
        found = Count(len(crops[part]), len({crop.identity for crop in crops[part]}))
        if found != wanted:
            odd.append(
                f"{part} has {found.pictures:,} of {found.identities:,}, not {wanted.pictures:,} of "
                f"{wanted.identities:,}"
            )
    if odd:
        yield (
            f"{name} is not as published (pictures of identities): {'; '.join(odd)}. It is a part, a damaged copy or "
            "another version: compare no number with papers'."
        )


def remarks(crops: Crops, kept: Crops, apart: bool) -> Iterator[str]:
    """Notes of what is unusual about the pictures.

    Args:
        crops: all of them.
        kept: without those that nobody learns from or is measured on.
        apart: equal numbers in training and test mean nothing.
    """
    train, query, gallery = (kept.get(part, []) for part in PARTS)
    if nobody := len(crops.get(TRAIN, [])) - len(train):
        yield f"train: {nobody:,} left out whose number is no person's: 0 is a distractor's, -1 junk's."
    if nobody := sum(crop.identity == 0 for crop in query):
        yield f"query: {nobody:,} with the number 0, a distractor's, which matches nobody: count people from 1."
    counts = Counter(crop.identity for crop in train)
    if single := sorted(number for number, count in counts.items() if count == 1):
        yield (
            f"train: identities with a single picture: {len(single):,}, number {single[0]} first; in a batch it is "
            "repeated, augmented anew."
        )
    if len(cameras := {crop.camera for crop in (*query, *gallery)}) == 1:
        yield (
            f"query and gallery are of camera {min(cameras)} alone, so no query has a match in another one: compare "
            f"within the camera by {WITHIN}."
        )
    theirs = {crop.file_name for crop in gallery}
    if twice := [crop.file_name for crop in query if crop.file_name in theirs]:
        yield (
            f"query and gallery: files of the same name in both: {len(twice):,}, {clipped(twice[0], 60)} first; keep "
            "each picture in one of them, or it finds itself."
        )
    met = {crop.identity for crop in (*query, *gallery)} & counts.keys()
    if met and not apart:
        yield (
            f"train and query or gallery: identities in both: {len(met):,}, number {min(met)} first; if they are the "
            "same people, the network is measured on people that it knows."
        )

"""What networks say of every pixel, as maps: the classes that numbers stand for, and where they are not the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rgaviz.analysis.request import Column
from rgaviz.analysis.subject import Subject
from rgaviz.data.colours import default_colours
from rgaviz.errors import RgavizError
from rgaviz.results.manifest import UNKNOWN, MapRef, Swatch
from rgaviz.tasks import Told

LABELS, ERRORS = "labels", "errors"  # names of maps


@dataclass(frozen=True)
class Palette:
    """The classes of all networks that label pixels.

    Attributes:
        classes: with their colours.
        tables: checkpoint id -> (256,) uint8: for the place of a class among the network's own that among all.
        judged: the ids of those whose labels can be compared with the truth.
    """

    classes: list[Swatch]
    tables: dict[str, np.ndarray]
    judged: frozenset[str] = frozenset()


def dense_ones(subjects: Sequence[Subject]) -> list[Subject]:
    """The networks that say what every pixel is."""
    return [subject for subject in subjects if subject.checkpoint.task.dense]


def judged_ones(subjects: Sequence[Subject]) -> list[Subject]:
    """Those whose labels can be compared with the truth: it is read by the first one's classes, and they have these."""
    dense = dense_ones(subjects)
    return [each for each in dense if _names(each) == _names(dense[0])]


def _names(subject: Subject) -> set[str]:
    return set(map(str, subject.checkpoint.classes))


def palette_of(subjects: Sequence[Subject]) -> Palette:
    """The classes of the networks that label pixels, by name.

    The first network that has a class gives it its colour; where another class has that, another one.

    Raises:
        RgavizError: more than a map of labels can tell apart.
    """
    swatches: dict[str, Swatch] = {}
    shown = dense_ones(subjects)
    given = {id(each): _colours(each) for each in shown}
    free = [each for each in default_colours(UNKNOWN) if not any(each in own for own in given.values())]
    for subject in shown:
        checkpoint = subject.checkpoint
        for name, colour in zip(map(str, checkpoint.classes), given[id(subject)], strict=False):
            taken = any(each.colour == list(colour) for each in swatches.values())
            if name not in swatches:
                swatches[name] = Swatch(name=name, colour=list(free.pop(0) if taken and free else colour))
        most = max(len(checkpoint.classes), len(swatches))
        if most > UNKNOWN:
            raise RgavizError(
                f"{checkpoint.path}: a figure of labels tells {UNKNOWN} classes apart, and here are {most}; take "
                "networks with fewer."
            )
    places = {name: number for number, name in enumerate(swatches)}
    return Palette(
        list(swatches.values()),
        {subject.id: _table([places[str(name)] for name in subject.checkpoint.classes]) for subject in shown},
        frozenset(subject.id for subject in judged_ones(subjects)),
    )


def _colours(subject: Subject) -> Sequence[tuple[int, int, int]]:
    checkpoint = subject.checkpoint
    return checkpoint.colours or default_colours(min(len(checkpoint.classes), UNKNOWN))


def _table(numbers: Sequence[int]) -> np.ndarray:
    table = np.full(256, UNKNOWN, np.uint8)
    table[: len(numbers)] = numbers
    return table


def truth_id(subjects: Sequence[Subject]) -> str:
    """What the truth is called where networks have names."""
    name = "truth"
    while name in {subject.id for subject in subjects}:
        name += "'"
    return name


def label_column(subject: Subject) -> Column:
    """What a network says of every pixel."""
    return Column(f"{subject.id} labels", "labels", _ref(subject.id, LABELS))


def truth_column(subjects: Sequence[Subject]) -> Column:
    """What every pixel truly is."""
    return Column("truth", "labels", _ref(truth_id(subjects), LABELS))


def error_column(subject: Subject) -> Column:
    """Where a network's labels are not the truth."""
    return Column(f"{subject.id} errors", "errors", _ref(subject.id, ERRORS))


def _ref(checkpoint: str, name: str) -> MapRef:
    return MapRef(checkpoint=checkpoint, name=name, group="labels")


def label_maps(
    palette: Palette,
    told: Mapping[str, Told],
    size: tuple[int, int],
    truth: np.ndarray | None = None,
    truth_name: str = "",
) -> dict[str, np.ndarray]:
    """One picture's maps of labels, and of errors where there may be a truth, at the size shown, by ``"id/name"``.

    Args:
        palette: the classes.
        told: checkpoint id -> what the network says of the picture.
        size: (H, W) in which the picture is shown.
        truth: places in the palette (h, w), or ``UNKNOWN``; None where nothing is known of this picture.
        truth_name: what the truth is called; "" where no picture has one.
    """
    maps: dict[str, np.ndarray] = {}
    known = np.full(size, UNKNOWN, np.uint8) if truth is None else _sampled(truth, size)
    if truth_name:
        maps[f"{truth_name}/{LABELS}"] = known
    for name, each in told.items():
        if each.labels is None:
            continue
        labels = _sampled(cv2.LUT(each.labels, palette.tables[name]), size)
        maps[f"{name}/{LABELS}"] = labels
        if truth_name and name in palette.judged:
            wrong = (labels != known).astype(np.uint8)
            maps[f"{name}/{ERRORS}"] = np.where(known == UNKNOWN, np.uint8(UNKNOWN), wrong)
    return maps


def _sampled(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Labels at another size (H, W): of each pixel there the one that lies in its middle."""
    return np.asarray(cv2.resize(labels, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)

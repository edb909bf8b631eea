"""Where each network's maps lie on the known parts of pictures: in batches, and only the numbers are kept.

These are of each picture, map and part a few, and three for each threshold: 600 bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from rgaviz.analysis.loading import BATCH, batches
from rgaviz.analysis.request import cam_names, cam_scores
from rgaviz.analysis.subject import Subject, naming
from rgaviz.data.truth import Marked, Truth, sampled
from rgaviz.errors import PictureError, RgavizError, first_of
from rgaviz.explain.cam import Explanation
from rgaviz.explain.localisation import FLOORS, Located, enlarged, located
from rgaviz.explain.masks import kept_masks
from rgaviz.explain.methods import METHODS
from rgaviz.explain.overlap import Outline, Overlaps, outline, overlaps
from rgaviz.explain.targets import Target
from rgaviz.progress import Track, silent
from rgaviz.tasks.task import LABEL

RANDOM = "randomcam"
LONGEST = 256  # pixels of a label's side where maps are outlined: Choe et al. take 224


class Kind(NamedTuple):
    """What made a map: ``cam``, ``mask`` or ``floor``, its name, and the network, "" for a floor that needs none."""

    group: str
    name: str
    network: str


@dataclass(frozen=True)
class Found:
    """What came of all pictures.

    Attributes:
        names: of the n pictures that could be read.
        numbers: of each kind of map, (n, R) each.
        overlaps: of each kind of map, (n, R, T) each.
        failures: a line for each picture that was left out.
        people: who each of the n shows, (n,), where that is known of all.
    """

    names: list[str]
    numbers: dict[Kind, Located]
    overlaps: dict[Kind, Overlaps]
    failures: list[str]
    people: np.ndarray | None = None


class Read(NamedTuple):
    """A picture of a batch."""

    place: int
    marked: Marked
    inputs: dict[str, Tensor]  # network -> (3, H, W), normalised

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """(H, W) at which each network sees it."""
        return [tuple(each.shape[1:]) for each in self.inputs.values()]


def locate(
    subjects: Sequence[Subject],
    truth: Truth,
    places: Sequence[int],
    *,
    methods: Sequence[str],
    target: str | None = None,
    track: Track = silent,
) -> Found:
    """The numbers of every network's maps, and of the floors.

    Args:
        subjects: the networks, with the layers of their maps.
        truth: the pictures.
        places: of the pictures to look at, ascending.
        methods: of ``METHODS``; Random-CAM comes along.
        target: what the maps are about, as typed.
        track: wraps the loop, for a progress bar.

    Raises:
        RgavizError: an unknown target, or not one picture could be read.
    """
    asked = list(dict.fromkeys([*methods, RANDOM]))
    targets = [_target(subject, target, [truth.shows[place] for place in places]) for subject in subjects]
    failures: list[str] = []
    kept: list[int] = []
    parts: dict[Kind, list[tuple[Located, Overlaps]]] = defaultdict(list)
    groups = [places[start : start + BATCH] for start in range(0, len(places), BATCH)]
    for group in track(groups, total=len(groups), description="locating"):
        for batch in batches(_read(group, truth, subjects, failures)):
            kept += [each.place for each in batch]
            maps: dict[Kind, np.ndarray] = {}
            for subject, settled in zip(subjects, targets, strict=True):
                if target == LABEL:
                    settled = _target(subject, target, [truth.shows[each.place] for each in batch])
                inputs = torch.stack([each.inputs[subject.id] for each in batch])
                maps |= _maps(subject, subject.explain(inputs, asked, settled), target)
            for row, each in enumerate(batch):
                for kind, found in _measured(
                    {kind: values[row] for kind, values in maps.items()}, each.marked
                ):
                    parts[kind].append(found)
    if not kept:
        raise PictureError(first_of(failures))
    numbers = {kind: _joined([own for own, _ in found]) for kind, found in parts.items()}
    outlined = {kind: _joined([own for _, own in found]) for kind, found in parts.items()}
    return Found([truth.names[place] for place in kept], numbers, outlined, failures, _people(truth, kept))


def _people(truth: Truth, places: Sequence[int]) -> np.ndarray | None:
    """Who the pictures at these places show, (n,); a picture of nobody is of one of its own."""
    if not truth.people:
        return None
    return np.array([who if (who := truth.people[place]) > 0 else -place for place in places])


def _read(
    group: Sequence[int], truth: Truth, subjects: Sequence[Subject], failures: list[str]
) -> Iterator[Read]:
    for place in group:
        try:
            picture, marked = truth.look(place)
        except PictureError as error:
            failures.append(str(error))
            continue
        yield Read(place, marked, {each.id: each.checkpoint.inputs([picture])[0] for each in subjects})


def _target(subject: Subject, target: str | None, shows: Sequence[str | None]) -> Target:
    """What a network's maps are about, of these pictures."""
    checkpoint = subject.checkpoint
    with naming(subject):
        if target != LABEL:
            return checkpoint.target(target)
        if None in shows:
            raise RgavizError("--target label needs the class of every picture; choose another target.")
        return checkpoint.task.labelled(shows, checkpoint.classes)


def _maps(subject: Subject, found: Explanation, target: str | None) -> dict[Kind, np.ndarray]:
    """A network's maps (B, h, w); of a method that tells several scores apart one for each."""
    maps = {}
    for method, values in found.cams.items():
        group = "floor" if method == RANDOM else "cam"
        names = cam_names(method, cam_scores(subject, target))
        maps |= {Kind(group, name, subject.id): values[:, score] for score, name in enumerate(names)}
    masks = [kept_masks(found.masks, row) for row in range(len(found.output))]
    over_positions = [name for name, values in masks[0].items() if values.ndim == 2]
    return maps | {
        Kind("mask", name, subject.id): np.stack([each[name] for each in masks]) for name in over_positions
    }


def _measured(
    maps: dict[Kind, np.ndarray], marked: Marked
) -> Iterator[tuple[Kind, tuple[Located, Overlaps]]]:
    """The numbers of a picture: of its maps (h, w), then of the floors."""
    label, regions, boxes = marked
    size, small = (label.shape[0], label.shape[1]), sampled(label, LONGEST)
    fine = (small.shape[0], small.shape[1])
    if boxes is not None:
        boxes = [each * ([fine[1] / size[1], fine[0] / size[0]] * 2) for each in boxes]

    def measured(values: np.ndarray, shown: Outline | None) -> tuple[Located, Overlaps]:
        own = located(values[None], label[None], regions)
        return own, overlaps([shown], small[None], regions, boxes)

    for kind, values in maps.items():
        yield kind, measured(values, outline(enlarged(values[None], fine)[0]))
    for name, floor in FLOORS.items():
        yield Kind("floor", name, ""), measured(floor(size), _outlined_floor(name, fine))


@lru_cache(maxsize=8)
def _outlined_floor(name: str, size: tuple[int, int]) -> Outline | None:
    return outline(FLOORS[name](size))


Numbers = TypeVar("Numbers", Located, Overlaps)


def _joined(found: Sequence[Numbers]) -> Numbers:
    kind = type(found[0])
    return kind(*(np.concatenate([getattr(part, each.name) for part in found]) for each in fields(kind)))


def title_of(kind: Kind, subjects: Sequence[Subject]) -> str:
    """What a kind of map is called in a figure: with its layer, where that is the same for all networks."""
    if kind.group == "mask":
        layer, _, which = kind.name.rpartition("/")
        return f"joint mask ({layer}, mean)" if which == "joint-spatial" else f"spatial mask ({layer})"
    method, _, score = kind.name.partition("/")
    if method in FLOORS:
        return {"gaussian": "centred Gaussian", "ones": "all ones"}[method]
    layers = {subject.cam_layer for subject in subjects}
    about = ", ".join([*([score] if score else []), *(map(str, layers) if len(layers) == 1 else [])])
    return f"{METHODS[method].title}{f' ({about})' if about else ''}"

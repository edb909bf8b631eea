"""Where each network's maps lie on the known parts of pictures: in batches, and only the numbers are kept.

These are of each picture, map and part a few, and three for each threshold: 600 bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from rgaviz.analysis.blocks import Block, Blocks
from rgaviz.analysis.loading import batches
from rgaviz.analysis.numbers import Kind, Numbers, joined, packed
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
    blocks: Blocks | None = None,
) -> Found:
    """The numbers of every network's maps, and of the floors.

    Args:
        subjects: the networks, with the layers of their maps.
        truth: the pictures.
        places: of the pictures to look at, ascending.
        methods: of ``METHODS``; Random-CAM comes along.
        target: what the maps are about, as typed.
        track: wraps the loop, for a progress bar.
        blocks: in which the work is done, where it is shared or gone on with.

    Raises:
        RgavizError: an unknown target, or not one picture could be read.
        Elsewhere: this is one of several processes, and another one has the answer.
    """
    targets = [_target(subject, target, [truth.shows[place] for place in places]) for subject in subjects]
    what = _Asked(subjects, truth, places, list(dict.fromkeys([*methods, RANDOM])), target, targets)
    found, plain = joined((blocks or Blocks(len(places))).each(partial(_blocks, what, track)))
    kept: list[int] = [place for each in plain for place in each["kept"]]
    failures = [line for each in plain for line in each["failures"]]
    if not kept:
        raise PictureError(first_of(failures))
    numbers = {kind: _of(Located, own) for kind, own in found.items()}
    outlined = {kind: _of(Overlaps, own) for kind, own in found.items()}
    names = [truth.names[place] for place in kept]
    return Found(names, numbers, outlined, failures, _people(truth, kept))


class _Asked(NamedTuple):
    """What is asked of all pictures."""

    subjects: Sequence[Subject]
    truth: Truth
    places: Sequence[int]
    methods: Sequence[str]
    target: str | None
    targets: Sequence[Target]


def _blocks(what: _Asked, track: Track, groups: Sequence[range]) -> Iterator[Block]:
    """The numbers of some blocks of pictures; of each also the places of those that were read, and the failures."""
    subjects, target = what.subjects, what.target
    for group in track(groups, total=len(groups), description="locating"):
        failures: list[str] = []
        kept: list[int] = []
        parts: dict[Kind, list[tuple[Located, Overlaps]]] = defaultdict(list)
        for batch in batches(_read([what.places[each] for each in group], what.truth, subjects, failures)):
            kept += [each.place for each in batch]
            maps: dict[Kind, np.ndarray] = {}
            for subject, settled in zip(subjects, what.targets, strict=True):
                if target == LABEL:
                    settled = _target(subject, target, [what.truth.shows[each.place] for each in batch])
                inputs = torch.stack([each.inputs[subject.id] for each in batch])
                maps |= _maps(subject, subject.explain(inputs, what.methods, settled), target)
            for row, each in enumerate(batch):
                own = {kind: values[row] for kind, values in maps.items()}
                for kind, found in _measured(own, each.marked):
                    parts[kind].append(found)
        numbers = {kind: _joined(found) for kind, found in parts.items()}
        yield packed(numbers, {"kept": kept, "failures": failures})


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


def _joined(found: Sequence[tuple[Located, Overlaps]]) -> Numbers:
    """The numbers of several pictures by their names."""
    return {
        each.name: np.concatenate([getattr(both[place], each.name) for both in found])
        for place, kind in enumerate((Located, Overlaps))
        for each in fields(kind)
    }


Part = TypeVar("Part", Located, Overlaps)


def _of(kind: type[Part], numbers: Numbers) -> Part:
    return kind(*(numbers[each.name] for each in fields(kind)))


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

"""The masks of networks over the pictures of a data set, in one pass: kept are moments, a few for each class."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import NamedTuple

import cv2
import numpy as np
import torch

from rgaviz.ahead import ahead
from rgaviz.analysis.blocks import BLOCK, Block, Blocks
from rgaviz.analysis.grouped import Grouped, size_of
from rgaviz.analysis.loading import BATCH, batches
from rgaviz.analysis.subject import Subject, naming
from rgaviz.errors import PictureError, first_of
from rgaviz.explain.moments import Moments, merged
from rgaviz.explain.statistics import MaskNumbers, mask_numbers
from rgaviz.pngs import WORKERS
from rgaviz.progress import Track, silent

LARGEST_MEAN = 96  # pixels of the longest side of a mean picture: of a thousand classes there are as many

Key = tuple[str, str]  # network, mask


class Looked(NamedTuple):
    """A picture while its batch is looked at."""

    place: int  # of its group, -1 for none
    shown: np.ndarray  # (h, w, 3) uint8
    inputs: dict[str, torch.Tensor]  # network -> (3, H, W), normalised

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """(H, W) at which each network sees it."""
        return [tuple(each.shape[1:]) for each in self.inputs.values()]


@dataclass
class Tally:
    """What a mask does over the pictures of a group.

    Attributes:
        values: of the mask, (C,) or (h, w).
        dead: of channels alone, the share of values below 0.05.
        saturated: likewise, above 0.95.
        numbers: the moments of each number of a mask over the pictures that have it.
    """

    values: Moments
    dead: Moments
    saturated: Moments
    numbers: dict[str, Moments] = field(default_factory=lambda: defaultdict(Moments))

    @classmethod
    def of(cls, shape: Sequence[int]) -> Tally:
        """An empty one of masks of that shape."""
        own = shape if len(shape) == 1 else ()
        return cls(Moments(shape), Moments(own), Moments(own))

    def add(self, found: MaskNumbers) -> None:
        """Take in the masks of some pictures."""
        self.values.add(found.values)
        if found.values.ndim == 2:  # of channels
            self.dead.add(found.dead)
            self.saturated.add(found.saturated)
        for name, each in found.numbers.items():
            self.numbers[name].add(each[~np.isnan(each)])


def together(tallies: Sequence[Tally]) -> Tally:
    """What the mask does over the pictures of all groups."""
    shape = tallies[0].values.mean.shape
    whole = Tally.of(shape)
    whole.values = merged((each.values for each in tallies), shape)
    whole.dead, whole.saturated = (
        merged((getattr(each, name) for each in tallies), getattr(whole, name).mean.shape)
        for name in ("dead", "saturated")
    )
    for name in dict.fromkeys(name for each in tallies for name in each.numbers):
        whole.numbers[name] = merged(each.numbers[name] for each in tallies if name in each.numbers)
    return whole


@dataclass
class Gathered:
    """What came of all pictures.

    Attributes:
        groups: names.
        counts: of pictures of each group, and last of those of none, (K + 1,).
        tallies: of each network and mask those of each group, and last those of no group.
        pictures: the sum of each group's pictures, likewise, float32 (h, w, 3).
        unsound: how many masks of each kind are not finite, and left out.
        resized: kinds of masks that are not of one size in all pictures.
        failures: a line for each picture that was left out.
    """

    groups: Sequence[str]
    counts: np.ndarray
    tallies: dict[Key, list[Tally]] = field(default_factory=dict)
    pictures: list[np.ndarray] = field(default_factory=list)
    unsound: Counter[Key] = field(default_factory=Counter)
    resized: set[Key] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def mean_picture(self, group: int | None) -> np.ndarray:
        """The mean of a group's pictures, RGB uint8 (h, w, 3), grey where there are none; of all for None."""
        count = self.counts.sum() if group is None else self.counts[group]
        total = np.sum(self.pictures, 0) if group is None else self.pictures[group]
        mean = total / count if count else np.full_like(total, 128)
        return np.rint(mean).astype(np.uint8)


def gather(
    subjects: Sequence[Subject],
    pictures: Grouped,
    chosen: Sequence[int],
    *,
    threshold: float,
    track: Track = silent,
    blocks: Blocks | None = None,
) -> Gathered:
    """Look at every picture once, with all networks.

    Args:
        subjects: the networks, with the layers of their masks.
        pictures: a data set.
        chosen: numbers of the pictures to look at.
        threshold: above which a position counts to the area that is attended to.
        track: wraps the loop, for a progress bar.
        blocks: in which the work is done, where it is shared or gone on with.

    Raises:
        PictureError: not one picture could be read.
        Elsewhere: this is one of several processes, and another one has the answer.
    """
    found = Gathered(pictures.groups, np.zeros(len(pictures.groups) + 1, np.int64))
    work = partial(_blocks, subjects, pictures, chosen, threshold, track)
    for block in (blocks or Blocks(len(chosen))).each(work):
        found.failures += block.plain["failures"]
        for seen in _unpacked(block):
            for key, each in seen.masks.items():
                _add(found, key, each, seen.places)
            _add_pictures(found, seen)
            np.add.at(found.counts, seen.places, 1)
    if not found.counts.sum():
        raise PictureError(first_of(found.failures))
    return found


class Seen(NamedTuple):
    """What is kept of a batch until it is added.

    Attributes:
        places: of each picture's group (b,), -1, the last one, for none.
        shown: the pictures, (h, w, 3) uint8 each.
        masks: the numbers of each network's masks.
    """

    places: np.ndarray
    shown: Sequence[np.ndarray]
    masks: dict[Key, MaskNumbers]


def _blocks(
    subjects: Sequence[Subject],
    pictures: Grouped,
    chosen: Sequence[int],
    threshold: float,
    track: Track,
    groups: Sequence[range],
) -> Iterator[Block]:
    """The batches of some blocks of pictures, and a line in ``failures`` for each that cannot be read."""
    places = [place for group in groups for place in group]
    looked = _read(subjects, pictures, chosen, track(places, total=len(places), description="looking"))
    for _, group in groupby(looked, key=lambda pair: pair[0] // BLOCK):
        both = [each for _, each in group]
        failures = [str(each) for each in both if isinstance(each, PictureError)]
        read = [each for each in both if not isinstance(each, PictureError)]
        yield _packed([_seen(subjects, batch, threshold) for batch in batches(read)], failures)


def _seen(subjects: Sequence[Subject], batch: Sequence[Looked], threshold: float) -> Seen:
    """Show a batch to all networks."""
    masks: dict[Key, MaskNumbers] = {}
    for subject in subjects:
        inputs = torch.stack([each.inputs[subject.id] for each in batch])
        with naming(subject):
            found = mask_numbers(subject.explain(inputs).masks, threshold)
        masks |= {(subject.id, name): each for name, each in found.items()}
    return Seen(np.array([each.place for each in batch]), [each.shown for each in batch], masks)


OWN = ("values", "dead", "saturated")  # arrays of MaskNumbers


def _packed(batches: Sequence[Seen], failures: Sequence[str]) -> Block:
    arrays: dict[str, np.ndarray] = {}
    for number, each in enumerate(batches):
        arrays[f"{number}-places"] = each.places
        arrays |= {f"{number}-shown-{row}": picture for row, picture in enumerate(each.shown)}
        for place, mask in enumerate(each.masks.values()):
            own = {**{name: getattr(mask, name) for name in OWN}, **mask.numbers}
            arrays |= {f"{number}-mask-{place}-{name}": values for name, values in own.items()}
    named = [[[*key, list(mask.numbers)] for key, mask in each.masks.items()] for each in batches]
    return Block(arrays, {"masks": named, "failures": list(failures)})


def _unpacked(block: Block) -> Iterator[Seen]:
    for number, named in enumerate(block.plain["masks"]):
        places = block.arrays[f"{number}-places"]
        shown = [block.arrays[f"{number}-shown-{row}"] for row in range(len(places))]
        masks = {}
        for place, (network, mask, names) in enumerate(named):
            own = {name: block.arrays[f"{number}-mask-{place}-{name}"] for name in (*OWN, *names)}
            masks[network, mask] = MaskNumbers(
                *(own[name] for name in OWN), numbers={name: own[name] for name in names}
            )
        yield Seen(places, shown, masks)


def _read(
    subjects: Sequence[Subject], pictures: Grouped, chosen: Sequence[int], places: Iterable[int]
) -> Iterator[tuple[int, Looked | PictureError]]:
    """The pictures at some places of the chosen ones, a batch ahead, or why one cannot be read."""

    def load(place: int) -> tuple[int, Looked | PictureError]:
        try:
            seen = pictures.read(chosen[place])
        except PictureError as error:
            return place, error
        inputs = {each.id: each.checkpoint.inputs([seen[size_of(each)]])[0] for each in subjects}
        group = int(pictures.places[chosen[place]])
        return place, Looked(group, _small(next(iter(seen.values()))), inputs)

    with closing(ahead(load, places, WORKERS, BATCH)) as loaded:
        yield from loaded


def _small(picture: np.ndarray) -> np.ndarray:
    """A picture with ``LARGEST_MEAN`` pixels a side at most."""
    scale = LARGEST_MEAN / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _add(found: Gathered, key: Key, numbers: MaskNumbers, places: np.ndarray) -> None:
    """Take in the masks of a batch."""
    if key not in found.tallies:
        shape = numbers.values.shape[1:]
        found.tallies[key] = [Tally.of(shape) for _ in found.counts]
    tallies = found.tallies[key]
    shape = tallies[0].values.mean.shape
    if numbers.values.shape[1:] != shape:
        found.resized.add(key)
        numbers = _resized(numbers, shape)
    sound = np.isfinite(numbers.values.reshape(len(places), -1)).all(1)  # (b,)
    found.unsound[key] += int((~sound).sum())
    for place in np.unique(places[sound]):
        tallies[place].add(numbers.rows(sound & (places == place)))


def _resized(numbers: MaskNumbers, shape: Sequence[int]) -> MaskNumbers:
    """Masks over positions at the size of the first ones; what was counted stays as it was."""
    values = np.stack([cv2.resize(each, (shape[1], shape[0])) for each in numbers.values])
    return MaskNumbers(values, numbers.dead, numbers.saturated, numbers.numbers)


def _add_pictures(found: Gathered, seen: Seen) -> None:
    if not found.pictures:
        found.pictures = [np.zeros(seen.shown[0].shape, np.float32) for _ in found.counts]
    height, width = found.pictures[0].shape[:2]
    for place, picture in zip(seen.places, seen.shown, strict=True):
        found.pictures[place] += cv2.resize(picture, (width, height))

"""What becomes of each network's score when pictures are changed as its maps say: batch by batch.

Only the numbers are kept: of each picture and map its curves and a few others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from rgaviz.analysis.blocks import Block, Blocks
from rgaviz.analysis.loading import Loaded, batches, having
from rgaviz.analysis.locating import RANDOM
from rgaviz.analysis.numbers import Kind, Numbers, joined, packed
from rgaviz.analysis.request import cam_names, cam_scores
from rgaviz.analysis.sample import Sample
from rgaviz.analysis.subject import Subject, naming
from rgaviz.errors import PictureError, RgavizError, first_of
from rgaviz.explain import faithfulness
from rgaviz.explain.cam import Explanation
from rgaviz.explain.faithfulness import LARGEST, Scores, has_order
from rgaviz.explain.imputation import NOISE
from rgaviz.explain.lending import lent
from rgaviz.explain.making import settled
from rgaviz.explain.masks import kept_masks
from rgaviz.explain.sensitivity import max_sensitivity, with_noise
from rgaviz.explain.targets import PlacedTarget, Target
from rgaviz.progress import Track, silent
from rgaviz.tasks import Confidence
from rgaviz.tasks.task import LABEL, asked

ORDER = "random"  # the floor that is a random order of the pixels
SEED = 0  # of all that is drawn, beside the picture's place: no number depends on the other pictures
ROAD = ("road_most", "road_least")


@dataclass(frozen=True)
class Asked:
    """What is measured.

    Attributes:
        methods: of ``METHODS``; Random-CAM comes along.
        target: what the maps are about, as typed.
        measures: of ``rgaviz.analysis.faithful.MEASURES``.
        steps: of deletion and insertion.
    """

    methods: Sequence[str]
    target: str | None
    measures: Sequence[str]
    steps: int


@dataclass(frozen=True)
class Found:
    """What came of all pictures.

    Attributes:
        names: of the n pictures that could be read.
        numbers: of each kind of map ``deletion`` and ``insertion`` (n, S + 1), ``road_most`` and ``road_least`` (n, 9),
            ``drop``, ``increase`` and ``sensitivity`` (n,), as far as asked for; NaN where there is no such number. Of
            each ``score`` (n,) of the picture as it is and ``ordered`` (n,), whether the map says anything.
        score: what the score is, in words.
        rises: whether it can be greater than for the picture as it is.
        failures: a line for each picture that was left out.
        people: who each of the n shows, (n,), where that is known of all.
        too_large: how many pictures have too many pixels for ROAD.
    """

    names: list[str]
    numbers: dict[Kind, Numbers]
    score: str
    rises: bool
    failures: list[str]
    people: np.ndarray | None
    too_large: int


def perturb(
    subjects: Sequence[Subject],
    sample: Sample,
    places: Sequence[int],
    what: Asked,
    track: Track = silent,
    blocks: Blocks | None = None,
) -> Found:
    """The numbers of every network's maps, and of the floors.

    Args:
        subjects: the networks, with the layers of their maps.
        sample: the pictures.
        places: of the pictures to measure on, ascending.
        what: to measure.
        track: wraps the loop, for a progress bar.
        blocks: in which the work is done, where it is shared or gone on with.

    Raises:
        Elsewhere: this is one of several processes, and another one has the answer.
        RgavizError: an unknown target, one that has no confidence or several scores, or no picture could be read.
    """
    targets = [
        _target(subject, what.target, [sample.shows[place] for place in places]) for subject in subjects
    ]
    work = partial(_blocks, subjects, sample, places, what, targets, track)
    numbers, plain = joined((blocks or Blocks(len(places))).each(work))
    kept: list[int] = [place for each in plain for place in each["kept"]]
    failures = [line for each in plain for line in each["failures"]]
    sure = next((each["score"] for each in plain if each["score"]), None)
    if sure is None:
        raise PictureError(first_of(failures))
    names, too_large = [sample.names[place] for place in kept], sum(each["too_large"] for each in plain)
    title, rises = sure
    return Found(names, numbers, title, rises, failures, sample.who(kept), too_large)


def _blocks(
    subjects: Sequence[Subject],
    sample: Sample,
    places: Sequence[int],
    what: Asked,
    targets: Sequence[Target],
    track: Track,
    groups: Sequence[range],
) -> Iterator[Block]:
    """The numbers of some blocks of pictures; of each also the places of those that were read, and the failures."""
    where = next((each for each in targets if isinstance(each, PlacedTarget)), None)
    for group in track(groups, total=len(groups), description="perturbing"):
        failures: list[str] = []
        kept: list[int] = []
        rows: dict[Kind, list[Numbers]] = defaultdict(list)
        sure: Confidence | None = None
        too_large = 0
        own = [places[each] for each in group]
        read = sample.read(own, subjects, failures, where is not None and where.exact)
        for batch in batches(having(where, read, failures)):
            kept += [each.number for each in batch]
            too_large += sum(max(h * w for h, w in each.sizes) > LARGEST for each in batch)
            for subject, target in zip(subjects, targets, strict=True):
                if what.target == LABEL:
                    target = _target(subject, LABEL, [sample.shows[each.number] for each in batch])
                if isinstance(target, PlacedTarget):
                    target = target.placed([each.size for each in batch])
                with naming(subject):
                    sure = _batch(subject, batch, target, what, rows)
        numbers = {
            kind: {name: np.stack([row[name] for row in each]) for name in each[0]}
            for kind, each in rows.items()
        }
        score = None if sure is None else [sure.title, sure.rises]
        yield packed(numbers, {"kept": kept, "failures": failures, "score": score, "too_large": too_large})


def _target(subject: Subject, target: str | None, shows: Sequence[str | None]) -> Target:
    """What a network's maps are about, of these pictures: one score."""
    checkpoint = subject.checkpoint
    scores = cam_scores(subject, target)
    with naming(subject):
        if len(scores) > 1:
            named = asked(checkpoint.task, target)
            raise RgavizError(
                f"--target {named} has {len(scores)} scores, and one is measured; choose another."
            )
        if target != LABEL:
            return checkpoint.target(target)
        return checkpoint.task.labelled(shows, checkpoint.classes)


def _batch(
    subject: Subject, batch: Sequence[Loaded], target: Target, what: Asked, rows: dict[Kind, list[Numbers]]
) -> Confidence:
    """Add the numbers of a batch by a network to the rows; what its score is."""
    checkpoint, model = subject.checkpoint, subject.checkpoint.model
    images = torch.stack([each.inputs[subject.id] for each in batch])
    images = images.to(next(model.parameters()).device)
    methods = list(dict.fromkeys([*what.methods, RANDOM]))
    found = subject.explain(images, methods, target)
    maps = maps_of(subject, found, what.target)
    sensitive: Mapping[Kind, np.ndarray] = {}
    if "sensitivity" in what.measures:
        same = settled(target, found.output)
        noisy = with_noise(images, partial(_uniform, batch, images.shape[1:]))
        again = (maps_of(subject, subject.explain(each, methods, same), what.target) for each in noisy)
        sensitive = max_sensitivity(maps, again)
    forward = checkpoint.scored()
    with lent(model), torch.no_grad():
        for row, (loaded, own) in enumerate(zip(batch, target.settled(found.output), strict=True)):
            sure = checkpoint.task.confidence(own, found.output[row : row + 1])
            scores = partial(_scores, forward, sure)
            (whole,) = faithfulness.asked([images[row]], scores)
            picture = _Picture(images[row], loaded.number, whole, sure.rises, scores)
            for kind, values in picture.with_random(subject, maps, row).items():
                numbers = picture.numbers(values, what)
                if "sensitivity" in what.measures:
                    numbers["sensitivity"] = sensitive[kind][row] if kind in sensitive else np.array(np.nan)
                rows[kind].append(numbers)
    return sure


def _scores(forward: Callable[[Tensor], Tensor], confidence: Confidence, variants: Tensor) -> Tensor:
    """The score (b,) of variants (b, C, H, W) of a picture."""
    return confidence.scores(forward(variants)).float()


def _uniform(batch: Sequence[Loaded], size: Sequence[int], number: int) -> Tensor:
    """Noise (B, C, H, W) in -1 to 1: of each picture its own, the same for every network that sees it at one size."""
    drawn = [np.random.default_rng((SEED, each.number, number)).uniform(-1, 1, size) for each in batch]
    return torch.from_numpy(np.stack(drawn).astype(np.float32))


def maps_of(subject: Subject, found: Explanation, target: str | None) -> dict[Kind, np.ndarray]:
    """A network's maps (B, h, w): class activation maps, Random-CAM as a floor, and masks over positions."""
    maps = {}
    for method, values in found.cams.items():
        (name,) = cam_names(method, cam_scores(subject, target))
        maps[Kind("floor" if method == RANDOM else "cam", name, subject.id)] = values[:, 0]
    masks = [kept_masks(found.masks, row) for row in range(len(found.output))]
    names = [name for name, values in masks[0].items() if values.ndim == 2]
    return maps | {Kind("mask", name, subject.id): np.stack([each[name] for each in masks]) for name in names}


@dataclass(frozen=True)
class _Picture:
    """A picture as a network sees it, (C, H, W), its place, its score, whether that can rise, and its variants'."""

    image: Tensor
    place: int
    whole: np.ndarray
    rises: bool
    scores: Scores

    def with_random(
        self, subject: Subject, maps: Mapping[Kind, np.ndarray], row: int
    ) -> dict[Kind, np.ndarray]:
        """The maps of this picture, (h, w) each, and one in which every pixel has a rank by chance."""
        height, width = self.image.shape[1:]
        chance = np.random.default_rng((SEED, self.place)).permutation(height * width).reshape(height, width)
        own = {kind: values[row] for kind, values in maps.items()}
        return {**own, Kind("floor", ORDER, subject.id): chance.astype(np.float32)}

    def numbers(self, values: np.ndarray, what: Asked) -> Numbers:
        """What is measured of a map (h, w), but its sensitivity."""
        ordered = has_order(values)
        found: Numbers = {"score": self.whole, "ordered": np.array(ordered)}
        curves = {
            **dict.fromkeys(("deletion", "insertion"), what.steps + 1),
            "road": len(faithfulness.PERCENT),
        }
        draw = np.random.default_rng((SEED, self.place, 1))  # alike for all maps
        places = faithfulness.ranks(values, self.image.shape[1:], draw) if ordered else None
        for name in (name for name in curves if name in what.measures):
            if places is not None and (name != "road" or places.size <= LARGEST):
                found |= self._curves(name, places, what.steps, draw)
            else:
                found |= _unknown(name, curves[name])
        if {"drop", "increase"} & set(what.measures):
            seen = (
                faithfulness.asked([faithfulness.under(self.image, values)], self.scores)[0]
                if ordered
                else np.nan
            )
            found["drop"] = faithfulness.drop(self.whole, seen)
            found["increase"] = faithfulness.increase(self.whole, seen if self.rises else np.nan)
        return found

    def _curves(self, name: str, places: np.ndarray, steps: int, draw: np.random.Generator) -> Numbers:
        """The curve or curves of a measure."""
        if name == "road":
            noise = NOISE * draw.standard_normal(self.image.shape, np.float32)
            values = faithfulness.road(
                self.image, places, self.scores, torch.from_numpy(noise).to(self.image)
            )
            return dict(zip(ROAD, values, strict=True))
        curve = faithfulness.deletion if name == "deletion" else faithfulness.insertion
        return {name: curve(self.image, places, self.scores, steps)}


def _unknown(name: str, length: int) -> Numbers:
    """The same of a map that says nothing."""
    return {each: np.full(length, np.nan) for each in (ROAD if name == "road" else (name,))}

"""How alike maps stay while what a network has learnt is taken from it, part by part: in batches, maps are not kept.

Of the trained network alone they are, at their own resolution, to be compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rgaviz.analysis.loading import BATCH, PIXELS
from rgaviz.analysis.numbers import Kind
from rgaviz.analysis.request import cam_names, cam_scores
from rgaviz.analysis.subject import Subject, naming
from rgaviz.checkpoint import Checkpoint
from rgaviz.data.batches import normalise
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.splits import Split
from rgaviz.errors import RgavizError
from rgaviz.explain.cam import Explanation
from rgaviz.explain.lending import lent
from rgaviz.explain.likeness import OF_CHANNELS, rank_correlation, structural_similarity
from rgaviz.explain.making import settled
from rgaviz.explain.masks import kept_masks
from rgaviz.explain.randomized import parts_of, randomized
from rgaviz.explain.targets import Target
from rgaviz.progress import Track, silent

CASCADE, SINGLE = "cascade", "single"  # from the head down, and each part alone
LABELS, OTHERS = "labels", "others"  # a network that learnt random labels; the map of another picture


class Level(NamedTuple):
    """What a map is compared with: ``order``, the number of the part from the head down, and its name."""

    order: str
    step: int
    part: str


class Asked(NamedTuple):
    """What maps of a batch are about, and what they were of the trained network."""

    target: Target
    maps: dict[Kind, np.ndarray]  # (B, h, w) or (B, C)
    size: tuple[int, int]  # of the pictures


@dataclass(frozen=True)
class Alike:
    """What came of a network.

    Attributes:
        values: map, level and measure -> of each picture (n,), NaN where one of both maps says nothing.
        parts: from the head down.
    """

    values: dict[tuple[Kind, Level, str], np.ndarray]
    parts: list[str]


def batches_of(split: Split, checkpoint: Checkpoint) -> Iterator[Tensor]:
    """Normalised pictures (B, 3, H, W) on the CPU, of one size each, read anew at every call."""
    if isinstance(split, SceneSplit):
        waiting: list[Tensor] = []
        for scene in split.whole(range(len(split))):
            picture = torch.from_numpy(scene.picture)[None]  # (1, H, W, 3)
            room = max(1, PIXELS // (picture.shape[1] * picture.shape[2]))
            if waiting and (picture.shape != waiting[0].shape or len(waiting) >= min(BATCH, room)):
                yield normalise(torch.cat(waiting), checkpoint.mean, checkpoint.std)
                waiting = []
            waiting.append(picture)
        if waiting:
            yield normalise(torch.cat(waiting), checkpoint.mean, checkpoint.std)
        return
    groups = np.array_split(np.arange(len(split)), -(-len(split) // BATCH))  # none is of a single picture
    for images in split.select([torch.from_numpy(group) for group in groups]):
        yield normalise(images, checkpoint.mean, checkpoint.std)


def randomize(
    subject: Subject,
    split: Split,
    methods: Sequence[str],
    target: str | None = None,
    unlearnt: Subject | None = None,
    track: Track = silent,
) -> Alike:
    """Compare the maps of a trained network with those it has with weights drawn anew; it is given back unchanged.

    All maps are about what the trained network's are about: of a classifier its prediction, whatever the other says.

    Args:
        subject: the network, with the layers of its maps.
        split: pictures, two at least.
        methods: of ``METHODS``.
        target: what the maps are about, as typed.
        unlearnt: a network that was trained on random labels, with the same layers.
        track: wraps the loop over the levels, for a progress bar.

    Raises:
        RgavizError: as :func:`rgaviz.explain.cam.explain`, or maps of the unlearnt network that have other sizes.
    """
    checkpoint, model = subject.checkpoint, subject.checkpoint.model
    device = next(model.parameters()).device
    with naming(subject):
        typed = checkpoint.target(target)
        parts = parts_of(model, checkpoint.image_size)
    asked: list[Asked] = []
    for inputs in batches_of(split, checkpoint):
        found = subject.explain(inputs, methods, typed)
        asked.append(
            Asked(
                settled(typed, found.output.to(device)),
                _maps(subject, found, target),
                (inputs.shape[2], inputs.shape[3]),
            )
        )
    values: dict[tuple[Kind, Level, str], list[np.ndarray]] = defaultdict(list)

    def compare(level: Level, maps: Sequence[dict[Kind, np.ndarray]]) -> None:
        for own, other in zip(asked, maps, strict=True):
            for key, alike in _alike(own.maps, other, own.size).items():
                values[key[0], level, key[1]].append(alike)

    def maps_by(network: Subject) -> list[dict[Kind, np.ndarray]]:
        pairs = zip(asked, batches_of(split, network.checkpoint), strict=True)
        return [
            _maps(subject, network.explain(inputs, methods, each.target), target) for each, inputs in pairs
        ]

    def see() -> None:
        for inputs in batches_of(split, checkpoint):
            model(inputs.to(device))

    levels = [
        Level(order, step, part) for order in (CASCADE, SINGLE) for step, part in enumerate(parts, start=1)
    ]
    for level in track(levels, total=len(levels), description=subject.id):
        changed = parts[: level.step] if level.order == CASCADE else [level.part]
        with lent(model), randomized(model, changed, see):
            compare(level, maps_by(subject))
    compare(
        Level(OTHERS, 0, ""),
        [_of_others(own.maps) for own in asked],
    )
    if unlearnt is not None:
        compare(Level(LABELS, 0, ""), maps_by(unlearnt))
    return Alike({key: np.concatenate(each) for key, each in values.items()}, parts)


def _maps(subject: Subject, found: Explanation, target: str | None) -> dict[Kind, np.ndarray]:
    """Maps (B, h, w) and masks, those of channels (B, C), under this network's name."""
    maps: dict[Kind, np.ndarray] = {}
    for method, each in found.cams.items():
        names = cam_names(method, cam_scores(subject, target))
        maps |= {Kind("cam", name, subject.id): each[:, score] for score, name in enumerate(names)}
    rows = [kept_masks(found.masks, row) for row in range(len(found.output))]
    return maps | {Kind("mask", name, subject.id): np.stack([row[name] for row in rows]) for name in rows[0]}


def _of_others(maps: dict[Kind, np.ndarray]) -> dict[Kind, np.ndarray]:
    """For each picture of a batch the map of another one; of one alone there is none."""
    return {
        kind: np.roll(each, 1, 0) if len(each) > 1 else np.full_like(each, np.nan)
        for kind, each in maps.items()
    }


def _alike(
    maps: dict[Kind, np.ndarray], others: dict[Kind, np.ndarray], size: tuple[int, int]
) -> dict[tuple[Kind, str], np.ndarray]:
    """Of each map and measure (B,)."""
    found: dict[tuple[Kind, str], np.ndarray] = {}
    for kind, own in maps.items():
        other = others.get(kind)
        if other is None or other.shape != own.shape:
            raise RgavizError(
                f"{kind.name} is not in the network of random labels, or has other sizes: give one that is built alike."
            )
        found[kind, OF_CHANNELS] = rank_correlation(own, other)
        if own.ndim == 3:
            found[kind, "ssim"] = structural_similarity(own, other, size)
    return found

"""How networks measure when their masks are replaced: the whole data set once for each replacement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from rgaviz.analysis.subject import Subject, naming
from rgaviz.data.splits import Dataset, Split, reordered
from rgaviz.devices import memory_told
from rgaviz.ends import OneOutput
from rgaviz.errors import RgavizError, lookup
from rgaviz.explain.ablation import WAYS, ablated, changed_by, seen
from rgaviz.explain.gates import gates
from rgaviz.explain.lending import lent
from rgaviz.explain.sources import mask_kind
from rgaviz.progress import Say, Track, silent
from rgaviz.tasks import How, Task
from rgaviz.tasks.evidence import Evidence

SEED = 0  # of the order of the pictures, and of those drawn
ALL = "all"
INTACT = "intact"


class Ablation(NamedTuple):
    """What is replaced: the masks ``mask`` stands for, and how, a key of ``WAYS``."""

    mask: str
    way: str


@dataclass(frozen=True)
class Ablated:
    """What came of a network.

    Attributes:
        network: its name.
        intact: as it was trained.
        found: with masks replaced, of the same pictures in the same order.
    """

    network: str
    intact: Evidence
    found: dict[Ablation, Evidence]


def groups_of(model: nn.Module, layers: Sequence[str]) -> dict[str, dict[str, nn.Module]]:
    """The masks that are replaced together: those of a layer and a kind, of a layer, and all; the same ones once."""
    by_layer = {layer: gates(model, layer) for layer in layers}
    found: dict[str, dict[str, nn.Module]] = {}
    for layer, own in by_layer.items():
        kinds = list(dict.fromkeys(mask_kind(module) for module in own.values()))
        for kind in kinds:
            found[f"{layer}/{kind}"] = {key: each for key, each in own.items() if mask_kind(each) == kind}
        if len(kinds) > 1:
            found[layer] = own
    if len(by_layer) > 1:
        found[ALL] = dict(chain.from_iterable(own.items() for own in by_layer.values()))
    return found


def ablations_of(
    groups: Mapping[str, Mapping[str, nn.Module]], ways: Sequence[str]
) -> dict[Ablation, dict[str, nn.Module]]:
    """What is measured: each way of each group, but nothing twice, such as positions of a group with channels."""
    found: dict[Ablation, dict[str, nn.Module]] = {}
    for name, own in groups.items():
        for way in ways:
            changed = changed_by(way, own)
            if changed and not any(
                each.way == way and changed.keys() == other.keys() for each, other in found.items()
            ):
                found[Ablation(name, way)] = changed
    return found


def parts_of(images: Dataset, task: Task, count: int | None, say: Say) -> dict[str, Split]:
    """The parts that are measured, each in an order drawn with a fixed seed: neighbours are of any class.

    Args:
        images: the data set.
        task: of the network.
        count: so many of the first part, drawn; by default all.
        say: is told how many were drawn.
    """
    rng, parts = np.random.default_rng(SEED), {}
    for place, name in enumerate(task.tested):
        split = images.part(name)
        order = rng.permutation(len(split)).tolist()
        if place == 0 and count is not None and count < len(split):
            say(f"Note: {count} of {len(split)} pictures of {images.name}, {name}, drawn with seed {SEED}.")
            order = order[:count]
        parts[name] = reordered(split, order)
    return parts


def ablate(
    subject: Subject, parts: Mapping[str, Split], task: Task, ways: Sequence[str], track: Track = silent
) -> Ablated:
    """Measure a network as it is and with its masks replaced; it is given back unchanged.

    Args:
        subject: the network, with the layers of its masks; of one without only what it measures.
        parts: of :func:`parts_of`.
        task: that measures.
        ways: of ``WAYS``.
        track: wraps the loop over the replacements, for a progress bar.

    Raises:
        RgavizError: the task does not tell what single pictures add, or a mask that the network does not use.
    """
    checkpoint = subject.checkpoint
    model: Any = checkpoint.model
    network = model if checkpoint.output is None else OneOutput(model, checkpoint.output)
    device = next(model.parameters()).device
    how = How(checkpoint.classes, checkpoint.mean, checkpoint.std, device)
    there = {name: split.to(device) for name, split in parts.items()}
    wanted = ablations_of(groups_of(model, subject.mask_layers), ways)
    every = {key: module for own in wanted.values() for key, module in own.items()}

    def measured() -> Evidence:
        with memory_told("A picture of this data set", "measure smaller ones."):
            found = task.evaluate(network, there.__getitem__, how).evidence
        if found is None:
            raise RgavizError(
                f"A network for {task.name} is not measured picture by picture: choose one of another task."
            )
        return found

    with naming(subject), lent(model):
        steps = iter(track(_steps(wanted), total=1 + len(wanted), description=subject.id))
        next(steps)
        with seen(every) as known:
            intact = measured()
        for key, each in known.items():
            if not each.sums:
                raise RgavizError(f"{key} is not used: name other layers with --mask-layer.")
        found = {}
        for ablation in steps:
            with ablated(wanted[ablation], ablation.way, known):
                found[ablation] = measured()
    return Ablated(subject.id, intact, found)


def _steps(wanted: Mapping[Ablation, Any]) -> Iterator[Ablation | None]:
    yield None
    yield from wanted


def check_ways(ways: Sequence[str]) -> list[str]:
    """Ways to replace masks, each once.

    Raises:
        RgavizError: there is no such way, or none is named.
    """
    for way in ways:
        lookup(WAYS, way, "way to replace a mask")
    if not ways:
        raise RgavizError(f"There is nothing to replace masks by: choose of {', '.join(WAYS)}.")
    return list(dict.fromkeys(ways))

"""The other side of a target that compares pictures with one other picture: maps on that one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from rgaviz.analysis.captions import About
from rgaviz.analysis.request import Column, Request, cam_names, cam_scores
from rgaviz.analysis.subject import Subject
from rgaviz.data.find import find_pictures
from rgaviz.data.pictures import read_picture, shown_picture
from rgaviz.explain.cam import Explanation
from rgaviz.explain.masks import kept_masks
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import PairTarget, Target
from rgaviz.results.manifest import MapRef, Picture
from rgaviz.tasks import Told

OTHER = "other"  # its id in the results


class Seen(NamedTuple):
    """What one network finds in the other picture, for a batch of pictures."""

    found: Explanation  # of one image, with a score for each picture of the batch
    told: Told


@dataclass(frozen=True)
class Other:
    """The picture that all others are compared with.

    Attributes:
        entry: in the manifest.
        shown: RGB uint8 (H, W, 3), at the size shown.
        inputs: checkpoint id -> (3, H, W), normalised.
    """

    entry: Picture
    shown: np.ndarray
    inputs: dict[str, Tensor]

    def seen(self, subject: Subject, methods: Sequence[str], target: PairTarget, output: Tensor) -> Seen:
        """Explain it by one network.

        Args:
            subject: the network.
            methods: of ``METHODS``.
            target: of the network.
            output: of the network for the pictures of a batch (B, ...).
        """
        checkpoint = subject.checkpoint
        found = subject.explain(self.inputs[subject.id][None], methods, target.counterpart(output))
        return Seen(found, checkpoint.task.told(found.output, checkpoint.classes, [None])[0])


def other_picture(subjects: Sequence[Subject], targets: Mapping[str, Target]) -> Other | None:
    """The picture that the networks' targets compare with, if they do.

    Raises:
        PictureError: it cannot be read.
    """
    found = next((each for each in targets.values() if isinstance(each, PairTarget)), None)
    if found is None:
        return None
    array = read_picture(found.picture)
    shown = shown_picture(array)
    (named,) = find_pictures([Path(found.picture)])
    entry = Picture(id=OTHER, path=named.relative.as_posix(), size=list(shown.shape[:2]))
    return Other(entry, shown, {each.id: each.checkpoint.inputs([array])[0] for each in subjects})


def other_maps(
    request: Request, seen: Mapping[str, Seen], row: int, number: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, About]]:
    """The other picture's masks and its maps about a picture, by ``"checkpoint/name"``, and what these are about.

    Args:
        request: what to explain.
        seen: checkpoint id -> what it finds.
        row: of the picture in its batch.
        number: of the picture, in the names of its maps.
    """
    masks: dict[str, np.ndarray] = {}
    maps: dict[str, np.ndarray] = {}
    about: dict[str, About] = {}
    for subject in (each for each in request.subjects if each.id in seen):
        found = seen[subject.id].found
        masks |= {f"{subject.id}/{name}": values for name, values in kept_masks(found.masks, 0).items()}
        for method, values in found.cams.items():
            (name,) = cam_names(method, cam_scores(subject, request.target))
            key = f"{subject.id}/{_named(name, number)}"
            maps[key] = values[0, row]  # (1, B, h, w) -> (h, w)
            if not METHODS[method].classless:
                about[key] = About(found.about[0][row])
    return masks, maps, about


def other_column(column: Column, number: int) -> Column:
    """A column with the other picture's map about a picture in place of that picture's."""
    return replace(column, map=_ref(column.map, number), minus=_ref(column.minus, number))


def _ref(ref: MapRef | None, number: int) -> MapRef | None:
    if ref is None or ref.group != "cam":
        return ref
    return MapRef(checkpoint=ref.checkpoint, name=_named(ref.name, number), group=ref.group)


def _named(name: str, number: int) -> str:
    return f"{name}/of-{number}"

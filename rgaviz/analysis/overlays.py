"""The maps over the pictures of a ranking: where attention lies, or why two pictures are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from rgaviz.analysis.cam import cam_ref
from rgaviz.analysis.loading import BATCH
from rgaviz.analysis.masks import mask_columns
from rgaviz.analysis.subject import Subject, with_cam, with_masks
from rgaviz.errors import RgavizError
from rgaviz.explain.masks import kept_masks
from rgaviz.results.manifest import MapRef
from rgaviz.tasks.reid import ReIdentification, Similarity

NONE, MASK, CAM = OVERLAYS = ("none", "mask", "cam")
METHOD = "gradcam"


@dataclass(frozen=True)
class Overlay:
    """What lies over the pictures of a network.

    Attributes:
        subject: the network, with its layer.
        task: how pictures are compared.
        map: which map it is; None for none.
    """

    subject: Subject
    task: ReIdentification
    map: MapRef | None = None

    def maps(self, pictures: Sequence[np.ndarray], other: Tensor | None = None) -> list[np.ndarray]:
        """A map (h, w) for each picture.

        Args:
            pictures: at the network's size, (H, W, 3) uint8.
            other: the embedding (C,) whose cosine with each picture's own a class activation map is about; masks
                need none.
        """
        if self.map is None:
            return []
        found: list[np.ndarray] = []
        for start in range(0, len(pictures), BATCH):
            inputs = self.subject.checkpoint.inputs(list(pictures[start : start + BATCH]))
            found += self._masks(self.map, inputs) if other is None else self._cams(inputs, other)
        return found

    def _masks(self, ref: MapRef, inputs: Tensor) -> list[np.ndarray]:
        """(h, w) of each picture."""
        told = self.subject.explain(inputs).masks
        return [kept_masks(told, row)[ref.name] for row in range(len(inputs))]

    def _cams(self, inputs: Tensor, other: Tensor) -> list[np.ndarray]:
        """(h, w) of each picture."""
        scored = self.task.scored(self.subject.checkpoint.model)
        told = self.subject.explain(inputs, (METHOD,), Similarity(other[None]), scored=scored)
        return [*told.cams[METHOD][:, 0]]  # (b, 1, h, w) -> (b, h, w)


def overlays_of(subjects: Sequence[Subject], task: ReIdentification, overlay: str) -> list[Overlay]:
    """What lies over the pictures of each network.

    Raises:
        RgavizError: masks, where no network has one over positions.
    """
    if overlay == CAM:
        shown = [with_cam(subject, None) for subject in subjects]
        return [Overlay(subject, task, cam_ref(subject, METHOD)) for subject in shown]
    if overlay == NONE:
        return [Overlay(subject, task) for subject in subjects]
    found = []
    for subject in (with_masks(subject, None) for subject in subjects):
        columns = mask_columns(subject, ("spatial",))
        found.append(Overlay(subject, task, columns[-1].map if columns else None))
    if all(each.map is None for each in found):
        raise RgavizError(
            "--overlay mask: none of these networks has a spatial mask; add one that has, or take --overlay cam."
        )
    return found

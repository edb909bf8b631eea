"""Pictures explained by networks, in blocks: one batch in, what is written of each picture out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch

from rgaviz.analysis.blocks import BLOCK, Block
from rgaviz.analysis.boxes import boxes_of, pixels_of
from rgaviz.analysis.captions import NOWHERE, About, panel
from rgaviz.analysis.counterpart import Other, Seen, other_column, other_maps
from rgaviz.analysis.loading import Loaded, batches, having, read_each, readable
from rgaviz.analysis.pixels import Palette, dense_ones, label_maps
from rgaviz.analysis.records import Record, Shown, packed
from rgaviz.analysis.request import Request, cam_names, cam_scores
from rgaviz.analysis.subject import Subject, naming
from rgaviz.analysis.truths import Truths
from rgaviz.data.find import PicturePath
from rgaviz.explain.cam import Explanation
from rgaviz.explain.masks import kept_masks
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import PairTarget, PlacedTarget, Target
from rgaviz.pngs import png_bytes
from rgaviz.progress import Track, silent
from rgaviz.results.manifest import Panel, Picture
from rgaviz.tasks import Told
from rgaviz.tasks.task import LABEL


@dataclass(frozen=True)
class Asked:
    """What is asked of some pictures, settled before any is read.

    Attributes:
        request: what to explain.
        pictures: all of them.
        labels: what each shows, if known.
        targets: checkpoint id -> what its maps are about.
        other: the picture that all are compared with, if they are.
        palette: of labels of pixels.
        truths: the true labels of pixels.
    """

    request: Request
    pictures: Sequence[PicturePath]
    labels: Sequence[str | None]
    targets: Mapping[str, Target]
    other: Other | None
    palette: Palette
    truths: Truths

    @property
    def where(self) -> PlacedTarget | None:
        """The place in a picture that the maps are about, if they are about one."""
        return next((each for each in self.targets.values() if isinstance(each, PlacedTarget)), None)


class Seeing(NamedTuple):
    """What all networks see in the pictures of a batch."""

    explained: list[Explanation]
    told: list[list[Told]]
    other: dict[str, Seen]


def explained(asked: Asked, places: Sequence[range], track: Track = silent) -> Iterator[Block]:
    """A block for each of some places: records of its pictures; notes are ``failures``, ``smaller`` and ``truth``."""
    subjects, where = asked.request.subjects, asked.where
    numbers = [number for place in places for number in place]
    numbered = track(
        [(number, asked.pictures[number]) for number in numbers], total=len(numbers), description="explaining"
    )
    full = asked.truths.files if where is None or not where.exact else range(len(asked.pictures))
    each = read_each(numbered, subjects, full, asked.request.window)
    for _, group in groupby(each, key=lambda pair: pair[0] // BLOCK):
        notes: dict[str, list[str]] = {"failures": [], "smaller": [], "truth": []}
        faults = len(asked.truths.faults)
        made: list[Record] = []
        loaded = readable(group, notes["failures"])
        for batch in batches(having(where, loaded, notes["failures"])):
            notes["smaller"] += [line for each in batch if (line := _scaled_down(each, subjects))]
            seeing = _see(asked, batch)
            begins = not made
            made += [
                _record(asked, each, row, seeing, first=begins and not row) for row, each in enumerate(batch)
            ]
        notes["truth"] = asked.truths.faults[faults:]
        del asked.truths.faults[faults:]
        yield packed(made, notes)


def _see(asked: Asked, batch: Sequence[Loaded]) -> Seeing:
    """Show a batch to every network."""
    request = asked.request
    both = [
        _explain(
            subject,
            [each.inputs[subject.id] for each in batch],
            [asked.labels[each.number] for each in batch],
            [each.size for each in batch],
            request,
            asked.targets.get(subject.id),
            keep=asked.other is not None,
        )
        for subject in request.subjects
    ]
    found, told = [each for each, _ in both], [each for _, each in both]
    return Seeing(found, told, _seen(asked.other, request, asked.targets, found))


def _record(asked: Asked, loaded: Loaded, row: int, seeing: Seeing, *, first: bool) -> Record:
    """All of one picture, which has a row of its batch; the first of its block brings the other picture along."""
    request, palette, truths, where = asked.request, asked.palette, asked.truths, asked.where
    number, picture, size, shown, _ = loaded
    told = {s.id: p[row] for s, p in zip(request.subjects, seeing.told, strict=True)}
    maps, about = _maps(request, row, seeing.explained)
    maps |= label_maps(palette, told, shown.shape[:2], truths.read(number, size), truths.name)
    entry = Picture(
        id=str(number),
        path=picture.relative.as_posix(),
        size=list(shown.shape[:2]),
        label=asked.labels[number],
    )
    boxes = boxes_of(request, maps, size)
    drawn = {"boxes": boxes, "places": NOWHERE if where is None else where.places(size)}
    rows = [[panel(column, entry, told, maps, about, **drawn) for column in request.columns]]
    written = [Shown(entry, png_bytes(shown), maps)]
    if asked.other is not None:
        others, its = _other(asked.other, request, seeing.other, row, entry, first=first)
        written += others
        rows.append(its)
    # Of each picture its labels would be too much.
    kept = {name: each._replace(labels=None) for name, each in told.items()}
    return Record(written, rows, kept, pixels_of(boxes, size) if boxes else {})


def _scaled_down(loaded: Loaded, subjects: Sequence[Subject]) -> str:
    """That a network labels a picture's pixels at another size than its own; "" where none does."""
    for subject in dense_ones(subjects):
        size = tuple(loaded.inputs[subject.id].shape[1:])
        if size != loaded.size:
            (height, width), (rows, columns) = loaded.size, size
            return (
                f"{loaded.picture.path} has {height}x{width} pixels, and was scaled down to {rows}x{columns}."
            )
    return ""


def _seen(
    other: Other | None, request: Request, targets: Mapping[str, Target], explained: Sequence[Explanation]
) -> dict[str, Seen]:
    """Checkpoint id -> what it finds in the picture that those of a batch are compared with, if they are."""
    return {
        subject.id: other.seen(subject, request.methods, target, found.output)
        for subject, found in zip(request.subjects, explained, strict=True)
        if other is not None and isinstance(target := targets.get(subject.id), PairTarget)
    }


def _other(
    other: Other, request: Request, seen: Mapping[str, Seen], row: int, picture: Picture, *, first: bool
) -> tuple[list[Shown], list[Panel]]:
    """The maps and the row of the other picture that stands below that of a picture, in the same columns."""
    number = int(picture.id)
    masks, cams, about = other_maps(request, seen, row, number)
    shown = [Shown(other.entry, png_bytes(other.shown), masks)] if first else []
    maps = {**masks, **cams}
    told = {name: each.told for name, each in seen.items()}
    columns = [other_column(column, number) for column in request.columns]
    panels = [panel(column, other.entry, told, maps, about, picture.path) for column in columns]
    return [*shown, Shown(other.entry, None, cams)], panels


def _explain(
    subject: Subject,
    inputs: Sequence[torch.Tensor],
    truth: Sequence[str | None],
    sizes: Sequence[tuple[int, int]],
    request: Request,
    target: Target | None,
    *,
    keep: bool,
) -> tuple[Explanation, list[Told]]:
    """What a network shows and says of the pictures of a batch; its output only where that is to be kept."""
    classes, task = subject.checkpoint.classes, subject.checkpoint.task
    if request.methods and request.target == LABEL:
        with naming(subject):
            target = task.labelled(truth, classes)  # of these pictures
    if isinstance(target, PlacedTarget):
        target = target.placed(sizes)
    found = subject.explain(torch.stack(list(inputs)), request.methods, target, making=request.making)
    told = task.told(found.output, classes, truth)
    return found if keep else replace(found, output=found.output.new_empty(0)), told


def _maps(
    request: Request, row: int, explained: Sequence[Explanation]
) -> tuple[dict[str, np.ndarray], dict[str, About]]:
    """One picture's maps by ``"checkpoint/name"``, and what each class activation map is about, if it is."""
    maps: dict[str, np.ndarray] = {}
    about: dict[str, About] = {}
    for subject, found in zip(request.subjects, explained, strict=True):
        maps |= {f"{subject.id}/{name}": values for name, values in kept_masks(found.masks, row).items()}
        for method, values in found.cams.items():
            names = cam_names(method, cam_scores(subject, request.target))
            doubts = found.doubts[row] if found.doubts else [""] * len(found.about[row])
            captions = map(About, found.about[row], doubts)
            for name, each, caption in zip(names, values[row], captions, strict=False):
                maps[f"{subject.id}/{name}"] = each  # (h, w)
                if not METHODS[method].classless:
                    about[f"{subject.id}/{name}"] = caption
    return maps, about

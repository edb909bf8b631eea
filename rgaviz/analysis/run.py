"""From checkpoints and pictures to a results folder: what ``masks``, ``cam``, ``compare`` and ``histogram`` share.

Pictures are read, explained and written in batches, so memory does not grow with their number; a picture that
cannot be read is reported and the others are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rgaviz.analysis.boxes import boxes_of, pixels_of
from rgaviz.analysis.captions import NOWHERE, About, panel
from rgaviz.analysis.counterpart import Other, Seen, other_column, other_maps, other_picture
from rgaviz.analysis.loading import Loaded, batches, read_all
from rgaviz.analysis.pixels import Palette, dense_ones, label_maps, palette_of
from rgaviz.analysis.request import Outcome, Request, cam_names, cam_scores, versions
from rgaviz.analysis.subject import Subject, naming
from rgaviz.analysis.truths import shown_columns, truths_of
from rgaviz.data.find import PicturePath
from rgaviz.errors import PictureError, RgavizError, first_of
from rgaviz.explain.cam import Explanation
from rgaviz.explain.masks import kept_masks
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import PairTarget, PlacedTarget, Target
from rgaviz.progress import Track, silent
from rgaviz.results.manifest import Picture
from rgaviz.results.writer import ResultsWriter
from rgaviz.tasks import Told
from rgaviz.tasks.task import LABEL


def run(request: Request, pictures: Sequence[PicturePath], folder: Path, track: Track = silent) -> Outcome:
    """Explain every picture with every checkpoint and write the results folder.

    Raises:
        RgavizError: not one picture could be read, an unknown target or label, an unwritable folder.
    """
    labels = _labels(request, pictures)
    targets = _targets(request, labels)
    other = other_picture(request.subjects, targets)
    where = next((each for each in targets.values() if isinstance(each, PlacedTarget)), None)
    palette = palette_of(request.subjects)
    truths = truths_of(request, pictures, palette)
    request = shown_columns(request, truths)
    failures: list[str] = []
    smaller: list[str] = []
    found: dict[str, dict[str, Told]] = {}
    found_boxes: dict[str, dict[str, list[int]]] = {}
    numbered = track(list(enumerate(pictures)), total=len(pictures), description="explaining")
    with ResultsWriter(folder, _head(request, palette)) as writer:
        full = truths.files if where is None or not where.exact else range(len(pictures))
        loaded = read_all(numbered, request.subjects, failures, full, request.window)
        for batch in batches(having(where, loaded, failures)):
            smaller += [line for each in batch if (line := _scaled_down(each, request.subjects))]
            explained = [
                _explain(
                    subject,
                    [each.inputs[subject.id] for each in batch],
                    [labels[each.number] for each in batch],
                    [each.size for each in batch],
                    request,
                    targets.get(subject.id),
                    keep=other is not None,
                )
                for subject in request.subjects
            ]
            seen = _seen(other, request, targets, [found for found, _ in explained])
            for row, (number, picture, size, shown, _) in enumerate(batch):
                told = {s.id: p[row] for s, (_, p) in zip(request.subjects, explained, strict=True)}
                maps, about = _maps(request, row, [e for e, _ in explained])
                truth = truths.read(number, size)
                maps |= label_maps(palette, told, shown.shape[:2], truth, truths.name)
                entry = Picture(
                    id=str(number),
                    path=picture.relative.as_posix(),
                    size=list(shown.shape[:2]),
                    label=labels[number],
                )
                writer.picture(entry, shown, maps)
                boxes = boxes_of(request, maps, size)
                drawn = {"boxes": boxes, "places": NOWHERE if where is None else where.places(size)}
                writer.row([panel(column, entry, told, maps, about, **drawn) for column in request.columns])
                found_boxes |= {entry.path: pixels_of(boxes, size)} if boxes else {}
                # Of each picture its labels would be too much.
                found[entry.path] = {name: each._replace(labels=None) for name, each in told.items()}
                if other is not None:
                    _write_other(writer, request, other, seen, row, entry)
        if not found:
            raise PictureError(first_of(failures))
    return Outcome(found, failures, [*_first(smaller), *truths.notes()], found_boxes)


def having(where: PlacedTarget | None, pictures: Iterable[Loaded], failures: list[str]) -> Iterator[Loaded]:
    """The pictures that have the place a target is about; a line in ``failures`` for each other one."""
    for each in pictures:
        if where is not None and (fault := where.fault(each.size)):
            failures.append(f"{each.picture.path}: {fault}")
        else:
            yield each


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


def _first(lines: Sequence[str]) -> list[str]:
    """The first line, with how many more there are."""
    more = f" So were {len(lines) - 1} more." if len(lines) > 1 else ""
    return [f"{line}{more}" for line in lines[:1]]


def _seen(
    other: Other | None, request: Request, targets: Mapping[str, Target], explained: Sequence[Explanation]
) -> dict[str, Seen]:
    """Checkpoint id -> what it finds in the picture that those of a batch are compared with, if they are."""
    return {
        subject.id: other.seen(subject, request.methods, target, found.output)
        for subject, found in zip(request.subjects, explained, strict=True)
        if other is not None and isinstance(target := targets.get(subject.id), PairTarget)
    }


def _write_other(
    writer: ResultsWriter,
    request: Request,
    other: Other,
    seen: Mapping[str, Seen],
    row: int,
    picture: Picture,
) -> None:
    """A row of the other picture below that of a picture, in the same columns."""
    number = int(picture.id)
    masks, cams, about = other_maps(request, seen, row, number)
    if other.entry not in writer.pictures:
        writer.picture(other.entry, other.shown, masks)
    writer.maps(other.entry.id, cams)
    maps = {**masks, **cams}
    told = {name: each.told for name, each in seen.items()}
    columns = [other_column(column, number) for column in request.columns]
    writer.row([panel(column, other.entry, told, maps, about, picture.path) for column in columns])


def _targets(request: Request, labels: Sequence[str | None]) -> dict[str, Target]:
    """What the maps of each network are about, which is settled before any picture is read."""
    targets = {}
    for subject in request.subjects if request.methods else ():
        checkpoint = subject.checkpoint
        with naming(subject):
            if request.target == LABEL:
                targets[subject.id] = checkpoint.task.labelled(labels, checkpoint.classes)
            else:
                targets[subject.id] = checkpoint.target(request.target)
    return targets


def _labels(request: Request, pictures: Sequence[PicturePath]) -> list[str | None]:
    """What each picture shows, if known: said by the user, or by the name of its folder."""
    given: list[str | None] = list(request.labels)
    for label in request.labels:
        if faults := _faults(label, request.subjects):
            raise faults[0]
    if len(given) not in (0, 1, len(pictures)):
        raise RgavizError(
            f"--label has {len(given)} labels for {len(pictures)} pictures; give one for all, or one for each."
        )
    if given:
        return given * (len(pictures) if len(given) == 1 else 1)
    folders = {picture.label for picture in pictures if picture.label is not None}
    known = {name for name in folders if not _faults(name, request.subjects, folder=True)}
    return [picture.label if picture.label in known else None for picture in pictures]


def _faults(label: str, subjects: Sequence[Subject], *, folder: bool = False) -> list[RgavizError]:
    """Why a text says to no network what a picture shows; empty if it does to one of them."""
    faults = []
    for checkpoint in (subject.checkpoint for subject in subjects):
        try:
            checkpoint.task.truth(label, checkpoint.classes, folder=folder)
        except RgavizError as error:
            faults.append(error)
        else:
            return []
    return faults


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


def _target_taken(request: Request) -> str | None:
    """As typed, else what is usual for the networks; None where nothing is."""
    usual = (target for subject in request.subjects for target in subject.checkpoint.task.targets[:1])
    return request.target or ", ".join(dict.fromkeys(usual)) or None


def _head(request: Request, palette: Palette) -> dict[str, Any]:
    return {
        "command": request.command,
        "command_line": request.command_line,
        "seed": 0,  # of randomcam, the only thing here that is random
        "versions": versions(),
        "target": _target_taken(request),
        "checkpoints": [subject.record() for subject in request.subjects],
        "titles": [column.title for column in request.columns],
        "classes": palette.classes,
        **({"texts": {"picked": request.picked}} if request.picked else {}),
        "figure": request.options,
    }

"""From checkpoints and pictures to a results folder: what ``masks``, ``cam``, ``compare`` and ``histogram`` share.

Pictures are read, explained and written in blocks, so memory does not grow with their number; a picture that
cannot be read is reported and the others are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rgaviz.analysis.blocks import blocks_of
from rgaviz.analysis.counterpart import other_picture
from rgaviz.analysis.explained import Asked, explained
from rgaviz.analysis.numbers import state
from rgaviz.analysis.pixels import Palette, palette_of
from rgaviz.analysis.records import records
from rgaviz.analysis.request import Outcome, Request, versions
from rgaviz.analysis.subject import Subject, naming
from rgaviz.analysis.truths import shown_columns, truths_of
from rgaviz.data.find import PicturePath
from rgaviz.errors import PictureError, RgavizError, first_of
from rgaviz.explain.targets import Target
from rgaviz.progress import Say, Track, hush, silent
from rgaviz.results.writer import ResultsWriter
from rgaviz.tasks import Told
from rgaviz.tasks.task import LABEL


def run(
    request: Request,
    pictures: Sequence[PicturePath],
    folder: Path,
    track: Track = silent,
    *,
    resume: bool = False,
    say: Say = hush,
) -> Outcome:
    """Explain every picture with every checkpoint and write the results folder.

    Args:
        request: what to explain.
        pictures: of which.
        folder: of the results.
        track: wraps the loop, for a progress bar.
        resume: go on with what an earlier run of the same request has kept.
        say: is told of that.

    Raises:
        RgavizError: not one picture could be read, an unknown target or label, an unwritable folder.
        Elsewhere: this is one of several processes, and another one writes.
    """
    labels = _labels(request, pictures)
    targets = _targets(request, labels)
    palette = palette_of(request.subjects)
    truths = truths_of(request, pictures, palette)
    request = shown_columns(request, truths)
    asked = Asked(
        request, pictures, labels, targets, other_picture(request.subjects, targets), palette, truths
    )
    head = _head(request, palette)
    failures: list[str] = []
    smaller: list[str] = []
    found: dict[str, dict[str, Told]] = {}
    boxes: dict[str, dict[str, list[int]]] = {}
    kept = blocks_of(len(pictures), folder, _question(asked, head), resume=resume, say=say)
    with kept as blocks, ResultsWriter(folder, head) as writer:
        for block in blocks.each(partial(explained, asked, track=track)):
            for record in records(block):
                record.write(writer)
                found[record.path] = dict(record.told)
                boxes |= {record.path: dict(record.boxes)} if record.boxes else {}
            notes = block.plain["notes"]
            failures += notes["failures"]
            smaller += notes["smaller"]
            truths.faults += notes["truth"]
        if not found:
            raise PictureError(first_of(failures))
    return Outcome(found, failures, [*_first(smaller), *truths.notes()], boxes)


def _question(asked: Asked, head: Mapping[str, Any]) -> dict[str, Any]:
    """All that the records of a request depend on."""
    request = asked.request
    return {
        **{key: head[key] for key in ("command", "checkpoints", "versions", "target")},
        "request": [
            repr(each)
            for each in (request.columns, request.methods, request.making, request.boxes, request.window)
        ],
        "labels": asked.labels,
        "truth": str(request.truth),
        # Those that are picked are written anew each time, and the same.
        "pictures": [
            [each.relative.as_posix(), *state(each.path)[: 1 if request.picked else None]]
            for each in asked.pictures
        ],
    }


def _first(lines: Sequence[str]) -> list[str]:
    """The first line, with how many more there are."""
    more = f" So were {len(lines) - 1} more." if len(lines) > 1 else ""
    return [f"{line}{more}" for line in lines[:1]]


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
    given: list[str | None] = list(_said(request.labels, request.subjects))
    if len(given) not in (0, 1, len(pictures)):
        raise RgavizError(
            f"--label has {len(given)} labels for {len(pictures)} pictures; give one for all, or one for each."
        )
    if given:
        return given * (len(pictures) if len(given) == 1 else 1)
    folders = {picture.label for picture in pictures if picture.label is not None}
    known = {name for name in folders if not _faults(name, request.subjects, folder=True)}
    return [picture.label if picture.label in known else None for picture in pictures]


def _said(labels: Sequence[str], subjects: Sequence[Subject]) -> Sequence[str]:
    """The labels, where each is one; or the one whose name has commas, as it is typed without quotes.

    Raises:
        RgavizError: a label that no network knows.
    """
    faults = [each for label in labels for each in _faults(label, subjects)[:1]]
    whole = (between.join(labels) for between in (", ", ","))
    if faults and (known := next((each for each in whole if not _faults(each, subjects)), None)):
        return [known]
    if faults:
        raise faults[0]
    return labels


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

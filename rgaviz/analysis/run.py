"""From checkpoints and pictures to a results folder: what ``masks``, ``cam``, ``compare`` and ``histogram`` share.

Pictures are read, explained and written in batches, so memory does not grow with their number; a picture that
cannot be read is reported and the others are done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rgaviz import __version__
from rgaviz.analysis.cam import cam_names
from rgaviz.analysis.request import Outcome, Request
from rgaviz.analysis.subject import Subject, naming
from rgaviz.checkpoint import Prediction, predictions
from rgaviz.data.find import PicturePath
from rgaviz.data.pictures import read_picture, shown_picture
from rgaviz.errors import PictureError, RgavizError, unknown_name
from rgaviz.explain.cam import Explanation, explain
from rgaviz.explain.masks import joint_means, map_warnings
from rgaviz.explain.targets import Target, one_class, top_classes
from rgaviz.progress import Track, silent
from rgaviz.results.writer import ResultsWriter

BATCH = 16  # pictures explained at once


def run(request: Request, pictures: Sequence[PicturePath], folder: Path, track: Track = silent) -> Outcome:
    """Explain every picture with every checkpoint and write the results folder.

    Raises:
        RgavizError: not one picture could be read, an unknown target or label, an unwritable folder.
    """
    targets = {}
    for subject in request.subjects:
        with naming(subject):
            targets[subject.id] = class_target(request.target, subject.checkpoint.classes)
    labels = _labels(request, pictures)
    failures: list[str] = []
    found: dict[str, dict[str, Prediction]] = {}
    numbered = list(enumerate(pictures))
    groups = [numbered[start : start + BATCH] for start in range(0, len(numbered), BATCH)]
    with ResultsWriter(folder, _manifest(request)) as writer:
        for group in track(groups, total=len(groups), description="explaining"):
            loaded = list(_read(group, request.subjects, failures))
            if not loaded:
                continue
            explained = [
                _explain(
                    subject,
                    [each.inputs[subject.id] for each in loaded],
                    request.methods,
                    targets[subject.id],
                )
                for subject in request.subjects
            ]
            for row, (number, picture, shown, _) in enumerate(loaded):
                told = {s.id: p[row] for s, (_, p) in zip(request.subjects, explained, strict=True)}
                maps, classes = _maps(request, row, [e for e, _ in explained])
                entry = {
                    "id": str(number),
                    "path": picture.relative.as_posix(),
                    "size": list(shown.shape[:2]),
                    "label": labels[number],
                    "panels": _panels(request.columns, told, maps, classes, labels[number]),
                }
                writer.add(entry, shown, maps)
                found[entry["path"]] = told
        if not found:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise PictureError(f"{failures[0]}{more}")
    return Outcome(found, failures)


def class_target(target: str, classes: Sequence[str]) -> Target:
    """``top1``, ``top5``, or a class given by name or number.

    Raises:
        UnknownNameError: no such class.
    """
    if target in ("top1", "top5"):
        return top_classes(int(target[3:]), classes)
    if target in classes:
        return one_class(list(classes).index(target), classes)
    if target.isdecimal() and int(target) < len(classes):
        return one_class(int(target), classes)
    raise unknown_name(target, ["top1", "top5", *classes], "target class")


def _labels(request: Request, pictures: Sequence[PicturePath]) -> list[str | None]:
    """What each picture shows, if known: said by the user, or by the name of its folder."""
    classes = dict.fromkeys(name for each in request.subjects for name in each.checkpoint.classes)
    given: list[str | None] = list(request.labels)
    for label in given:
        if label not in classes:
            raise unknown_name(str(label), classes, "label")
    if len(given) not in (0, 1, len(pictures)):
        raise RgavizError(
            f"--label has {len(given)} labels for {len(pictures)} pictures; give one for all, or one for each."
        )
    if given:
        return given * (len(pictures) if len(given) == 1 else 1)
    return [picture.label if picture.label in classes else None for picture in pictures]


class Loaded(NamedTuple):
    """What is kept of a picture while its batch is explained; the decoded original may be very large."""

    number: int
    picture: PicturePath
    shown: np.ndarray
    inputs: dict[str, torch.Tensor]  # checkpoint id -> (3, H, W), normalised


def _read(
    group: Sequence[tuple[int, PicturePath]], subjects: Sequence[Subject], failures: list[str]
) -> Iterator[Loaded]:
    """The pictures of a batch that can be read; a line in ``failures`` for each other one."""
    for number, picture in group:
        try:
            array = read_picture(picture.path)
        except PictureError as error:
            failures.append(str(error))
            continue
        inputs = {each.id: each.checkpoint.inputs([array])[0] for each in subjects}
        yield Loaded(number, picture, shown_picture(array), inputs)


def _explain(
    subject: Subject, inputs: Sequence[torch.Tensor], methods: Sequence[str], target: Target
) -> tuple[Explanation, list[Prediction]]:
    checkpoint = subject.checkpoint
    with naming(subject):
        found = explain(
            checkpoint.model,
            torch.stack(list(inputs)).to(next(checkpoint.model.parameters()).device),
            cam_layer=subject.cam_layer,
            methods=methods if subject.cam_layer else (),
            target=target,
            watched=subject.gates(),
        )
    return found, predictions(found.output, checkpoint.classes)


def _maps(
    request: Request, row: int, explained: Sequence[Explanation]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """One picture's maps by ``"checkpoint/name"``, and what each class activation map is about."""
    maps: dict[str, np.ndarray] = {}
    about: dict[str, str] = {}
    for subject, found in zip(request.subjects, explained, strict=True):
        for key, values in found.masks.items():
            layer, _, kind = key.rpartition("/")
            # A joint mask as a whole would fill the disk: C times what a spatial one takes.
            kept = joint_means(values[row]) if kind == "joint" else {kind: values[row]}
            maps |= {f"{subject.id}/{layer}/{each}": value for each, value in kept.items()}
        for method, values in found.cams.items():
            names = cam_names(method, request.target, len(values[row]))
            for name, each, caption in zip(names, values[row], found.about[row], strict=True):
                maps[f"{subject.id}/{name}"] = each  # (h, w)
                about[f"{subject.id}/{name}"] = caption
    return maps, about


def _panels(
    columns: Sequence[dict[str, Any]],
    told: dict[str, Prediction],
    maps: dict[str, np.ndarray],
    about: dict[str, str],
    label: str | None,
) -> dict[str, dict[str, Any]]:
    """What stands under each panel of a row, by column number."""
    panels = {}
    for number, column in enumerate(columns):
        if column["kind"] not in ("map", "bars"):
            continue
        prediction, key = told[column["checkpoint"]], f"{column['checkpoint']}/{column['map']}"
        panels[str(number)] = {
            "prediction": prediction.label,
            "confidence": prediction.confidence,
            "correct": None if label is None else prediction.label == label,
            "target": about.get(key),
            "warnings": map_warnings(maps[key]),
        }
    return panels


def _manifest(request: Request) -> dict[str, Any]:
    return {
        "command": request.command,
        "command_line": request.command_line,
        "seed": 0,  # of randomcam, the only thing here that is random
        "versions": {"rgaviz": __version__, "torch": str(torch.__version__), "numpy": np.__version__},
        "target": request.target,
        "checkpoints": [_checkpoint_entry(subject) for subject in request.subjects],
        "columns": list(request.columns),
        "figure": request.options,
    }


def _checkpoint_entry(subject: Subject) -> dict[str, Any]:
    checkpoint = subject.checkpoint
    return {
        "id": subject.id,
        "path": str(checkpoint.path),
        "sha256": checkpoint.sha256,
        "arch": checkpoint.config["arch"],
        "attention": checkpoint.config["attention"],
        "image_size": list(checkpoint.image_size),
        "notes": list(checkpoint.notes),
        "cam_layer": subject.cam_layer,
        "mask_layers": list(subject.mask_layers),
        "dataset": checkpoint.training.get("dataset"),
        "error": checkpoint.metrics.get("test_error"),
    }

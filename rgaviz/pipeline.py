"""From checkpoints and pictures to a results folder: what ``masks``, ``cam``, ``compare`` and ``histogram`` share.

Pictures are read, explained and written in batches, so memory does not grow with their number; a picture that
cannot be read is reported and the others are done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rgaviz import __version__
from rgaviz.checkpoint import Checkpoint, Prediction, load_checkpoint, predictions
from rgaviz.data import silent
from rgaviz.data.folder import Track
from rgaviz.data.images import PicturePath, read_picture, shown_picture
from rgaviz.errors import PictureError, RgavizError, unknown_name
from rgaviz.explain.cam import METHODS, TITLES, Explanation, explain
from rgaviz.explain.capture import default_cam_layer, expand_layers, find_layer, gated_layers, gates
from rgaviz.explain.masks import joint_means, map_warnings
from rgaviz.models import foreign
from rgaviz.results import ResultsWriter

BATCH = 16  # pictures explained at once
INPUT_COLUMN = {"kind": "picture", "title": "input"}


@dataclass(frozen=True)
class Subject:
    """One checkpoint in a figure.

    Attributes:
        id: its name in the figure, unique.
        checkpoint: the network and what belongs to it.
        cam_layer: where class activation maps are taken, or None for none.
        mask_layers: the layers whose masks are taken.
    """

    id: str
    checkpoint: Checkpoint
    cam_layer: str | None = None
    mask_layers: tuple[str, ...] = ()

    def gates(self) -> dict[str, Any]:
        """The modules its masks leave, by mask name."""
        model = self.checkpoint.model
        return {key: gate for layer in self.mask_layers for key, gate in gates(model, layer).items()}


@dataclass(frozen=True)
class Request:
    """What to explain.

    Attributes:
        command: decides the figure: ``masks``, ``cam``, ``compare`` or ``histogram``.
        subjects: the checkpoints.
        columns: the panels of a row, as a manifest lists them, the picture first.
        methods: of ``METHODS``.
        target: a class name or index, ``top1`` or ``top5``.
        labels: what the pictures show, where the user said it: one for all, or one each.
        options: of the figure, recorded for drawing it again.
        command_line: as typed.
    """

    command: str
    subjects: Sequence[Subject]
    columns: Sequence[dict[str, Any]]
    methods: Sequence[str] = ()
    target: str = "top1"
    labels: Sequence[str] = ()
    options: dict[str, Any] = field(default_factory=dict)
    command_line: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes:
        predictions: picture -> checkpoint id -> prediction.
        failures: one line for each picture that was left out.
    """

    predictions: dict[str, dict[str, Prediction]]
    failures: list[str]


def load_subjects(
    sources: Sequence[Path | str],
    device: torch.device,
    arch: str | None = None,
    num_classes: int | None = None,
) -> list[Subject]:
    """The checkpoints, on the device, with short names that are unique.

    A file gives its stem, a library's network its name and weights; equal ones are told apart by folder or library.

    Args:
        sources: as :func:`rgaviz.load_checkpoint` takes them, and with the same faults.
        device: where the networks go.
        arch: network of those that are a bare state_dict.
        num_classes: outputs of those.
    """
    pairs = [_names(source) for source in sources]
    stems = [stem for _, stem in pairs]
    subjects: list[Subject] = []
    for source, (group, stem) in zip(sources, pairs, strict=True):
        name = stem if stems.count(stem) == 1 else f"{group}-{stem}"
        while any(name == other.id for other in subjects):
            name += "'"
        checkpoint = load_checkpoint(source, arch, num_classes)
        checkpoint.model.to(device)
        subjects.append(Subject(name, checkpoint))
    return subjects


def _names(source: Path | str) -> tuple[str, str]:
    """Folder and stem of a file; library and short name of its network."""
    path = Path(source)
    if foreign.is_foreign(str(source)) and not path.exists():
        named = foreign.parse(str(source))
        return named.library, named.id
    return path.absolute().parent.name, path.stem


def with_cam(subject: Subject, layer: str | None) -> Subject:
    """The subject with class activation maps taken at ``layer``, by default its last stage, or its last map.

    Raises:
        UnknownNameError: no such layer.
    """
    model = subject.checkpoint.model
    with _naming(subject):
        layer = layer or default_cam_layer(model)
        find_layer(model, layer)
    return replace(subject, cam_layer=layer)


def with_masks(subject: Subject, layers: str | None, *, required: bool = False) -> Subject:
    """The subject with the masks of ``layers``, by default its deepest gated one.

    Args:
        subject: one checkpoint.
        layers: stages joined by commas, or ``all``.
        required: refuse a network without attention, which otherwise has no masks.

    Raises:
        RgavizError: no such layer, no attention in it, or in the network.
    """
    gated = gated_layers(subject.checkpoint.model)
    if not gated and required:
        raise RgavizError(
            f"{subject.checkpoint.path} has no attention that ends in a gate, so no masks; "
            "give a network that has, such as rga.pt."
        )
    if not gated:
        return subject
    with _naming(subject):
        chosen = gated[-1:] if layers is None else expand_layers(subject.checkpoint.model, layers)
    return replace(subject, mask_layers=tuple(dict.fromkeys(chosen)))


@contextmanager
def _naming(subject: Subject) -> Iterator[None]:
    """Say of which checkpoint an error speaks: a layer may exist in one network and not in the other."""
    try:
        yield
    except RgavizError as error:
        raise type(error)(f"{subject.checkpoint.path}: {error}") from error


def mask_columns(subject: Subject, kinds: Sequence[str] = ("spatial", "channel")) -> list[dict[str, Any]]:
    """A panel for every mask of these kinds; a joint mask has one of each, its means."""
    panels = {  # map name -> its kind, how it is drawn, what the title calls it
        "spatial": ("spatial", "map", "mask ({})"),
        "channel": ("channel", "bars", "channels ({})"),
        "joint-spatial": ("spatial", "map", "joint mask ({}, mean over channels)"),
        "joint-channel": ("channel", "bars", "joint mask ({}, mean over positions)"),
    }
    columns = []
    for key in subject.gates():
        layer, _, kind = key.rpartition("/")
        for name, (shown, panel, words) in panels.items():
            if name.partition("-")[0] == kind and shown in kinds:
                columns.append(
                    {
                        "kind": panel,
                        "title": f"{subject.id} {words.format(layer)}",
                        "checkpoint": subject.id,
                        "map": f"{layer}/{name}",
                        "group": "mask",
                    }
                )
    return columns


def cam_columns(subject: Subject, methods: Sequence[str], target: str) -> list[dict[str, Any]]:
    """A panel for every method and target."""
    columns = []
    for method in methods:
        for place, name in enumerate(cam_names(method, target, len(subject.checkpoint.classes)), start=1):
            which = f", top {place}" if target == "top5" else ""
            title = f"{subject.id} {TITLES[method]} ({subject.cam_layer}{which})"
            columns.append(
                {"kind": "map", "title": title, "checkpoint": subject.id, "map": name, "group": "cam"}
            )
    return columns


def difference_columns(
    subjects: Sequence[Subject], methods: Sequence[str], target: str
) -> list[dict[str, Any]]:
    """For every other network its maps minus the first one's."""
    first, *others = subjects
    columns = []
    for other in others:
        for method in methods:
            classes = min(len(each.checkpoint.classes) for each in (first, other))
            for name in cam_names(method, target, classes):
                columns.append(
                    {
                        "kind": "difference",
                        "title": f"{other.id} − {first.id} ({TITLES[method]})",
                        "group": "difference",
                        "checkpoint": other.id,
                        "map": name,
                        "minus": {"checkpoint": first.id, "map": name},
                    }
                )
    return columns


def cam_names(method: str, target: str, classes: int) -> list[str]:
    """Names of a method's maps: one, or one for each of the five most probable classes."""
    return [f"{method}/top{n + 1}" for n in range(min(5, classes))] if target == "top5" else [method]


def parse_methods(text: str) -> list[str]:
    """``"gradcam,layercam"`` or ``"all"`` as a list.

    Raises:
        UnknownNameError: no such method.
    """
    names = list(METHODS) if text == "all" else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in METHODS:
            raise unknown_name(name, METHODS, "CAM method")
    return list(dict.fromkeys(names))


def masks_request(subjects: Sequence[Subject], layer: str | None = None) -> Request:
    """Every mask of every network, as ``rgaviz masks`` draws them."""
    shown = [with_masks(subject, layer, required=True) for subject in subjects]
    columns = [column for subject in shown for column in mask_columns(subject)]
    return Request("masks", shown, [INPUT_COLUMN, *columns])


def histogram_request(subjects: Sequence[Subject], layer: str | None = None) -> Request:
    """The channel masks of every network, as ``rgaviz histogram`` draws them."""
    shown = [with_masks(subject, layer, required=True) for subject in subjects]
    columns = []
    for subject in shown:
        own = mask_columns(subject, ("channel",))
        if not own:
            raise RgavizError(
                f"{subject.checkpoint.path} has no channel attention at {', '.join(subject.mask_layers)}; "
                "give a network that has, such as rga-sc or rga-c."
            )
        columns += own
    return Request("histogram", shown, [INPUT_COLUMN, *columns])


def cam_request(
    subjects: Sequence[Subject],
    methods: Sequence[str] = ("gradcam",),
    target: str = "top1",
    layer: str | None = None,
) -> Request:
    """Class activation maps of every network, as ``rgaviz cam`` draws them."""
    shown = [with_cam(subject, layer) for subject in subjects]
    columns = [column for subject in shown for column in cam_columns(subject, methods, target)]
    return Request("cam", shown, [INPUT_COLUMN, *columns], methods=methods, target=target)


def compare_request(
    subjects: Sequence[Subject],
    methods: Sequence[str] = ("gradcam",),
    target: str = "top1",
    layer: str | None = None,
    mask_layer: str | None = None,
    *,
    diff: bool = False,
) -> Request:
    """Maps of all networks, then their spatial masks, as ``rgaviz compare`` draws them.

    Args:
        subjects: at least two networks.
        methods: of ``METHODS``.
        target: a class name or index, ``top1`` or ``top5``.
        layer: of the class activation maps.
        mask_layer: of the masks.
        diff: also each network's maps minus the first one's.

    Raises:
        RgavizError: no such layer, or masks asked for where no network has one over positions.
    """
    shown = [with_masks(with_cam(subject, layer), mask_layer) for subject in subjects]
    masks = [column for subject in shown for column in mask_columns(subject, ("spatial",))]
    if mask_layer and not masks:
        raise RgavizError(
            f"--mask-layer {mask_layer}: none of these networks has a spatial mask there; leave it out, or add one "
            "that has."
        )
    columns = [column for subject in shown for column in cam_columns(subject, methods, target)]
    columns += difference_columns(shown, methods, target) if diff else []
    columns += masks
    return Request("compare", shown, [INPUT_COLUMN, *columns], methods=methods, target=target)


def run(request: Request, pictures: Sequence[PicturePath], folder: Path, track: Track = silent) -> Outcome:
    """Explain every picture with every checkpoint and write the results folder.

    Raises:
        RgavizError: not one picture could be read, an unknown target or label, an unwritable folder.
    """
    targets = {}
    for subject in request.subjects:
        with _naming(subject):
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


def class_target(target: str, classes: Sequence[str]) -> str | int:
    """``top1``, ``top5``, or the index of a class given by name or number.

    Raises:
        UnknownNameError: no such class.
    """
    if target in ("top1", "top5"):
        return target
    if target in classes:
        return list(classes).index(target)
    if target.isdecimal() and int(target) < len(classes):
        return int(target)
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
    subject: Subject, inputs: Sequence[torch.Tensor], methods: Sequence[str], target: str | int
) -> tuple[Explanation, list[Prediction]]:
    checkpoint = subject.checkpoint
    with _naming(subject):
        found = explain(
            checkpoint.model,
            torch.stack(list(inputs)).to(next(checkpoint.model.parameters()).device),
            cam_layer=subject.cam_layer,
            methods=methods if subject.cam_layer else (),
            target=target,
            watched=subject.gates(),
        )
    return found, predictions(found.logits, checkpoint.classes)


def _maps(
    request: Request, row: int, explained: Sequence[Explanation]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """One picture's maps by ``"checkpoint/name"``, and the class each class activation map is about."""
    maps: dict[str, np.ndarray] = {}
    about: dict[str, str] = {}
    for subject, found in zip(request.subjects, explained, strict=True):
        for key, values in found.masks.items():
            layer, _, kind = key.rpartition("/")
            # A joint mask as a whole would fill the disk: C times what a spatial one takes.
            kept = joint_means(values[row]) if kind == "joint" else {kind: values[row]}
            maps |= {f"{subject.id}/{layer}/{each}": value for each, value in kept.items()}
        for method, values in found.cams.items():
            names = cam_names(method, request.target, len(subject.checkpoint.classes))
            for name, each, index in zip(names, values[row], found.targets[row], strict=True):
                maps[f"{subject.id}/{name}"] = each  # (h, w)
                about[f"{subject.id}/{name}"] = subject.checkpoint.classes[index]
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

"""The networks of a training on their way: which epochs were kept, and what each shows of a few pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rgaviz.analysis.captions import About, panel
from rgaviz.analysis.locating import locate
from rgaviz.analysis.masks import mask_columns
from rgaviz.analysis.request import Column, cam_names, cam_scores
from rgaviz.analysis.significance import mean_interval
from rgaviz.analysis.subject import Subject, load_subjects, naming, with_cam, with_masks
from rgaviz.checkpoint import RESUME_SUFFIX, load_record
from rgaviz.checkpoint.given import Given
from rgaviz.data.pictures import shown_picture
from rgaviz.data.truth import Truth
from rgaviz.errors import RgavizError, first_that_fit
from rgaviz.explain.masks import kept_masks
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import PlacedTarget
from rgaviz.results.manifest import Line, MapRef, Panel, Picture
from rgaviz.results.writer import ResultsWriter
from rgaviz.tasks.task import LABEL
from rgaviz.training.state import kept_checkpoints

HEADER = ["network", "map", "part", "measure", "epoch", "mean", "low", "high", "pictures"]
MEASURES = ("energy", "contrast", "pointing")
ONES = "ones"


class Asked(NamedTuple):
    """What is asked of each network.

    Attributes:
        method: of ``METHODS``.
        target: what the maps are about, as typed.
        layer: of the class activation maps.
        mask_layer: of the spatial masks.
    """

    method: str
    target: str | None
    layer: str | None
    mask_layer: str | None


@dataclass
class Shown:
    """A picture of the strips.

    Attributes:
        entry: as the manifest has it.
        pixels: RGB uint8 (h, w, 3), as it is read.
        strips: network and kind of map -> a panel for each epoch.
    """

    entry: Picture
    pixels: np.ndarray
    strips: dict[str, list[Panel]] = field(default_factory=dict)


def epochs_of(run: Path, most: int) -> dict[str, dict[int, Path]]:
    """The checkpoints of a training by network and epoch: those that were kept, and the last; of many so many, spread.

    Raises:
        RgavizError: no such folder, or none were kept.
    """
    if not run.is_dir():
        raise RgavizError(f"{run} is no folder of a training; name one, such as runs/shapes-resnet18-w16.")
    found = {}
    for path in sorted(run.glob("*.pt")):
        if path.name.endswith(RESUME_SUFFIX) or not (kept := kept_checkpoints(run, path.stem)):
            continue
        last = len(load_record(path).history)
        found[path.stem] = {epoch: each for epoch, each in kept.items() if epoch < last} | {last: path}
    if not found:
        raise RgavizError(
            f"{run} keeps no checkpoints of epochs: train with --set train.keep_every=1, then try again."
        )
    return {name: chosen_epochs(each, most) for name, each in found.items()}


def chosen_epochs(every: dict[int, Path], most: int) -> dict[int, Path]:
    """So many of the epochs, the first and the last among them, spread as evenly as can be; 0 is all."""
    epochs = sorted(every)
    if not most or len(epochs) <= most:
        return {epoch: every[epoch] for epoch in epochs}
    places = np.linspace(0, len(epochs) - 1, most) if most > 1 else np.array([len(epochs) - 1])
    return {epochs[place]: every[epochs[place]] for place in np.rint(places).astype(int).tolist()}


def common_epochs(networks: dict[str, dict[int, Path]]) -> list[int]:
    """The epochs of all networks, which are the columns.

    Raises:
        RgavizError: they differ.
    """
    first, *others = networks.values()
    for name, each in networks.items():
        if any(list(each) != list(other) for other in (first, *others)):
            told = first_that_fit(
                [f"{name}: {', '.join(map(str, each))}" for name, each in networks.items()], 120
            )
            raise RgavizError(
                f"The networks have other epochs than each other ({'; '.join(told)}); wait for the training to end, "
                f"or name one of them with --only {name}."
            )
    return list(first)


def look(
    networks: dict[str, dict[int, Path]],
    shown: Sequence[Shown],
    truth: Truth | None,
    places: Sequence[int],
    asked: Asked,
    device: torch.device,
    given: Given,
    writer: ResultsWriter,
    track: Callable[..., Any],
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """What each network shows at each epoch; one is in memory at a time.

    Args:
        networks: name -> epoch -> checkpoint.
        shown: the pictures, which get their panels.
        truth: where what is, if that is known.
        places: of the pictures that are measured there.
        asked: what is asked.
        device: where the networks run.
        given: what is said of them.
        writer: gets the maps of the pictures.
        track: wraps the loop, for a progress bar.

    Returns:
        A record of each network's last epoch, and the rows of where maps lie, below :data:`HEADER`.
    """
    records: list[dict[str, Any]] = []
    rows: list[list[Any]] = []
    every = [(name, epoch, path) for name, own in networks.items() for epoch, path in own.items()]
    for name, epoch, path in track(every, total=len(every), description="looking"):
        (subject,) = load_subjects([str(path)], device, given)
        subject = with_masks(with_cam(replace(subject, id=name), asked.layer), asked.mask_layer)
        for each in shown:
            maps = _show(subject, epoch, each, asked)
            writer.maps(each.entry.id, maps)
        if truth is not None:
            located = _located(subject, epoch, truth, places, asked)
            rows += [
                row for row in located if row[0] or name == next(iter(networks))
            ]  # floors are the same of all
        if epoch == max(networks[name]):
            records.append(subject.record())
    return records, rows


def _show(subject: Subject, epoch: int, each: Shown, asked: Asked) -> dict[str, np.ndarray]:
    """A network's maps of a picture, named by the epoch; the picture gets a panel of each."""
    checkpoint, task = subject.checkpoint, subject.checkpoint.task
    with naming(subject):
        if asked.target == LABEL:
            target = task.labelled([each.entry.label], checkpoint.classes)
        else:
            target = checkpoint.target(asked.target)
    if isinstance(target, PlacedTarget):
        target = target.placed([each.pixels.shape[:2]])
    inputs = checkpoint.inputs([each.pixels])  # (1, 3, H, W)
    found = subject.explain(inputs, (asked.method,), target)
    (told,) = task.told(found.output, checkpoint.classes, [each.entry.label])
    columns, maps, about = [], {}, {}
    (name,) = cam_names(asked.method, cam_scores(subject, asked.target)[:1])
    group = "signed" if METHODS[asked.method].arbitrary_sign else "cam"
    ref = MapRef(checkpoint=subject.id, name=_at(name, epoch), group=group)
    title = f"{subject.id} {METHODS[asked.method].title} ({subject.cam_layer})"
    columns.append(Column(title, "map", ref))
    maps[f"{subject.id}/{ref.name}"] = found.cams[asked.method][0][0]  # (h, w)
    if not METHODS[asked.method].classless:
        about[f"{subject.id}/{ref.name}"] = About(found.about[0][0])
    masks = kept_masks(found.masks, 0)
    for column in mask_columns(subject, ("spatial",)):
        assert column.map is not None
        ref = column.map.model_copy(update={"name": _at(column.map.name, epoch)})
        maps[f"{subject.id}/{ref.name}"] = masks[column.map.name]
        columns.append(Column(column.title, "map", ref))
    for column in columns:
        made = panel(column, each.entry, {subject.id: told}, maps, about)
        each.strips.setdefault(column.title, []).append(made)
    return maps


def _at(name: str, epoch: int) -> str:
    """A map's name at an epoch: one method's, or one layer's, stay of one scale, whose name is the first part."""
    return f"{name}/epoch-{epoch:03d}"


def _located(
    subject: Subject, epoch: int, truth: Truth, places: Sequence[int], asked: Asked
) -> list[list[Any]]:
    """Where a network's maps lie at an epoch: rows for the whole of what is known, and for a map of ones."""
    found = locate([subject], truth, places, methods=(asked.method,), target=asked.target)
    part, rows = next(iter(truth.regions)), []
    for kind, numbers in found.numbers.items():
        floor = kind.group == "floor"
        if floor and kind.name != ONES:
            continue
        for measure in MEASURES:
            own = mean_interval(getattr(numbers, measure)[:, 0], found.people)
            ends = [None, None] if floor else [own.low, own.high]
            rows.append([kind.network, kind.name, part, measure, epoch, own.mean, *ends, own.count])
    return rows


def shown_of(number: int, name: str, pixels: np.ndarray, label: str | None) -> tuple[Shown, np.ndarray]:
    """A picture of the strips, and what is shown of it."""
    small = shown_picture(pixels)
    entry = Picture(id=str(number), path=name, size=list(small.shape[:2]), label=label)
    return Shown(entry, pixels), small


def rows_of(shown: Sequence[Shown]) -> list[list[Panel]]:
    """A row for each picture and kind of map: the picture, named by the kind, then its panels."""
    rows = []
    for each in shown:
        for title, panels in each.strips.items():
            network = next(panel.map.checkpoint for panel in panels if panel.map)
            told = (network, title.removeprefix(f"{network} "), each.entry.path)
            about = {"lines": [Line(text=text) for text in told], "values": {"network": network}}
            rows.append([Panel(kind="picture", picture=each.entry.id, **about), *panels])
    return rows

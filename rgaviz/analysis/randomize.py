"""Whether maps depend on what a network has learnt: its weights drawn anew, or learnt from random labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from rgaviz.errors import RgavizError, lookup, words

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.settings import Chosen, Settings
    from rgaviz.analysis.subject import Subject
    from rgaviz.data.splits import Split

COMMAND = "sanity-weights"
COUNT = 64  # pictures
MIXED = "whose maps are about different things; ask of those of each task in a command of its own."


@dataclass(frozen=True)
class Randomized:
    """What came of a question.

    Attributes:
        folder: of the results.
        files: the figure, then the tables beside it.
        rows: a dictionary for each network, map, level and measure.
        titles: map -> what it is called.
        pictures: how many were looked at.
        people: how many they show, whom intervals are over; None where that is not known, and these are over pictures.
        dataset: where they come from.
        left_out: a line for each picture that cannot be read.
    """

    folder: Path
    files: list[Path]
    rows: list[dict[str, Any]]
    titles: dict[str, str]
    pictures: int
    people: int | None
    dataset: str
    left_out: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        files = [str(path) for path in self.files]
        kept = {key: value for key, value in vars(self).items() if key not in ("folder", "files")}
        return {"results": str(self.folder), "files": files, **kept}


def randomize(
    checkpoints: Names,
    out: Path | str | None = None,
    *,
    methods: Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: str | None = None,
    mask_layer: str | None = None,
    random_labels: Path | str | None = None,
    count: int | None = None,
    dataset: str | None = None,
    data_dir: Path | str | None = None,
    pattern: str | None = None,
    **settings: Unpack[Settings],
) -> Randomized:
    """Measure how alike maps stay as weights are drawn anew, as ``rgaviz sanity --weights`` does: tables, a figure.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-sanity-weights/``.
        methods: of ``rgaviz.explain.methods.METHODS``, or ``all``.
        target: what the maps are about, as :func:`rgaviz.analysis.cam.cam` takes it.
        layer: of the class activation maps: a stage or a dotted module name; by default the last stage, or the last
            map.
        mask_layer: of the masks; by default the deepest with attention.
        random_labels: a network that is built like the others and was trained on random labels.
        count: so many pictures, drawn with a fixed seed; by default 64.
        dataset: whose pictures; by default that which each network was trained on.
        data_dir: where they are.
        pattern: for ``reid-folder``, as :func:`rgaviz.analysis.evaluate.evaluate` takes it.
        settings: of :class:`rgaviz.analysis.settings.Settings`; the figure is a column wide where they do not say it.

    Raises:
        RgavizError: no data, networks for several tasks, or a place that cannot be written.
    """
    from rgaviz.analysis.ablating import parts_of
    from rgaviz.analysis.cam import EVERY, method_notes, possible_methods
    from rgaviz.analysis.compare import layer_notes
    from rgaviz.analysis.images import one_dataset
    from rgaviz.analysis.randomized import CSV, likeness_rows
    from rgaviz.analysis.randomizing import randomize as compared
    from rgaviz.analysis.settings import chosen
    from rgaviz.analysis.subject import load_subjects, one_task, tell_notes
    from rgaviz.analysis.tables import TEX
    from rgaviz.data.sets.crops import names_of_files
    from rgaviz.devices import choose_device
    from rgaviz.explain.methods import METHODS
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import claim, output_place, with_suffix

    said = chosen(settings)
    checkpoints = words(checkpoints, "Checkpoints", "rga.pt")
    if not checkpoints:
        raise RgavizError("There is no network to look into; name a checkpoint, such as rga.pt.")
    if count is not None and count < 2:
        raise RgavizError(f"--count {count} is out of range: choose 2 or more.")
    for name in (each for each in methods if each != EVERY):
        lookup(METHODS, name, "CAM method")
    names_of_files(pattern)
    options = options_of({"width": "column", **with_suffix(said.figure, out)})
    output = output_place(out, COMMAND)
    with alone(output.folder):
        sources = [*checkpoints, *([] if random_labels is None else [random_labels])]
        inputs = [Path(str(each)) for each in sources]
        claim(output, options.formats, tables={"csv": CSV, "tex": TEX}, inputs=inputs)
        subjects = load_subjects(sources, choose_device(said.device), said.given)
        tell_notes(subjects, said.say)
        task = one_task(subjects, MIXED)
        asked, left_out = possible_methods(list(dict.fromkeys(methods)), subjects, target)
        for note in left_out:
            said.say(f"Note: {note}")
        subjects = _with_layers(subjects, layer, mask_layer)
        for note in (*layer_notes(subjects), *method_notes(asked)):
            said.say(f"Note: {note}")
        networks = subjects[: len(checkpoints)]
        unlearnt = None if random_labels is None else subjects[-1]
        opened = one_dataset(networks, dataset, data_dir, pattern, said.track, said.say)
        told: dict[str, None] = {}
        rows: list[dict[str, Any]] = []
        for subject, images in zip(networks, opened, strict=True):
            split = parts_of(images, task, COUNT if count is None else count, told.setdefault)[task.tested[0]]
            if len(split) < 2:
                raise RgavizError(
                    f"{images.name} has {len(split)} pictures to look at; name a larger data set."
                )
            other = None if unlearnt is None else _like(unlearnt, subject)
            found = compared(subject, split, asked, target, other, said.track)
            rows += likeness_rows(found, _people(split))
        for note in told:
            said.say(note)
        damaged = list(opened[0].part(task.tested[0]).damaged.values())
        if damaged:
            said.say(f"Note: {len(damaged)} pictures of {opened[0].name} cannot be read and are left out.")
        people = _people(split)
        told_people = None if people is None else len(np.unique(people))
        titles = _titles(rows, networks)
        where = told_of(len(split), told_people, opened[0].name)
        files = _written(subjects, rows, titles, where, output, options, target, said)
    return Randomized(output.folder, files, rows, titles, len(split), told_people, opened[0].name, damaged)


def _with_layers(subjects: Sequence[Subject], layer: str | None, mask_layer: str | None) -> list[Subject]:
    from rgaviz.analysis.subject import with_cam, with_masks

    return [with_masks(with_cam(subject, layer), mask_layer) for subject in subjects]


def _like(unlearnt: Subject, subject: Subject) -> Subject:
    """The network of random labels, with the layers of another one.

    Raises:
        RgavizError: it has no such layers, or other classes.
    """
    from rgaviz.analysis.subject import with_cam, with_masks

    ours, theirs = subject.checkpoint, unlearnt.checkpoint
    if len(ours.classes) != len(theirs.classes):
        raise RgavizError(
            f"{theirs.path} has {len(theirs.classes)} outputs, but {ours.path} {len(ours.classes)}: give networks that "
            "are built alike."
        )
    if not subject.mask_layers:
        return replace(with_cam(unlearnt, subject.cam_layer), mask_layers=())
    found = with_masks(with_cam(unlearnt, subject.cam_layer), ",".join(subject.mask_layers))
    if not found.mask_layers:
        raise RgavizError(
            f"{theirs.path} has no attention, but {ours.path} has: give networks that are built alike."
        )
    return found


def _people(split: Split) -> np.ndarray | None:
    """Whom each picture shows, (n,), where that is known; a picture of nobody is of one of its own."""
    if getattr(split, "cameras", None) is None:
        return None
    labels: list[int] = split.labels.tolist()  # pyright: ignore[reportAttributeAccessIssue]
    return np.array([who if who > 0 else -1 - place for place, who in enumerate(labels)])


def _titles(rows: Sequence[dict[str, Any]], subjects: Sequence[Subject]) -> dict[str, str]:
    """What maps are called, with the layer where that is the same for all networks."""
    from rgaviz.explain.methods import METHODS

    layers = {subject.cam_layer for subject in subjects}
    titles = {}
    for name in dict.fromkeys(row["map"] for row in rows):
        method, _, score = name.partition("/")
        if method in METHODS:
            about = ", ".join([*([score] if score else []), *(map(str, layers) if len(layers) == 1 else [])])
            titles[name] = f"{METHODS[method].title}{f' ({about})' if about else ''}"
        else:
            where, _, kind = name.rpartition("/")
            titles[name] = f"{kind.removeprefix('joint-')} mask ({where})"
    return titles


def told_of(pictures: int, people: int | None, dataset: str) -> str:
    """What was looked at, in words."""
    return f"{pictures} pictures of {dataset}{'' if people is None else f' that show {people} people'}"


def _written(
    subjects: Sequence[Subject],
    rows: Sequence[dict[str, Any]],
    titles: dict[str, str],
    where: str,
    output: Any,
    options: Any,
    target: str | None,
    said: Chosen,
) -> list[Path]:
    """Results, figure and tables."""
    from rgaviz.analysis.randomized import csv_table, tex_table
    from rgaviz.analysis.tables import write_figure
    from rgaviz.explain.likeness import LIKENESS
    from rgaviz.explain.randomized import SEED

    head = {
        "command": COMMAND,
        "command_line": said.command_line,
        "seed": SEED,
        "target": target,
        "checkpoints": [subject.record() for subject in subjects],
        "texts": {**titles, **{f"measure/{key}": title for key, title in LIKENESS.items()}},
    }
    numbers = {"likeness": [list(rows[0]), *(list(row.values()) for row in rows)]}
    comment = f"{where}; likeness to the trained network's maps, means with 95% bootstrap intervals"
    tables = {"csv": csv_table(rows), "tex": tex_table(rows, titles, comment)}
    return write_figure(output, head, numbers, options, tables)

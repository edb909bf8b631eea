"""Where networks look, as numbers: how much of each map lies on each part of what is in the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from rgaviz.errors import RgavizError, clipped, lookup, unknown_name, words
from rgaviz.progress import Say, Track

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.locating import Found
    from rgaviz.analysis.settings import Chosen, Settings
    from rgaviz.analysis.subject import Subject
    from rgaviz.data.truth import Truth

SEED = 0  # of the pictures drawn


@dataclass(frozen=True)
class Localized:
    """What came of a question.

    Attributes:
        folder: of the results.
        files: the figure, then the tables beside it.
        rows: of the table: a dictionary for each network, map, part and measure.
        titles: map -> what it is called.
        maps: of each network and map how many say nothing: ``network``, ``map``, ``pictures``, ``without_evidence``.
        pictures: how many were looked at.
        people: how many they show, whom intervals and tests are over; None where that is not known, and these are over
            pictures.
        source: where they come from.
        failures: a line for each picture that was left out.
    """

    folder: Path
    files: list[Path]
    rows: list[dict[str, Any]]
    titles: dict[str, str]
    maps: list[dict[str, Any]]
    pictures: int
    people: int | None
    source: str
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        files = [str(path) for path in self.files]
        kept = {key: value for key, value in vars(self).items() if key not in ("folder", "files")}
        return {"results": str(self.folder), "files": files, **kept}


def localize(
    checkpoints: Names,
    pictures: Names = (),
    out: Path | str | None = None,
    *,
    truth: Path | str | None = None,
    methods: Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: str | None = None,
    mask_layer: str | None = None,
    count: int | None = None,
    **settings: Unpack[Settings],
) -> Localized:
    """Measure how much of each map lies on each part, as ``rgaviz localize`` does: tables and a figure.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; others are compared with the first.
        pictures: the name of a data set whose parts are known, by default what the first network was trained on; with
            ``truth`` files, folders or patterns.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-localize/``.
        truth: a folder with a label PNG for each picture, see :func:`rgaviz.data.truth.folder_truth`.
        methods: of ``rgaviz.explain.methods.METHODS``, or ``all``.
        target: what the maps are about, as :func:`rgaviz.analysis.cam.cam` takes it.
        layer: of the class activation maps: a stage or a dotted module name; by default the last stage, or the last
            map.
        mask_layer: of the spatial masks; by default the deepest with attention.
        count: so many pictures, drawn with a fixed seed; by default all.
        settings: of :class:`rgaviz.analysis.settings.Settings`; the figure is a column wide where they do not say it.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    from rgaviz.analysis.cam import possible_methods
    from rgaviz.analysis.located import CSV
    from rgaviz.analysis.locating import locate
    from rgaviz.analysis.settings import chosen
    from rgaviz.analysis.subject import load_subjects, tell_notes
    from rgaviz.analysis.tables import TEX
    from rgaviz.devices import choose_device
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import claim, output_place, with_suffix

    said = chosen(settings)
    asked = _methods(methods)
    checkpoints, pictures = words(checkpoints, "Checkpoints", "rga.pt"), words(pictures, "Pictures", "people")
    if not checkpoints:
        raise RgavizError("There is no network to look into; name a checkpoint, such as rga.pt.")
    if count is not None and count < 1:
        raise RgavizError(f"--count {count} is out of range: choose 1 or more.")
    options = options_of({"width": "column", **with_suffix(said.figure, out)})
    output = output_place(out, "localize")
    place = None if truth is None else Path(truth)
    with alone(output.folder):
        beside, networks = {"csv": CSV, "tex": TEX}, [Path(str(each)) for each in checkpoints]
        claim(output, options.formats, tables=beside, inputs=networks)
        subjects = load_subjects(checkpoints, choose_device(said.device), said.given)
        tell_notes(subjects, said.say)
        possible, left_out = possible_methods(asked, subjects, target)
        asked = _methods(possible)
        for note in left_out:
            said.say(f"Note: {note}")
        subjects = _with_layers(subjects, layer, mask_layer, asked, said.say)
        known = _truth(
            [str(each) for each in pictures], place, subjects[0], output.folder, said.track, said.say
        )
        claim(output, options.formats, tables=beside, inputs=known.files)
        places = _drawn(known, count, said.say)
        found = locate(subjects, known, places, methods=asked, target=target, track=said.track)
        return _answer(subjects, known, found, output, options, target, said)


def _methods(methods: Sequence[str]) -> list[str]:
    """Those that are no floor.

    Raises:
        RgavizError: none is left, or one is unknown.
    """
    from rgaviz.analysis.cam import EVERY
    from rgaviz.analysis.locating import RANDOM
    from rgaviz.explain.methods import METHODS

    for name in (each for each in methods if each != EVERY):
        lookup(METHODS, name, "CAM method")
    asked = [name for name in dict.fromkeys(methods) if name != RANDOM]
    if not asked:
        raise RgavizError(f"{RANDOM} is the floor in every table; name another --method, such as gradcam.")
    return asked


def _with_layers(
    subjects: Sequence[Subject], layer: str | None, mask_layer: str | None, methods: Sequence[str], say: Say
) -> list[Subject]:
    from rgaviz.analysis.cam import method_notes
    from rgaviz.analysis.compare import layer_notes
    from rgaviz.analysis.subject import with_cam, with_masks

    shown = [with_masks(with_cam(subject, layer), mask_layer) for subject in subjects]
    if mask_layer and not any(subject.mask_layers for subject in shown):
        raise RgavizError(f"--mask-layer {mask_layer}: none of these networks has attention; leave it out.")
    for note in (*layer_notes(shown), *method_notes(methods)):
        say(f"Note: {note}")
    return shown


def _truth(
    words: Sequence[str], labels: Path | None, first: Subject, folder: Path, track: Track, say: Say
) -> Truth:
    """The pictures and their parts, as the words ask for them."""
    from rgaviz.analysis.images import measured_on
    from rgaviz.analysis.inputs import pictures_to_explain
    from rgaviz.data.sets import DATASETS, TRUTHS, load_truth
    from rgaviz.data.truth import folder_truth

    if labels is not None:
        if not words:
            raise RgavizError(f"--truth {labels} has labels, but there are no pictures; name them, too.")
        found = folder_truth(pictures_to_explain(words, folder, say), labels, track=track, say=say)
        return replace(found, people=_people_by_name(found.names))
    checkpoint = first.checkpoint
    known = ", ".join(TRUTHS)
    if len(words) > 1 or (words and words[0] not in DATASETS and Path(words[0]).exists()):
        raise RgavizError(f"Pictures need their labels with --truth DIR; or name one data set of {known}.")
    name = words[0] if words else checkpoint.dataset
    if (name in DATASETS and name not in TRUTHS) or name is None:
        raise RgavizError(
            f"{clipped(name or checkpoint.path)} does not say where what is in a picture; name a data set that does "
            f"({known}), or pictures with --truth DIR."
        )
    if name not in TRUTHS:
        raise unknown_name(name, TRUTHS, "data set with parts")
    size = measured_on(checkpoint).test_size if name == checkpoint.dataset else None
    return load_truth(name, image_size=checkpoint.image_size, test_size=size)


def _people_by_name(names: Sequence[str]) -> list[int]:
    """Who pictures show by their names, where all of these are as Market-1501's."""
    from rgaviz.data.sets.crops import names_of_files, parse_name

    pattern = names_of_files(None)
    told = [parse_name(PurePosixPath(name).name, pattern) for name in names]
    people = [who for who, _ in filter(None, told)]
    return people if len(people) == len(names) else []


def _drawn(truth: Truth, count: int | None, say: Say) -> list[int]:
    """The pictures to look at, by their places."""
    every = len(truth.names)
    if not every:
        raise RgavizError("There are no pictures to look at; name some, or a larger data set.")
    if count is None or count >= every:
        return list(range(every))
    say(f"Note: {count} of {every} pictures, drawn at random with seed {SEED}.")
    return sorted(np.random.default_rng(SEED).choice(every, count, replace=False).tolist())


def _answer(
    subjects: Sequence[Subject],
    truth: Truth,
    found: Found,
    output: Any,
    options: Any,
    target: str | None,
    said: Chosen,
) -> Localized:
    """Write the results, draw them, and tell."""
    from rgaviz.analysis.located import csv_table, map_rows, picture_rows, summary, tex_table
    from rgaviz.analysis.locating import title_of
    from rgaviz.analysis.tables import write_figure

    parts = list(truth.regions)
    rows = summary(found, parts, [subject.id for subject in subjects], said.track)
    titles = {kind.name: title_of(kind, subjects) for kind in found.numbers}
    header, *counted = map_rows(found)
    maps = [dict(zip(header, row, strict=True)) for row in counted]
    for each in maps:
        if each["without_evidence"]:
            whose = f"{each['network']}: " if each["network"] else ""
            said.say(
                f"Note: {whose}{each['without_evidence']} of {each['pictures']} maps of {titles[each['map']]} have no "
                "positive evidence and are left out."
            )
    head = {
        "command": "localize",
        "command_line": said.command_line,
        "seed": SEED,
        "target": target,
        "checkpoints": [subject.record() for subject in subjects],
        "texts": titles,
    }
    numbers = {
        "summary": [list(rows[0]), *(list(row.values()) for row in rows)],
        "maps": [header, *counted],
        "pictures": picture_rows(found, parts),
    }
    count = len(found.names)
    people = None if found.people is None else len(np.unique(found.people))
    told = f"{count} pictures ({clipped(truth.source)})"
    comment = f"{told}; means with 95% bootstrap intervals over {drawn_from(people)}"
    tables = {"csv": csv_table(rows), "tex": tex_table(rows, titles, comment)}
    files = write_figure(output, head, numbers, options, tables)  # pyright: ignore[reportArgumentType]
    return Localized(output.folder, files, rows, titles, maps, count, people, truth.source, found.failures)


def drawn_from(people: int | None) -> str:
    """What intervals and tests are over."""
    return "pictures" if people is None else f"{people} people with all their pictures"

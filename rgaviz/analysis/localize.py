"""Where networks look, as numbers: how much of each map lies on each part of pictures, and how well it outlines it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from rgaviz.errors import RgavizError, clipped, lookup, words
from rgaviz.progress import Say

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.locating import Found
    from rgaviz.analysis.settings import Chosen, Settings
    from rgaviz.analysis.subject import Subject
    from rgaviz.data.truth import Truth
    from rgaviz.outputs import Output

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
    data_dir: Path | str | None = None,
    methods: Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: str | None = None,
    mask_layer: str | None = None,
    count: int | None = None,
    resume: bool = False,
    **settings: Unpack[Settings],
) -> Localized:
    """Measure how much of each map lies on each part and how well it outlines it, as ``rgaviz localize`` does.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; others are compared with the first.
        pictures: the name of a data set whose parts are known, by default what the first network was trained on; with
            ``truth`` files, folders or patterns.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-localize/``.
        truth: a folder with a label PNG for each picture, see :func:`rgaviz.data.truth.folder_truth`, or with an XML
            file of Pascal VOC's; or a JSON file of COCO's.
        data_dir: where the pictures of the data set are, for one that is not generated.
        methods: of ``rgaviz.explain.methods.METHODS``, or ``all``.
        target: what the maps are about, as :func:`rgaviz.analysis.cam.cam` takes it.
        layer: of the class activation maps: a stage or a dotted module name; by default the last stage, or the last
            map.
        mask_layer: of the spatial masks; by default the deepest with attention.
        count: so many pictures, drawn with a fixed seed; by default all.
        resume: go on with what the same command, stopped among many pictures, has done.
        settings: of :class:`rgaviz.analysis.settings.Settings`; the figure is a column wide where they do not say it.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    from rgaviz.analysis.blocks import blocks_of
    from rgaviz.analysis.cam import possible_methods
    from rgaviz.analysis.known import drawn, known_pictures
    from rgaviz.analysis.locating import locate
    from rgaviz.analysis.numbers import question
    from rgaviz.analysis.settings import chosen
    from rgaviz.analysis.subject import load_subjects, tell_notes
    from rgaviz.devices import choose_device
    from rgaviz.figures.sheet import few
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import output_place, with_suffix

    said = chosen(settings)
    asked = _methods(methods)
    checkpoints, pictures = words(checkpoints, "Checkpoints", "rga.pt"), words(pictures, "Pictures", "people")
    if not checkpoints:
        raise RgavizError("There is no network to look into; name a checkpoint, such as rga.pt.")
    if count is not None and count < 1:
        raise RgavizError(f"--count {count} is out of range: choose 1 or more.")
    options = options_of({"width": "column", **with_suffix(said.figure, out)})
    output = output_place(out, "localize")
    told_by, folder = (None if each is None else Path(each) for each in (truth, data_dir))
    with alone(output.folder):
        _claim(output, options.formats, [Path(str(each)) for each in checkpoints])
        subjects = load_subjects(checkpoints, choose_device(said.device), said.given)
        tell_notes(subjects, said.say)
        possible, left_out = possible_methods(asked, subjects, target)
        asked = _methods(possible)
        for note in left_out:
            said.say(f"Note: {note}")
        subjects = _with_layers(subjects, layer, mask_layer, asked, said.say)
        known = known_pictures(
            [str(each) for each in pictures], told_by, folder, subjects[0], output.folder, said
        )
        for note in known.notes:
            said.say(f"Note: {note}")
        _claim(output, options.formats, known.files)
        few(list(known.regions), "parts")
        chosen_ones = drawn(known, count, SEED, said.say)
        names = [known.names[place] for place in chosen_ones]
        asks = question(
            "localize", subjects, names, known.files, methods=asked, target=target, source=known.source
        )
        kept = blocks_of(len(names), output.folder, asks, resume=resume, say=said.say)
        with kept as blocks:
            found = locate(
                subjects, known, chosen_ones, methods=asked, target=target, track=said.track, blocks=blocks
            )
            return _answer(subjects, known, found, output, options, target, said)


def _claim(output: Output, formats: Sequence[str], inputs: Iterable[Path]) -> None:
    """Make sure that figure and tables may be written.

    Raises:
        OutputError: see :func:`rgaviz.outputs.claim`.
    """
    from rgaviz.analysis.located import CSV
    from rgaviz.analysis.tables import TEX
    from rgaviz.figures.thresholds import page_of_curves
    from rgaviz.outputs import claim

    inputs = list(inputs)
    claim(output, formats, tables={"csv": CSV, "tex": TEX}, inputs=inputs)
    claim(output, formats, pages=[output.page(*page_of_curves())], inputs=inputs)


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
    from rgaviz.analysis.thresholds import curve_rows

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
        "curves": curve_rows(found, parts),
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

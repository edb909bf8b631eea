"""Whether networks go by what their maps show: their scores while pictures are changed in the order of the maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rgaviz.errors import RgavizError, clipped, lookup, words

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.perturbing import Found
    from rgaviz.analysis.sample import Sample
    from rgaviz.analysis.settings import Chosen, Settings
    from rgaviz.analysis.subject import Subject
    from rgaviz.figures.style import FigureOptions
    from rgaviz.outputs import Output

COUNT = 100  # pictures
STEPS = 20
MOST_STEPS = 1000


@dataclass(frozen=True)
class Faithfulness:
    """What came of a question.

    Attributes:
        folder: of the results.
        files: the figure, then the tables beside it.
        rows: of the table: a dictionary for each network, map and measure.
        titles: map -> what it is called.
        score: what the score is, in words.
        pictures: how many were measured on.
        people: how many they show, whom intervals and tests are over; None where that is not known, and these are over
            pictures.
        source: where they come from.
        failures: a line for each picture that was left out.
    """

    folder: Path
    files: list[Path]
    rows: list[dict[str, Any]]
    titles: dict[str, str]
    score: str
    pictures: int
    people: int | None
    source: str
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        files = [str(path) for path in self.files]
        kept = {key: value for key, value in vars(self).items() if key not in ("folder", "files")}
        return {"results": str(self.folder), "files": files, **kept}


def faithfulness(
    checkpoints: Names,
    pictures: Names = (),
    out: Path | str | None = None,
    *,
    measures: Sequence[str] = ("all",),
    methods: Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: str | None = None,
    mask_layer: str | None = None,
    steps: int = STEPS,
    count: int = COUNT,
    data_dir: Path | str | None = None,
    resume: bool = False,
    **settings: Unpack[Settings],
) -> Faithfulness:
    """Measure how each network's score follows its maps, as ``rgaviz faithfulness`` does: tables and curves.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; others are compared with the first.
        pictures: the name of a data set, by default what the first network was trained on; or files, folders or
            patterns.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-faithfulness/``.
        measures: of ``rgaviz.analysis.faithful.MEASURES``, or ``all``.
        methods: of ``rgaviz.explain.methods.METHODS``, or ``all``.
        target: what the maps are about, as :func:`rgaviz.analysis.cam.cam` takes it; one score.
        layer: of the class activation maps: a stage or a dotted module name; by default the last stage, or the last
            map.
        mask_layer: of the spatial masks; by default the deepest with attention.
        steps: in which pixels are deleted and inserted.
        count: so many pictures, drawn with a fixed seed.
        data_dir: where the data set lies.
        resume: go on with what the same command, stopped among many pictures, has done.
        settings: of :class:`rgaviz.analysis.settings.Settings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    from rgaviz.analysis.blocks import blocks_of
    from rgaviz.analysis.faithful import CSV, CURVES
    from rgaviz.analysis.numbers import question
    from rgaviz.analysis.perturbing import Asked, perturb
    from rgaviz.analysis.sample import sample
    from rgaviz.analysis.settings import chosen
    from rgaviz.analysis.subject import load_subjects, one_task, tell_notes
    from rgaviz.analysis.tables import TEX
    from rgaviz.devices import choose_device
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import claim, output_place, with_suffix

    said = chosen(settings)
    wanted, asked = chosen_measures(measures), _methods(methods)
    checkpoints, pictures = words(checkpoints, "Checkpoints", "rga.pt"), words(pictures, "Pictures", "people")
    if not checkpoints:
        raise RgavizError("There is no network to measure; name a checkpoint, such as rga.pt.")
    if count < 1:
        raise RgavizError(f"--count {count} is out of range: choose 1 or more.")
    if not set(CURVES) & set(wanted):
        raise RgavizError(f"The figure is of curves; name one of {', '.join(CURVES)} with --measure, too.")
    if not 1 <= steps <= MOST_STEPS:
        raise RgavizError(f"--steps {steps} is out of range: choose 1 to {MOST_STEPS}.")
    options = options_of(with_suffix(said.figure, out))
    output = output_place(out, "faithfulness")
    with alone(output.folder):
        beside, networks = {"csv": CSV, "tex": TEX}, [Path(str(each)) for each in checkpoints]
        claim(output, options.formats, tables=beside, inputs=networks)
        subjects = load_subjects(checkpoints, choose_device(said.device), said.given)
        one_task(
            subjects,
            "whose scores mean different things; measure those of each task in a command of its own.",
        )
        tell_notes(subjects, said.say)
        asked, subjects = _with_layers(subjects, layer, mask_layer, asked, target, said)
        place = None if data_dir is None else Path(data_dir)
        known = sample(
            [str(each) for each in pictures], place, subjects[0], output.folder, said.track, said.say
        )
        claim(output, options.formats, tables=beside, inputs=known.files)
        places = known.drawn(count, said.say)
        what = Asked(asked, target, wanted, steps)
        names = [known.names[place] for place in places]
        asks = question("faithfulness", subjects, names, known.files, what=repr(what), source=known.source)
        with blocks_of(len(names), output.folder, asks, resume=resume, say=said.say) as blocks:
            found = perturb(subjects, known, places, what, said.track, blocks)
            wanted = _meaning(wanted, found, said)
            return _answer(subjects, known, found, wanted, steps, target, output, options, said)


def chosen_measures(measures: Sequence[str]) -> list[str]:
    """Measures in their order.

    Raises:
        RgavizError: one is unknown, or there are none.
    """
    from rgaviz.analysis.faithful import MEASURES

    if not measures:
        raise RgavizError("There is nothing to measure; name a --measure, such as deletion.")
    for name in (each for each in measures if each != "all"):
        lookup(MEASURES, name, "measure")
    return [name for name in MEASURES if name in measures or "all" in measures]


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
    subjects: Sequence[Subject],
    layer: str | None,
    mask_layer: str | None,
    methods: Sequence[str],
    target: str | None,
    said: Chosen,
) -> tuple[list[str], list[Subject]]:
    """The methods that are possible, and the networks with the layers of their maps."""
    from rgaviz.analysis.cam import method_notes, possible_methods
    from rgaviz.analysis.compare import layer_notes
    from rgaviz.analysis.subject import with_cam, with_masks

    shown = [with_masks(with_cam(subject, layer), mask_layer) for subject in subjects]
    if mask_layer and not any(subject.mask_layers for subject in shown):
        raise RgavizError(f"--mask-layer {mask_layer}: none of these networks has attention; leave it out.")
    possible, left_out = possible_methods(methods, subjects, target)
    possible = _methods(possible)
    for note in (*left_out, *layer_notes(shown), *method_notes(possible)):
        said.say(f"Note: {note}")
    return possible, shown


def _meaning(measures: Sequence[str], found: Found, said: Chosen) -> list[str]:
    """The measures that mean something; what a reader must know of the others.

    Raises:
        RgavizError: there is nothing to draw.
    """
    from rgaviz.analysis.faithful import INCREASE, has_curve

    if not has_curve(found):
        raise RgavizError(
            "Not one map says anything of these pictures, or the target has no score in them; choose another --target "
            "or --layer."
        )
    if INCREASE in measures and not found.rises:
        said.say(
            f"Note: the {found.score} is never above that of the picture as it is, so no {INCREASE} is told."
        )
    if "road" in measures and found.too_large:
        said.say(
            f"Note: ROAD solves an equation for each pixel that is removed: {found.too_large} pictures have more than "
            "512x512, and none."
        )
    return [name for name in measures if name != INCREASE or found.rises]


def _answer(
    subjects: Sequence[Subject],
    known: Sample,
    found: Found,
    measures: Sequence[str],
    steps: int,
    target: str | None,
    output: Output,
    options: FigureOptions,
    said: Chosen,
) -> Faithfulness:
    """Write the results, draw them, and tell."""
    import numpy as np

    from rgaviz.analysis.faithful import csv_table, curve_rows, map_rows, picture_rows, summary, tex_table
    from rgaviz.analysis.localize import drawn_from
    from rgaviz.analysis.locating import title_of
    from rgaviz.analysis.perturbing import ORDER, SEED
    from rgaviz.analysis.tables import write_figure

    rows = summary(found, measures, [subject.id for subject in subjects], said.track)
    titles = {
        kind.name: "random order" if kind.name == ORDER else title_of(kind, subjects)
        for kind in found.numbers
    }
    header, *maps = map_rows(found)
    for network, _, name, count, orderless, scoreless in maps:
        if orderless:
            said.say(
                f"Note: {network}: {orderless} of {count} maps of {titles[name]} say nothing, and are left out."
            )
        if scoreless and name == ORDER:
            said.say(
                f"Note: {network}: the target has no score in {scoreless} of {count} pictures, left out."
            )
    head = {
        "command": "faithfulness",
        "command_line": said.command_line,
        "seed": SEED,
        "target": target,
        "checkpoints": [subject.record() for subject in subjects],
        "texts": {**titles, "score": found.score},
    }
    numbers = {
        "summary": [list(rows[0]), *(list(row.values()) for row in rows)],
        "curves": curve_rows(found, steps),
        "maps": [header, *maps],
        "pictures": picture_rows(found, measures),
    }
    count = len(found.names)
    people = None if found.people is None else len(np.unique(found.people))
    told = f"{count} pictures ({clipped(known.source)}), score: {found.score}"
    comment = f"{told}; means with 95% bootstrap intervals over {drawn_from(people)}"
    tables = {"csv": csv_table(rows), "tex": tex_table(rows, titles, comment)}
    files = write_figure(output, head, numbers, options, tables)  # pyright: ignore[reportArgumentType]
    return Faithfulness(
        output.folder, files, rows, titles, found.score, count, people, known.source, found.failures
    )

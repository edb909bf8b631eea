"""What attention does over a whole data set, class by class: of channels and of positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from rgaviz.errors import RgavizError, clipped, unknown_name, words
from rgaviz.progress import Say

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.gathering import Gathered
    from rgaviz.analysis.grouped import Grouped
    from rgaviz.analysis.settings import Chosen, Settings
    from rgaviz.analysis.subject import Subject
    from rgaviz.figures.style import FigureOptions
    from rgaviz.outputs import Output

SEED = 0  # of the pictures drawn
SHOWN, MOST_SHOWN = 5, 7  # classes in the figure: by default, at most


@dataclass(frozen=True)
class Statistics:
    """What came of a question.

    Attributes:
        folder: of the results.
        files: the figures, then the tables beside them.
        rows: of the table: a dictionary for each network, mask and class, that of all pictures first.
        differing: the channels of each network and mask that differ most between classes.
        by: what classes are: ``class``, ``camera``, ``identity`` or ``none``.
        shown: the classes in the figure.
        pictures: how many were looked at.
        source: where they come from.
        failures: a line for each picture that was left out.
        left_out: pages that were not drawn.
    """

    folder: Path
    files: list[Path]
    rows: list[dict[str, Any]]
    differing: list[dict[str, Any]]
    by: str
    shown: list[str]
    pictures: int
    source: str
    failures: list[str]
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        files = [str(path) for path in self.files]
        kept = {key: value for key, value in vars(self).items() if key not in ("folder", "files", "left_out")}
        return {"results": str(self.folder), "files": files, **kept}


def statistics(
    checkpoints: Names,
    dataset: str | Sequence[str] | None = None,
    out: Path | str | None = None,
    *,
    data_dir: Path | str | None = None,
    pattern: str | None = None,
    part: str | None = None,
    by: str | None = None,
    show: str | Sequence[str] = (),
    layer: str = "all",
    threshold: float | None = None,
    count: int | None = None,
    resume: bool = False,
    **settings: Unpack[Settings],
) -> Statistics:
    """Look at the masks of networks over a data set, as ``rgaviz statistics`` does: figures and tables.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``, of one task; those without masks are left out.
        dataset: a key of ``DATASETS``, by default what the first network was trained on.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-statistics/``.
        data_dir: where the images are.
        pattern: of names of files, for a data set that takes one.
        part: of the data set, by default those that networks of this task are measured on.
        by: ``class``, ``camera``, ``identity`` or ``none``; by default cameras where there are some, else classes.
        show: classes in the figure, by default the first five.
        layer: stages with attention joined by commas, or ``all``.
        threshold: above it a position counts as attended to, in [0, 1]; by default 0.5.
        count: so many pictures, drawn with a fixed seed; by default all.
        resume: go on with what the same command, stopped among many pictures, has done.
        settings: of :class:`rgaviz.analysis.settings.Settings`; maps are opaque where they do not say it.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    from rgaviz.analysis.blocks import blocks_of
    from rgaviz.analysis.gathering import gather
    from rgaviz.analysis.grouped import grouped
    from rgaviz.analysis.mask_tables import CHANNELS, SUMMARY
    from rgaviz.analysis.numbers import question
    from rgaviz.analysis.settings import chosen
    from rgaviz.analysis.subject import load_subjects, tell_notes
    from rgaviz.analysis.tables import TEX
    from rgaviz.devices import choose_device
    from rgaviz.explain.statistics import THRESHOLD
    from rgaviz.figures.mask_statistics import statistics_names
    from rgaviz.figures.names import check_names
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import claim, output_place, with_suffix

    said = chosen(settings)
    names, wanted = words(checkpoints, "Checkpoints", "rga.pt"), words(show, "Classes", "cat")
    name = _dataset(dataset)
    limit = _checked(THRESHOLD if threshold is None else threshold, count, wanted)
    if not names:
        raise RgavizError("There is no network to look into; name a checkpoint, such as rga.pt.")
    options = options_of({"alpha": 1.0, **with_suffix(said.figure, out)})
    output = output_place(out, "statistics")
    place = None if data_dir is None else Path(data_dir)
    with alone(output.folder):
        beside = {
            "csv": ",".join(SUMMARY),
            "channels.csv": ",".join(CHANNELS),
            "tex": f"{TEX} statistics",
        }
        pages = [output.page(*each) for each in statistics_names()]
        claim(output, options.formats, pages=pages, tables=beside, inputs=[Path(str(each)) for each in names])
        subjects = load_subjects(names, choose_device(said.device), said.given)
        tell_notes(subjects, said.say)
        subjects = _with_masks(subjects, layer, said.say)
        check_names(options.names, [subject.id for subject in subjects])
        pictures = grouped(
            subjects, name, data_dir=place, pattern=pattern, part=part, by=by, track=said.track
        )
        for note in pictures.notes:
            said.say(f"Note: {note}")
        shown = _shown(pictures, wanted)
        numbers = _drawn(len(pictures.places), count, said.say)
        asks = question(
            "statistics",
            subjects,
            [str(number) for number in numbers],
            [],
            pictures=[pictures.name, *pictures.parts, pictures.source, pictures.by, *pictures.groups],
            threshold=limit,
        )
        with blocks_of(len(numbers), output.folder, asks, resume=resume, say=said.say) as blocks:
            found = gather(subjects, pictures, numbers, threshold=limit, track=said.track, blocks=blocks)
            _tell(found, said.say)
            return _answer(subjects, pictures, found, shown, output, options, limit, said)


def _dataset(given: str | Sequence[str] | None) -> str | None:
    """The one data set that is named, if there is one."""
    named = [] if given is None else words(given, "Data sets", "cifar10")
    if len(named) > 1:
        told = " and ".join(clipped(each, 40) for each in named[:2])
        raise RgavizError(f"Masks are looked at over one data set, and these are {told}: name one.")
    return str(named[0]) if named else None


def _checked(threshold: float, count: int | None, show: Sequence[str]) -> float:
    if not 0 <= threshold <= 1:
        raise RgavizError(f"--threshold {threshold} is out of range: masks lie from 0 to 1.")
    if count is not None and count < 1:
        raise RgavizError(f"--count {count} is out of range: choose 1 or more.")
    if len(show) > MOST_SHOWN:
        raise RgavizError(
            f"--show has {len(show)} classes, and a figure shows {MOST_SHOWN} at most: name fewer."
        )
    return threshold


def _with_masks(subjects: Sequence[Subject], layer: str, say: Say) -> list[Subject]:
    """The networks with masks; a line for each other one, of which there must be fewer than all."""
    from rgaviz.analysis.subject import with_masks
    from rgaviz.explain.gates import gated_layers

    without = [each for each in subjects if not gated_layers(each.checkpoint.model)]
    if len(without) == len(subjects):
        with_masks(subjects[0], layer, required=True)
    for each in without:
        say(
            f"Note: {each.checkpoint.path} has no attention that ends in a gate, so no masks, and is left out."
        )
    return [with_masks(each, layer) for each in subjects if each not in without]


def _shown(pictures: Grouped, wanted: Sequence[str]) -> list[int]:
    """The places of the classes in the figure."""
    from rgaviz.analysis.grouped import BY

    if wanted and not pictures.groups:
        raise RgavizError(
            f"--show {clipped(wanted[0])}: these pictures are looked at all together; leave it out."
        )
    for each in wanted:
        if each not in pictures.groups:
            raise unknown_name(each, pictures.groups, f"name among the {BY[pictures.by]}")
    if not wanted:
        return list(range(len(pictures.groups)))[:SHOWN]
    return [list(pictures.groups).index(each) for each in dict.fromkeys(wanted)]


def _drawn(every: int, count: int | None, say: Say) -> list[int]:
    """The numbers of the pictures to look at."""
    if not every:
        raise RgavizError("There are no pictures to look at; name a larger data set.")
    if count is None or count >= every:
        return list(range(every))
    say(f"Note: {count} of {every} pictures, drawn at random with seed {SEED}.")
    return sorted(np.random.default_rng(SEED).choice(every, count, replace=False).tolist())


def _tell(found: Gathered, say: Say) -> None:
    """Say where a number means nothing, or less than it seems."""
    for (network, mask), tallies in found.tallies.items():
        seen = sum(each.values.count for each in tallies)
        without = seen - sum(each.numbers["entropy"].count for each in tallies)
        single = int(tallies[0].values.mean.size) == 1
        if broken := found.unsound[network, mask]:
            say(f"Note: {network}: {broken} of {seen + broken} masks {mask} are not finite and are left out.")
        if single:
            say(f"Note: {network}: masks {mask} are a single value each, which has no entropy.")
        elif without:
            say(
                f"Note: {network}: {without} of {seen} masks {mask} are zero everywhere: no entropy, no centre."
            )
        if (network, mask) in found.resized:
            say(
                f"Note: {network}: masks {mask} are of several sizes; their mean is at the size of the first one."
            )


def _answer(
    subjects: Sequence[Subject],
    pictures: Grouped,
    found: Gathered,
    shown: Sequence[int],
    output: Output,
    options: FigureOptions,
    threshold: float,
    said: Chosen,
) -> Statistics:
    """Write the results, draw them, and tell."""
    from rgaviz.analysis.mask_results import write_results
    from rgaviz.analysis.mask_tables import channels_csv, csv_table, differing, summary, tex_table
    from rgaviz.analysis.tables import write_tables
    from rgaviz.figures.draw import draw
    from rgaviz.outputs import record_files

    rows = summary(found)
    write_results(
        subjects, pictures, found, rows, shown, output.folder, options, threshold, said.command_line
    )
    total = int(found.counts.sum())
    source = f"{pictures.name}, {' and '.join(pictures.parts)}, {pictures.source}"
    comment = f"{total} pictures ({clipped(source)}); means over pictures"
    tables = {"csv": csv_table(rows), "tex": tex_table(rows, comment)}
    if any(each[0].values.mean.ndim == 1 for each in found.tallies.values()):
        tables["channels.csv"] = channels_csv(found)
    record_files(output.folder, [output.stem.with_name(f"{output.stem.name}.{name}") for name in tables])
    drawn = draw(output.folder, output, options)
    for note in drawn.notes:
        said.say(f"Note: {note}")
    files = [*drawn.paths, *write_tables(output, tables)]
    named = [pictures.groups[place] for place in shown]
    return Statistics(
        output.folder,
        files,
        rows,
        differing(found),
        pictures.by,
        named,
        total,
        source,
        found.failures,
        drawn.left_out,
    )

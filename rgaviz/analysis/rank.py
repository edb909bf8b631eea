"""Whom networks take for whom: a gallery ranked for queries, with maps of where they look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from rgaviz.analysis.answer import Names
from rgaviz.analysis.inputs import pictures_to_explain
from rgaviz.analysis.overlays import OVERLAYS, overlays_of
from rgaviz.analysis.picking import COUNT, PICKS, SEED, picked
from rgaviz.analysis.ranked import Found
from rgaviz.analysis.ranking_results import HITS, write_rankings
from rgaviz.analysis.request import versions
from rgaviz.analysis.search import Search, found_for, orders, searched, tell_unmatched
from rgaviz.analysis.settings import Settings, chosen
from rgaviz.analysis.subject import Subject, load_subjects, tell_notes
from rgaviz.data.sets.crops import names_of_files
from rgaviz.devices import choose_device
from rgaviz.errors import RgavizError, lookup, words
from rgaviz.figures.draw import claim_figure, draw, record_options
from rgaviz.figures.names import check_names
from rgaviz.figures.style import FigureOptions, options_of
from rgaviz.locks import alone
from rgaviz.outputs import given_place, output_place, with_suffix
from rgaviz.tasks.reid import ReIdentification

MOST = 100  # pictures of the gallery in a row
TITLE = "query"


@dataclass(frozen=True)
class Ranked:
    """What came of ranking.

    Attributes:
        folder: of the results; :func:`rgaviz.results.reader.read_results` reads it.
        files: the figure's, then the page for browsers.
        found: what each network finds for each query.
        gallery: what was looked through, in words.
        failures: one line for each picture that was left out.
        left_out: pages that were not drawn.
    """

    folder: Path
    files: list[Path]
    found: list[Found]
    gallery: str
    failures: list[str]
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "results": str(self.folder),
            "files": [str(path) for path in self.files],
            "gallery": self.gallery,
            "queries": [each.to_dict() for each in self.found],
            "failures": self.failures,
        }


def rank(
    checkpoints: Names,
    queries: Names = (),
    out: Path | str | None = None,
    *,
    gallery: Path | str | None = None,
    data_dir: Path | str | None = None,
    pattern: str | None = None,
    top: int = 10,
    overlay: str = "none",
    pick: str | None = None,
    count: int | None = None,
    choices: Mapping[str, Any] | None = None,
    **settings: Unpack[Settings],
) -> Ranked:
    """Rank a gallery for queries by re-identification networks, as ``rgaviz rank`` does.

    Args:
        checkpoints: files of re-identification networks.
        queries: pictures of people to look for: files, folders or patterns; by default queries of the data set.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-rank/``.
        gallery: a data set or a folder of crops; by default the data set the networks were trained on.
        data_dir: where the pictures of the data set are.
        pattern: of names of files, a regular expression with groups ``id`` and ``camera``.
        top: how many of the best are shown of each ranking.
        overlay: what lies over the pictures: ``none``, ``mask``, or ``cam``, why each is alike to the query.
        pick: which queries of the data set: a key of ``rgaviz.analysis.picking.PICKS``; by default ``random``.
        count: how many of those; by default 4.
        choices: how pictures are compared, where not as usual: fields of :class:`rgaviz.tasks.matching.Matching`.
        settings: of :class:`rgaviz.analysis.settings.Settings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    said = chosen(settings)
    checkpoints, queries = words(checkpoints, "Checkpoints", "rga.pt"), words(queries, "Queries", "crops")
    _check(checkpoints, queries, top, overlay, pick, count)
    task = ReIdentification().measuring(**(choices or {}))
    names_of_files(pattern)
    place = None if out is None else given_place(out)
    options = options_of(with_suffix(said.figure, place))
    output = output_place(place, "rank")
    sought = pictures_to_explain([str(each) for each in queries], output.folder, said.say) if queries else []
    failures: list[str] = []
    where = None if data_dir is None else Path(data_dir)
    named = None if gallery is None else str(gallery)
    with alone(output.folder):
        inputs = [*map(Path, checkpoints), *(each.path for each in sought)]
        claim_figure("rank", output, options, inputs=inputs)
        subjects = load_subjects(checkpoints, choose_device(said.device), said.given)
        tell_notes(subjects, said.say)
        check_names(options.names, [subject.id for subject in subjects])
        _refuse_others(subjects)
        overlays = overlays_of(subjects, task, overlay)
        search = searched(overlays, sought, named, where, pattern, failures, said.track, said.say)
        made = orders(search, task, min(top, len(search.gallery)), where, said.track)
        tell_unmatched(search, made[0].ranking, shown=bool(sought), say=said.say)
        numbers = list(range(len(search.queries)))
        if not sought:
            numbers = picked(pick or "random", [each.ranking for each in made], count or COUNT)
        found = {number: found_for(number, search, made) for number in numbers}
        head = _head(search, task, made[0].ranking.order.shape[1], len(failures), options, said.command_line)
        write_rankings(output.folder, head, search, made, found, said.track)
        drawn = draw(output.folder, output, options)
        for note in drawn.notes:
            said.say(f"Note: {note}")
    told = [each for several in found.values() for each in several]
    return Ranked(output.folder, drawn.paths, told, head["texts"][HITS], failures, drawn.left_out)


def _check(
    checkpoints: Sequence[Any],
    queries: Sequence[Any],
    top: int,
    overlay: str,
    pick: str | None,
    count: int | None,
) -> None:
    """What is cheap to refuse."""
    if not checkpoints:
        raise RgavizError("There is no network that ranks; name one for re-identification, such as rga.pt.")
    if not 1 <= top <= MOST:
        raise RgavizError(f"--top {top} is out of range: choose 1 to {MOST}.")
    lookup(dict.fromkeys(OVERLAYS), overlay, "overlay (--overlay)")
    lookup(PICKS, pick or "random", "way to pick queries (--pick)")
    if count is not None and count < 1:
        raise RgavizError(f"--count {count} shows no query: choose 1 or more.")
    if queries and (pick or count):
        option = "--pick" if pick else "--count"
        raise RgavizError(f"{option} is for queries of a data set, and these were named: drop it, or them.")
    if pick == "improved" and len(checkpoints) < 2:
        raise RgavizError("--pick improved compares the first two networks: name another one.")


def _refuse_others(subjects: Sequence[Subject]) -> None:
    """Refuse networks that compare no pictures."""
    for subject in subjects:
        if not isinstance(subject.checkpoint.task, ReIdentification):
            raise RgavizError(
                f"{subject.checkpoint.path} is a network for {subject.checkpoint.task.name}, which compares no people: "
                "name one for reid, as rgaviz train people gives it."
            )


def _head(
    search: Search,
    task: ReIdentification,
    top: int,
    left_out: int,
    options: FigureOptions,
    command_line: str,
) -> dict[str, Any]:
    """The manifest without what the pictures add."""
    chosen = task.matching
    how = f"{chosen.distance} distance of embeddings {chosen.neck} the neck"
    how += ", re-ranked" if chosen.rerank else ""
    how += ", within the camera, too" if chosen.within_camera else ""
    less = f" ({left_out:,} that cannot be read are left out)" if left_out else ""
    return {
        "command": "rank",
        "command_line": command_line,
        "seed": SEED,
        "versions": versions(),
        "target": "similarity" if any(subject.cam_layer for subject in search.subjects) else None,
        "checkpoints": [subject.record() for subject in search.subjects],
        "titles": [TITLE, *map(str, range(1, top + 1)), ""],  # the last of what came of it
        "figure": record_options(options),
        "texts": {HITS: f"{search.where}, {len(search.gallery):,} pictures{less}; {how}"},
    }

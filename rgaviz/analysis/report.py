"""Trainings and results as one page for browsers: what was set, measured and seen, to be sorted and looked into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import OutputError, RgavizError, clipped, words
from rgaviz.progress import Say, hush

if TYPE_CHECKING:
    from rgaviz.analysis.recorded import Found
    from rgaviz.figures.report import Grid, ReportContent, ResultsPart, RunPart

PAGE = "report.html"  # in a folder
USUAL = "rgaviz-report.html"
SUFFIXES = (".html", ".htm")
COUNT = 500  # rows of a gallery


@dataclass(frozen=True)
class Reported:
    """What came of a report.

    Attributes:
        file: the page.
        runs: folders of trainings in it.
        results: folders of results in it.
        rows: of all galleries.
        bytes: of the page.
        notes: what was left out.
    """

    file: Path
    runs: list[str]
    results: list[str]
    rows: int
    bytes: int
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "file": str(self.file)}


def report(
    runs: Sequence[Path | str] | Path | str,
    out: Path | str | None = None,
    *,
    title: str | None = None,
    count: int = COUNT,
    say: Say = hush,
) -> Reported:
    """Write one page about trainings and results, as ``rgaviz report`` does.

    Args:
        runs: folders of trainings or results; what lies in them is found.
        out: the page (``.html``) or a folder; by default ``./rgaviz-report.html``.
        title: of the page; by default the names of the folders.
        count: rows of each gallery, at most.
        say: is told what was left out.

    Raises:
        RgavizError: nothing to tell of, results that cannot be read, or a file of someone else's in the way.
    """
    from rgaviz.analysis.recorded import look_into
    from rgaviz.figures.report import claim_report, save_report

    paths = [Path(each) for each in words(runs, "Folders", "runs/shapes")]
    if not paths:
        raise RgavizError("There is nothing to report on; name the folder of a training, or of results.")
    if count < 1:
        raise RgavizError(f"--count {count} is out of range: choose 1 or more.")
    place = page_place(out)
    claim_report(place)
    notes: list[str] = []

    def tell(text: str) -> None:
        notes.append(text.removeprefix("Note: "))
        say(text)

    found = look_into(paths, tell)
    content = _content(found, title or f"Report on {clipped(', '.join(map(str, paths)), 100)}", tell)
    written = save_report(content, place, count)
    for note in written.notes:
        tell(f"Note: {note}")
    size = place.stat().st_size
    return Reported(
        place,
        [str(each) for each in found.runs],
        [str(each) for each in found.results],
        written.rows,
        size,
        notes,
    )


def page_place(out: Path | str | None) -> Path:
    """Where the page goes.

    Raises:
        OutputError: the name of a file of another kind.
    """
    from rgaviz.outputs import FIGURE_SUFFIXES, OTHER_SUFFIXES, given_place

    if out is None:
        return Path(USUAL)
    place = given_place(out)
    if place.suffix.lower() in SUFFIXES and not place.is_dir():
        return place
    if place.suffix.lower() in (*FIGURE_SUFFIXES, *OTHER_SUFFIXES) and not place.is_dir():
        raise OutputError(
            f"{place}: a report is a page, not {place.suffix}; name it {place.with_suffix('.html')}"
        )
    return place / PAGE


def _content(found: Found, title: str, say: Say) -> ReportContent:
    """All that the page tells."""
    from rgaviz.figures.report import ReportContent
    from rgaviz.figures.sorting import table_keys

    results = [_of_results(folder, found) for folder in found.results]
    runs, others = len(found.runs), len(found.results)
    counted = [(runs, "training", "trainings"), (others, "folder of results", "folders of results")]
    about = ", ".join(f"{count} {one if count == 1 else more}" for count, one, more in counted if count)
    keys = table_keys((part.title, part.results) for part in results)
    return ReportContent(
        clipped(title, 200),
        [about],
        _tables(found, say),
        [_of_run(folder, found) for folder in found.runs],
        results,
        keys,
    )


def _of_run(folder: Path, found: Found) -> RunPart:
    from rgaviz.analysis.recorded import curves_of_run, measures_of_run, settings_of_run
    from rgaviz.figures.report import RunPart

    networks = found.runs[folder]
    tables = [measures_of_run(networks), settings_of_run(networks)]
    return RunPart(f"{clipped(folder, 100)} (training)", tables, *curves_of_run(networks))


def _of_results(folder: Path, found: Found) -> ResultsPart:
    from rgaviz.analysis.recorded import settings_of_results
    from rgaviz.figures.report import ResultsPart

    results = found.results[folder]
    command, place = clipped(results.manifest.command, 30), clipped(folder, 100)
    title = place if folder.name == command else f"{place} ({command})"
    return ResultsPart(title, results, settings_of_results(results))


def _tables(found: Found, say: Say) -> list[Grid]:
    """The table of all finished runs, as ``rgaviz table`` makes it."""
    from rgaviz.figures.report import Grid
    from rgaviz.runs.layout import lay_out
    from rgaviz.runs.read import read_runs

    files = [Path(str(each.path)) for networks in found.runs.values() for each in networks]
    if not files:
        return []
    try:
        rows, notes = read_runs(files)
    except RgavizError as error:  # one network twice, or none finished
        say(f"Note: there is no table of the runs ({clipped(error, 200)})")
        return []
    for note in notes:
        say(f"Note: {note}")
    table = lay_out(rows)
    return [Grid("networks", table.header, table.cells, frozenset(table.bold))]

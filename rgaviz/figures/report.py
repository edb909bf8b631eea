"""Runs and results as one self-contained HTML page, drawn from numbers alone.

Everything in it comes from strangers' files, so everything is escaped, scripts but the page's own are refused by its
content security policy, and so is every request. The same content gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from rgaviz.errors import RgavizError, clipped
from rgaviz.figures.curves import draw_curves
from rgaviz.figures.draw import FIGURES, figure_options
from rgaviz.figures.encoded import colour_table, svg_uri
from rgaviz.figures.evolve import LOCATED, evolve_pages, located_page
from rgaviz.figures.fonts import fonts_for
from rgaviz.figures.galleries import Gallery, Room, safe_json
from rgaviz.figures.grid import draw_grid
from rgaviz.figures.rank import rank_pages
from rgaviz.figures.saving import figure_bytes
from rgaviz.figures.scales import DIVERGING
from rgaviz.figures.sorting import Keys
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import begins, claim_file
from rgaviz.results.reader import Results
from rgaviz.writing import atomic_write

OPENING = "<!doctype html>\n<!-- Written by rgaviz report -->\n"
CHARTS = FigureOptions(formats=("svg",), venue="screen", width=7.0, dpi=100, outline=True)
GALLERIES = (draw_grid, rank_pages, evolve_pages)  # figures of panels, which are galleries here
MOST_CHARTS = 12  # of a results folder
ROWS, COLUMNS, LONG = 100, 30, 300  # of a table, and letters of a cell: more, and nobody reads it on a page
COLOUR_MAPS = (
    "turbo",
    "viridis",
    "cividis",
    "inferno",
    "gray",
)  # to choose from, beside the one it was drawn with


class Grid(NamedTuple):
    """A table of texts.

    Attributes:
        title: above it.
        header: of its columns.
        rows: its cells.
        bold: row and column of those in bold.
        note: below it.
        open: whether it is shown at once.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: frozenset[tuple[int, int]] = frozenset()
    note: str = ""
    open: bool = True


@dataclass(frozen=True)
class RunPart:
    """What a page tells of a training.

    Attributes:
        title: above it.
        tables: settings and last measures.
        curves: rows of a history, each with ``network`` and ``epoch``.
        labels: what is measured -> what its axis is called.
    """

    title: str
    tables: list[Grid]
    curves: list[dict[str, Any]]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class ResultsPart:
    """What a page tells of a results folder.

    Attributes:
        title: above it.
        results: the folder.
        tables: what made it.
    """

    title: str
    results: Results
    tables: list[Grid]


@dataclass(frozen=True)
class ReportContent:
    """All that a page tells.

    Attributes:
        title: of the page.
        about: lines below it.
        tables: of all runs together.
        runs: the trainings.
        results: the results folders.
        keys: further numbers that pictures are sorted by, by their paths.
    """

    title: str
    about: Sequence[str]
    tables: list[Grid]
    runs: list[RunPart]
    results: list[ResultsPart]
    keys: Mapping[str, Keys] = field(default_factory=dict)


@dataclass
class Written:
    """What came of writing a page: rows of galleries, and a line for everything that was left out."""

    rows: int = 0
    notes: list[str] = field(default_factory=list)


def save_report(content: ReportContent, path: Path, most: int) -> Written:
    """Write the page.

    Args:
        content: what it tells.
        path: the file.
        most: rows of each gallery.

    Raises:
        RgavizError: results that cannot be drawn, or a place that cannot be written.
    """
    files, written, room = resources.files("rgaviz.figures"), Written(), Room()
    code = (files / "report.js").read_text("utf-8")
    parts = [
        *((each, "run") for each in content.runs),
        *((each, "results") for each in content.results),
    ]
    galleries = [each for each in content.results if is_gallery(each.results)]
    kinds = {panel.kind for each in galleries for row in each.results.manifest.rows for panel in row}
    first = figure_options(galleries[0].results, {}) if galleries else FigureOptions()
    names = list(dict.fromkeys([first.cmap, *COLOUR_MAPS]))
    told = _template((files / "report.html").read_text("utf-8")).generate(
        title=content.title,
        about=[line for line in content.about if line],
        tables=content.tables,
        parts=(_part(part, kind, content.keys, most, room, written) for part, kind in parts),
        contents=[part.title for part, _ in parts],
        galleries=bool(galleries),
        labels=bool(kinds & {"labels", "errors"}),
        colour_maps=names,
        alpha=round(100 * first.alpha),
        label_alpha=round(100 * first.label_alpha),
        smooth=first.interpolation != "nearest",
        colours=safe_json({each: colour_table(each) for each in (*names, DIVERGING)}),
        style=(files / "report.css").read_text("utf-8"),
        code=code,
        digest=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
    )

    def write(file: Any) -> None:
        file.write(OPENING.encode())
        for part in told:
            file.write(part.encode(errors="replace"))

    atomic_write(path, write)
    return written


def claim_report(path: Path) -> None:
    """Make sure that the page may be written: there is none there, or one of ours.

    Raises:
        OutputError: there is someone else's file.
    """
    claim_file(path, begins(OPENING))


def is_gallery(results: Results) -> bool:
    """Whether results are pictures with maps, and no chart of them."""
    command = results.manifest.command
    return bool(results.manifest.rows) and (command not in FIGURES or FIGURES[command] in GALLERIES)


def _template(text: str) -> Any:
    import jinja2  # here: no other figure needs it

    made = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return made.from_string(text)


def _part(
    part: RunPart | ResultsPart, kind: str, keys: Mapping[str, Keys], most: int, room: Room, written: Written
) -> dict[str, Any]:
    """What the template has of a part of the page."""
    shown: dict[str, Any] = {"title": part.title, "tables": part.tables, "charts": [], "gallery": None}
    if isinstance(part, RunPart):
        return {**shown, "charts": _curves(part)}
    results = part.results
    options = figure_options(results, {})
    tables = [*part.tables, *_tables(results)]
    if is_gallery(results):
        gallery = Gallery(results, options, most, room, keys)
        charts = _charts(part, options, written) if LOCATED in results.manifest.tables else []
        told = {"tables": tables, "charts": charts, "gallery": gallery}
        return {**shown, **told, "rows": _counted(gallery, part.title, written)}
    return {**shown, "tables": tables, "charts": _charts(part, options, written)}


def _counted(gallery: Gallery, title: str, written: Written) -> Iterator[dict[str, Any]]:
    yield from gallery.rows()
    written.rows += gallery.written
    if gallery.left_out:
        written.notes.append(
            f"{clipped(title)}: {gallery.written} of {len(gallery.all)} rows are in the page, the first ones."
        )


def _curves(part: RunPart) -> list[str]:
    if not part.curves:
        return []
    with fonts_for([part.title, *(row["network"] for row in part.curves)]):
        figure = draw_curves(part.curves, CHARTS, part.labels)
        return [svg_uri(figure_bytes(figure, "svg", CHARTS))]


def _charts(part: ResultsPart, options: FigureOptions, written: Written) -> list[str]:
    """The pages of a results folder's figure; one that cannot be drawn is left out, and told."""
    results, command = part.results, part.results.manifest.command
    if command not in FIGURES:
        return []
    shown, drawn = replace(CHARTS, names=options.names, cmap=options.cmap), []
    try:
        with fonts_for([results.manifest.model_dump(), options.names]):
            beside = is_gallery(results)  # whose panels are no chart
            pages = [located_page(results, shown)] if beside else FIGURES[command](results, shown)
            for page in itertools.islice(pages, MOST_CHARTS):
                drawn.append(svg_uri(figure_bytes(page.figure, "svg", shown)))
                page.figure.clear()
    except RgavizError as error:
        written.notes.append(f"{clipped(part.title)}: its figure is left out ({clipped(error, 120)})")
    return drawn


def _tables(results: Results) -> list[Grid]:
    """The tables of a results folder, each as far as anyone reads it."""
    grids = []
    for name in results.manifest.tables:
        header, *rows = results.table(name)
        more = len(rows) - ROWS
        note = f"and {more} more rows in {results.manifest.tables[name]}" if more > 0 else ""
        shown = [[_short(cell) for cell in row[:COLUMNS]] for row in rows[:ROWS]]
        grids.append(Grid(name, header[:COLUMNS], shown, note=note, open=False))
    return grids


def _short(text: str) -> str:
    """A cell; of a number six digits, of a text as much as anyone reads."""
    try:
        return f"{float(text):.6g}" if "." in text else clipped(text, LONG)
    except ValueError:
        return clipped(text, LONG)

"""The figure of a results folder, whichever command wrote it; also the whole of ``rgaviz redraw``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rgaviz.figures.confusion import CORNER, confusion_pages, page_names
from rgaviz.figures.cost import cost_pages
from rgaviz.figures.curves import curves_pages
from rgaviz.figures.grid import draw_grid, save_overlays
from rgaviz.figures.growth import growth_pages
from rgaviz.figures.histogram import HEADER, histogram_pages
from rgaviz.figures.style import FigureOptions, Page, save_figure
from rgaviz.outputs import Output, atomic_write, claim, csv_bytes, record_files
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, read_results

FIGURES: dict[str, Callable[[Results, FigureOptions], Iterator[Page]]] = {
    "masks": draw_grid,
    "cam": draw_grid,
    "compare": draw_grid,
    "histogram": histogram_pages,
    "evaluate": confusion_pages,
    "profile": cost_pages,
    "growth": growth_pages,
    "train": curves_pages,
}
OVERLAYS = ("masks", "cam")  # commands whose figure comes with single overlays
TABLES = {
    "histogram": ",".join(HEADER),
    "evaluate": CORNER,
}  # with a table beside each page -> how that begins


@dataclass(frozen=True)
class Drawn:
    """The files of a figure.

    Attributes:
        pages: of each page its figure in every format, then its table.
        overlays: the single overlays.
        left_out: how many pages were not drawn: those beyond the option ``pages``.
    """

    pages: list[list[Path]]
    overlays: list[Path]
    left_out: int = 0

    @property
    def paths(self) -> list[Path]:
        """All of them, the figure first."""
        return [*(path for page in self.pages for path in page), *self.overlays]


def draw(folder: Path, output: Output, options: FigureOptions) -> Drawn:
    """Draw the figure of a results folder and note in its manifest which files are ours.

    Args:
        folder: written by an rgaviz command.
        output: where the figure goes, and to its folder ``overlays`` the single overlays.
        options: how it shall look.

    Raises:
        RgavizError: no results there, an unwritable place, or a file of someone else's in it.
    """
    results = read_results(folder)
    command = results.manifest.command
    if command not in FIGURES:
        raise ResultsError(
            f"{folder} was written by {command!r}, which has no figure to draw; choose one of another command."
        )
    claim_figure(command, replace(output, folder=folder), options, list(results.manifest.tables))
    drawn = Drawn([], [])
    try:
        if command in OVERLAYS:  # first, for it refuses names that collide
            for path in save_overlays(results, output.folder / "overlays", options):
                drawn.overlays.append(path)
        count = 0
        for page in FIGURES[command](results, options):
            stem = output.page(page.suffix, page.name)
            suffixes = [*options.formats, *(["csv"] if page.table is not None else [])]
            drawn.pages.append([stem.with_name(f"{stem.name}.{suffix}") for suffix in suffixes])
            save_figure(page.figure, stem, options)
            if page.table is not None:
                atomic_write(drawn.pages[-1][-1], csv_bytes(page.table))
            count = page.of
        return replace(drawn, left_out=max(count - len(drawn.pages), 0))
    finally:
        record_files(folder, [path for path in drawn.paths if path.exists()])  # ours, however far it came


def claim_figure(
    command: str,
    output: Output,
    options: FigureOptions,
    tables: Sequence[str] = (),
    inputs: Iterable[Path] = (),
) -> None:
    """Make sure that a command's figure, and the table beside it, may be written.

    Args:
        command: a key of :data:`FIGURES`.
        output: the place, with the folder of the results.
        options: formats of the figure.
        tables: of the results, where each has a page of its own.
        inputs: what is to be read.

    Raises:
        OutputError: see :func:`rgaviz.outputs.claim`.
    """
    pages = [output.page(*names) for names in page_names(tables)] if command == "evaluate" else []
    beside = {"csv": TABLES[command]} if command in TABLES else {}
    claim(output, options.formats, pages=pages, tables=beside, inputs=inputs)


def record_options(options: FigureOptions) -> dict[str, Any]:
    """The options as a manifest holds them, with the scale that each group of maps really has."""
    return {**asdict(options), "scale": options.scales}


def figure_options(folder: Path, changes: dict[str, Any]) -> FigureOptions:
    """The options a folder's figure was drawn with, and the user's changes.

    Raises:
        RgavizError: no results there, or an impossible option.
    """
    kept = dict(read_results(folder).manifest.figure)
    scale = kept.pop("scale", None)
    if isinstance(scale, dict) and scale != FigureOptions().scales:
        kept["scale"] = scale.get("cam")
    try:
        return FigureOptions(**{**kept, **changes})
    except (AttributeError, OverflowError, TypeError) as error:
        raise ResultsError(
            f"{folder} holds figure options that this version does not know ({error})."
        ) from error

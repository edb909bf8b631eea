"""The figure of a results folder, whichever command wrote it; also the whole of ``rgaviz redraw``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from rgaviz.errors import OutputError, RgavizError
from rgaviz.figures.confusion import CORNER, confusion_pages, page_names
from rgaviz.figures.cost import cost_pages
from rgaviz.figures.curves import curves_pages
from rgaviz.figures.grid import draw_grid, save_overlays
from rgaviz.figures.growth import growth_pages
from rgaviz.figures.histogram import HEADER, histogram_pages
from rgaviz.figures.style import FigureOptions, Page, options_of, save_figure
from rgaviz.outputs import MANIFEST, Output, claim, own_files, record_files
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, read_results
from rgaviz.writing import atomic_write, csv_bytes, output_error

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
OPTIONS = tuple(each.name for each in fields(FigureOptions))
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
    return draw_results(read_results(folder), output, options)


def draw_results(results: Results, output: Output, options: FigureOptions) -> Drawn:
    """The same of results that have been read."""
    folder, command = results.folder, results.manifest.command
    if command not in FIGURES:
        raise ResultsError(
            f"{folder} was written by {command!r}, which has no figure to draw; choose one of another command."
        )
    try:
        claim_figure(command, replace(output, folder=folder), options, list(results.manifest.tables))
    except OSError as error:  # a name that is too long
        raise output_error(output.stem, error) from error
    try:
        return _drawn(results, output, options)
    except OutputError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        again = shlex.join(["rgaviz", "redraw", str(folder)])
        raise OutputError(f"{error} The results are kept; {again} goes on from there.") from error


def _drawn(results: Results, output: Output, options: FigureOptions) -> Drawn:
    command, drawn = results.manifest.command, Drawn([], [])
    try:
        overlays: Iterator[Path] = iter(())
        if (
            command in OVERLAYS
        ):  # asked first, for names that collide are refused, and written last: they may be many
            overlays = save_overlays(results, output.folder / "overlays", options)
        count = 0
        for page in FIGURES[command](results, options):
            stem = output.page(page.suffix, page.name)
            suffixes = [*options.formats, *(["csv"] if page.table is not None else [])]
            drawn.pages.append([stem.with_name(f"{stem.name}.{suffix}") for suffix in suffixes])
            save_figure(page.figure, stem, options)
            page.figure.clear()  # its parts hold one another, and would stay in memory beside the next page
            if page.table is not None:
                atomic_write(drawn.pages[-1][-1], csv_bytes(page.table))
            count = page.of
        for path in overlays:
            drawn.overlays.append(path)
        return replace(drawn, left_out=max(count - len(drawn.pages), 0))
    finally:
        _record(
            results.folder, [path for path in drawn.paths if _is_there(path)]
        )  # ours, however far it came


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def _record(folder: Path, paths: Sequence[Path]) -> None:
    """Note whose the files are; where there is no room for that, a file that is not noted would be in the way later."""
    try:
        record_files(folder, paths)
    except OutputError:
        known = {folder / name for name in own_files(folder)}
        for path in paths:
            if path not in known and path.is_relative_to(folder):
                path.unlink(missing_ok=True)
        raise


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


def figure_options(results: Results, changes: Mapping[str, Any]) -> FigureOptions:
    """The options a figure was drawn with, and the user's changes.

    Raises:
        RgavizError: an impossible option.
    """
    kept = dict(results.manifest.figure)
    scale = kept.pop("scale", None)
    if isinstance(scale, dict) and scale != FigureOptions().scales:
        kept["scale"] = scale.get("cam")
    for name, value in kept.items():
        if name not in changes:
            _check_kept(results.folder, name, value)
    return options_of({**kept, **changes})


def _check_kept(folder: Path, name: str, value: Any) -> None:
    """An option that nobody typed is not blamed on who did not."""
    if name not in OPTIONS:
        raise ResultsError(
            f"{folder / MANIFEST} has figure.{name[:60]}, an option that this version does not know: "
            "run the command that made it again, or upgrade rgaviz."
        )
    try:
        FigureOptions(**{name: value})
    except (AttributeError, OverflowError, TypeError, ValueError, RgavizError) as error:
        option = "--format" if name == "formats" else f"--{name}"
        raise ResultsError(
            f"{folder / MANIFEST} is broken (figure.{name} cannot be {repr(value)[:60]}): give another {option}."
        ) from error

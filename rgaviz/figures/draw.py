"""The figure of a results folder, whichever command wrote it; also the whole of ``rgaviz redraw``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from rgaviz.errors import OutputError, RgavizError, clipped
from rgaviz.figures.ablations import ablation_pages
from rgaviz.figures.animation import KINDS, movie_paths, save_movies
from rgaviz.figures.cmc import cmc_pages
from rgaviz.figures.confusion import CORNER, confusion_pages, page_names
from rgaviz.figures.cost import cost_pages
from rgaviz.figures.curves import curves_pages
from rgaviz.figures.evolve import evolve_pages
from rgaviz.figures.evolve import page_names as evolve_names
from rgaviz.figures.faithfulness import faithfulness_pages
from rgaviz.figures.fonts import fonts_for
from rgaviz.figures.grid import draw_grid
from rgaviz.figures.growth import growth_pages
from rgaviz.figures.histogram import HEADER, histogram_pages
from rgaviz.figures.iou import iou_names, iou_pages
from rgaviz.figures.likeness import likeness_pages
from rgaviz.figures.mask_statistics import statistics_names, statistics_pages
from rgaviz.figures.matrices import matrix_pages
from rgaviz.figures.overlays import FOLDER, overlay_name, overlay_panels, save_overlays
from rgaviz.figures.page import claim_rank_page, save_rank_page
from rgaviz.figures.rank import rank_pages
from rgaviz.figures.saving import save_figure
from rgaviz.figures.sheet import refuse_long
from rgaviz.figures.style import FigureOptions, Page, options_of
from rgaviz.figures.text import told_lacking
from rgaviz.figures.thresholds import localize_names, localize_pages
from rgaviz.marked import claim_marked
from rgaviz.outputs import MANIFEST, Output, claim, own_files, record_files
from rgaviz.results.manifest import MapRef, ResultsError
from rgaviz.results.reader import Results, read_results
from rgaviz.writing import atomic_write, csv_bytes, output_error

FIGURES: dict[str, Callable[[Results, FigureOptions], Iterator[Page]]] = {
    "masks": draw_grid,
    "cam": draw_grid,
    "compare": draw_grid,
    "histogram": histogram_pages,
    "rank": rank_pages,
    "evaluate": confusion_pages,
    "cmc": cmc_pages,
    "iou": iou_pages,
    "profile": cost_pages,
    "growth": growth_pages,
    "localize": localize_pages,
    "faithfulness": faithfulness_pages,
    "statistics": statistics_pages,
    "train": curves_pages,
    "relations": draw_grid,
    "channel-relations": matrix_pages,
    "sanity": ablation_pages,
    "sanity-weights": likeness_pages,
    "evolve": evolve_pages,
}
OPTIONS = tuple(each.name for each in fields(FigureOptions))
OVERLAYS = ("masks", "cam")  # commands whose figure comes with single overlays
# Commands whose pages have names of their own.
PAGES = {
    "evaluate": page_names,
    "iou": iou_names,
    "localize": localize_names,
    "statistics": statistics_names,
    "evolve": evolve_names,
}
BROWSED = ("rank",)  # commands whose figure comes with a page for browsers
MOVED = ("evolve",)  # commands whose figure comes with moving pictures
# Commands with a table beside each page -> how that begins.
TABLES = {"histogram": ",".join(HEADER), "evaluate": CORNER}


@dataclass(frozen=True)
class Drawn:
    """The files of a figure.

    Attributes:
        pages: of each page its figure in every format, then its table.
        overlays: the single overlays.
        left_out: how many pages were not drawn: those beyond the option ``pages``.
        browsed: the page for browsers.
        moving: the moving pictures.
        notes: what a reader must know of the figure.
    """

    pages: list[list[Path]]
    overlays: list[Path]
    left_out: int = 0
    browsed: list[Path] = field(default_factory=list)
    moving: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        """All of them, the figure first."""
        return [*(path for page in self.pages for path in page), *self.browsed, *self.moving, *self.overlays]


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


def draw_results(results: Results, output: Output, options: FigureOptions, recorded: bool = False) -> Drawn:
    """The same of results that have been read; ``recorded``: nobody typed how many pages, nor how fine."""
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
        with fonts_for([results.manifest.model_dump(), options.names]) as signs:
            drawn = _drawn(results, output, options, recorded)
        return replace(
            drawn, notes=[note for note in [told_lacking(signs.lacking), *_sizes(drawn, options)] if note]
        )
    except OutputError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        again = shlex.join(["rgaviz", "redraw", str(folder)])
        reason = f"Cannot write the figure: {clipped(error.__cause__.strerror, 30)}."
        raise OutputError(f"{reason} The results are kept; mend that, then:", typed=again) from error


def _sizes(drawn: Drawn, options: FigureOptions) -> list[str]:
    """How large PDF files are whose pictures are not exact."""
    paths = [path for page in drawn.pages for path in page if path.suffix == ".pdf"]
    if not options.jpeg or not paths:
        return []
    size = sum(path.stat().st_size for path in paths) / 1e6
    what = paths[0].name if len(paths) == 1 else f"{len(paths)} PDF files"
    return [f"pictures in {what} are JPEGs of quality {options.jpeg}: {size:.2g} MB."]


def _drawn(results: Results, output: Output, options: FigureOptions, recorded: bool) -> Drawn:
    """Files are noted as ours before they are written: whenever that ends, none is taken for a stranger's."""
    folder, command, drawn = results.folder, results.manifest.command, Drawn([], [])
    noted: dict[Path, None] = {}
    there = [path for path in _own(folder) if _is_there(path)]

    def note(paths: Iterable[Path]) -> None:
        if fresh := [path for path in paths if path not in noted]:
            noted.update(dict.fromkeys(fresh))
            record_files(folder, fresh)

    try:
        # Asked first, for names that collide are refused, and written last: they may be many.
        overlays = overlay_panels(results, output.folder / FOLDER) if command in OVERLAYS else {}
        claim_marked(overlays, set(_own(output.folder)))
        note(overlays)
        count = 0
        for page in FIGURES[command](results, options):
            if recorded:
                refuse_long(page, options)
            numbered = [f"-{number}" for number in range(1, min(page.of, options.pages or page.of) + 1)]
            names = numbered if page.suffix == "-1" else [page.suffix]  # all at once: manifests may be long
            note(path for name in names for path in _files(output.page(name, page.name), page, options))
            stem = output.page(page.suffix, page.name)
            drawn.pages.append(_files(stem, page, options))
            save_figure(page.figure, stem, options)
            if len(drawn.pages) < len(numbered):
                # Its parts hold one another, and would stay in memory beside the next page. Of the last page Python
                # takes them in time: clearing makes every axes anew.
                page.figure.clear()
            if page.table is not None:
                atomic_write(drawn.pages[-1][-1], csv_bytes(page.table))
            count = page.of
        if overlays:
            drawn.overlays.extend(save_overlays(results, overlays, options))
        if command in BROWSED:
            path = _browsed(command, output)
            claim_rank_page(path)
            note([path])
            drawn.browsed.append(path)
            save_rank_page(results, path, options)
        if command in MOVED:
            note(movie_paths(output.stem))
            drawn.moving.extend(save_movies(results, output.stem, options))
        _refuse_gone(folder, [*there, *drawn.paths])
        return replace(drawn, left_out=max(count - len(drawn.pages), 0))
    except BaseException:
        if own_files(folder):
            with suppress(OutputError):  # on a full disk the note stays, which does no harm
                record_files(folder, gone=[path for path in noted if not _is_there(path)])
        else:
            _remove(folder, noted)
        raise


def _own(folder: Path) -> list[Path]:
    return [folder / name for name in own_files(folder)]


def _refuse_gone(folder: Path, paths: Sequence[Path]) -> None:
    """Raise if results were removed while they were drawn, of which a program that has them open notices nothing."""
    gone = [path for path in paths if not path.exists()]
    if gone or not own_files(folder):
        raise ResultsError(
            f"{gone[0] if gone else folder / MANIFEST} was removed in the meantime: run the command again."
        )


def _remove(folder: Path, paths: Iterable[Path]) -> None:
    """Remove what was drawn into a folder that was removed in the meantime: nobody would know whose it is."""
    for path in paths:
        with suppress(OSError):
            if path.is_relative_to(folder):
                path.unlink()
        for parent in path.parents:
            with suppress(OSError):  # something is in it
                if parent.is_relative_to(folder):
                    parent.rmdir()


def _files(stem: Path, page: Page, options: FigureOptions) -> list[Path]:
    suffixes = [*options.formats, *(["csv"] if page.table is not None else [])]
    return [stem.with_name(f"{stem.name}.{suffix}") for suffix in suffixes]


def _browsed(command: str, output: Output) -> Path:
    return output.folder / f"{command}.html"


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


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
        RgavizError: a layout that this figure has not.
    """
    check_preset(command, options)
    pages = [output.page(*names) for names in (PAGES[command](tables) if command in PAGES else ())]
    beside = {"csv": TABLES[command]} if command in TABLES else {}
    formats = (*options.formats, *KINDS) if command in MOVED else options.formats
    claim(output, formats, pages=pages, tables=beside, inputs=inputs)
    if command in BROWSED:
        claim_rank_page(_browsed(command, output))


def claim_overlays_of(command: str, output: Output, pictures: Iterable[str], maps: Sequence[MapRef]) -> None:
    """Make sure, before pictures are explained, that the single overlays of a command may be written, if it has any.

    Args:
        command: a key of :data:`FIGURES`.
        output: the place.
        pictures: their paths, as results have them.
        maps: those drawn of each.

    Raises:
        OutputError: a folder or someone else's file has one of the names.
    """
    if command in OVERLAYS:
        names = (overlay_name(picture, ref) for picture in pictures for ref in maps)
        claim_marked((output.folder / FOLDER / name for name in names), set(_own(output.folder)))


def check_preset(command: str, options: FigureOptions) -> None:
    """Refuse a layout of panels for a figure without them, and what would have no effect.

    Raises:
        RgavizError: it is one.
    """
    if options.preset == "rows" and options.columns:
        raise RgavizError(
            f"--columns {options.columns} is for --preset figure3: add that, or leave --columns out."
        )
    if options.jpeg and "pdf" not in options.formats:
        raise RgavizError(f"--jpeg {options.jpeg} is for PDF files: add --format pdf, or leave --jpeg out.")
    if options.preset != "rows" and FIGURES[command] is not draw_grid:
        grids = ", ".join(name for name, figure in FIGURES.items() if figure is draw_grid)
        raise RgavizError(
            f"--preset {options.preset} lays out panels of {grids}, and {command} has none: leave it out."
        )


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
    usual = FigureOptions().scales  # of more groups than in earlier versions
    if isinstance(scale, dict) and any(usual.get(name) != value for name, value in scale.items()):
        kept["scale"] = scale.get("cam")
    if changes.get("preset") == "rows":
        kept.pop("columns", None)
    if "pdf" not in changes.get("formats", ("pdf",)):
        kept.pop("jpeg", None)
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

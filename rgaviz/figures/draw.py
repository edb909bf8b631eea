"""The figure of a results folder, whichever command wrote it; also the whole of ``rgaviz redraw``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rgaviz.errors import OutputError, RgavizError
from rgaviz.figures.grid import Drawn, save_grid, save_overlays
from rgaviz.figures.histogram import HEADER, draw_histogram, write_histogram_csv
from rgaviz.figures.style import FigureOptions, save_figure
from rgaviz.outputs import refuse_other_table
from rgaviz.results.manifest import ResultsError, record_files, refuse_foreign
from rgaviz.results.reader import Results, read_results


def draw(folder: Path, stem: Path, options: FigureOptions, overlays: Path | None = None) -> Drawn:
    """Draw the figure of a results folder and note in its manifest which files are ours.

    Args:
        folder: written by an rgaviz command.
        stem: path of the figure without its suffix.
        options: how it shall look.
        overlays: folder of the single overlays; by default within the results.

    Returns:
        The figure's files first, then the overlays or the table beside it; and the pages left out.

    Raises:
        RgavizError: no results there, an unwritable place, or a file of someone else's in it.
    """
    results = read_results(folder)
    command = results.manifest.get("command")
    if not isinstance(command, str) or command not in FIGURES:
        raise ResultsError(
            f"{folder} was written by {command!r}, which has no figure to draw; choose one of another command."
        )
    refuse_foreign_figures(folder, stem, options)
    before = _figures_there(folder, stem, options)
    try:
        drawn = FIGURES[command](results, stem, options, overlays or folder / "overlays")
    except BaseException:
        there = _figures_there(folder, stem, options)
        if there != before:  # ours, however far it came
            record_files(folder, there)
        raise
    record_files(folder, drawn.paths)
    return drawn


def refuse_foreign_figures(folder: Path, stem: Path, options: FigureOptions) -> None:
    """Refuse to draw over someone else's files in a results folder; a figure named by the user is replaced.

    Raises:
        OutputError: there is one, or a folder has the figure's name; the message names it.
    """
    refuse_foreign(folder, (path.name for path in _figures_there(folder, stem, options)))
    for suffix in options.formats:
        path = stem.with_name(f"{stem.name}.{suffix}")
        if path.is_dir():
            raise OutputError(f"Cannot write {path}: it is a folder. Choose another name with -o.")


def _figures_there(folder: Path, stem: Path, options: FigureOptions) -> list[Path]:
    """The files in the folder whose names the figure, its pages or its table would take."""
    if stem.parent != folder:
        return []
    patterns = (
        f"{stem.name}{page}.{suffix}" for suffix in (*options.formats, "csv") for page in ("", "-[0-9]*")
    )
    return [path for pattern in patterns for path in folder.glob(pattern)]


def record_options(options: FigureOptions) -> dict[str, Any]:
    """The options as a manifest holds them, with the scale that each group of maps really has."""
    return {**asdict(options), "scale": options.scales}


def figure_options(folder: Path, changes: dict[str, Any]) -> FigureOptions:
    """The options a folder's figure was drawn with, and the user's changes.

    Raises:
        RgavizError: no results there, or an impossible option.
    """
    recorded = read_results(folder).manifest.get("figure")
    kept = dict(recorded) if isinstance(recorded, dict) else {}
    scale = kept.pop("scale", None)
    if isinstance(scale, dict) and scale != FigureOptions().scales:
        kept["scale"] = scale.get("cam")
    try:
        return FigureOptions(**{**kept, **changes})
    except (AttributeError, OverflowError, TypeError) as error:
        raise ResultsError(
            f"{folder} holds figure options that this version does not know ({error})."
        ) from error


def _draw_grid(results: Results, stem: Path, options: FigureOptions, overlays: Path) -> Drawn:
    del overlays
    return save_grid(results, stem, options)


def _draw_grid_and_overlays(results: Results, stem: Path, options: FigureOptions, overlays: Path) -> Drawn:
    shown = save_overlays(results, overlays, options)  # first, for it refuses names that collide
    pages = save_grid(results, stem, options)
    return Drawn([*pages.paths, *shown], pages.left_out)


def _draw_histogram(results: Results, stem: Path, options: FigureOptions, overlays: Path) -> Drawn:
    del overlays
    statistics = channel_masks(results)
    table = stem.with_name(f"{stem.name}.csv")
    refuse_other_table(table, ",".join(HEADER))
    paths = save_figure(draw_histogram(statistics, options), stem, options)
    write_histogram_csv(table, statistics)
    return Drawn([*paths, table])


def channel_masks(results: Results) -> list[dict[str, Any]]:
    """For every channel mask of a results folder its label and ``values`` (pictures, C)."""
    columns = [column for column in results.manifest["columns"] if column["kind"] == "bars"]
    if not columns or not results.manifest["pictures"]:
        raise RgavizError(f"{results.folder} has no channel masks; choose a network with channel attention.")
    found = []
    for column in columns:
        maps = [
            results.map(each["id"], column["checkpoint"], column["map"])
            for each in results.manifest["pictures"]
        ]
        if len({each.shape for each in maps}) > 1:
            raise ResultsError(
                f"The channel masks of {column['title']!r} in {results.folder} differ in length: "
                "run the command that made them again."
            )
        layer, _, kind = column["map"].rpartition("/")
        note = " joint (mean over positions)" if kind == "joint-channel" else ""
        found.append({"label": f"{column['checkpoint']} {layer}{note}", "values": np.stack(maps)})
    return found


FIGURES: dict[str, Callable[[Results, Path, FigureOptions, Path], Drawn]] = {
    "masks": _draw_grid_and_overlays,
    "cam": _draw_grid_and_overlays,
    "compare": _draw_grid,
    "histogram": _draw_histogram,
}

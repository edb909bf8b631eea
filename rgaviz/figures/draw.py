"""The figure of a results folder, whichever command wrote it; also the whole of ``rgaviz redraw``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rgaviz.errors import RgavizError
from rgaviz.figures.grid import save_grid, save_overlays
from rgaviz.figures.histogram import draw_histogram, write_histogram_csv
from rgaviz.figures.style import FigureOptions, save_figure
from rgaviz.results import Results, ResultsError, read_results, record_files


def draw(folder: Path, stem: Path, options: FigureOptions) -> list[Path]:
    """Draw the figure of a results folder and note in its manifest which files are ours.

    Args:
        folder: written by an rgaviz command.
        stem: path of the figure without its suffix.
        options: how it shall look.

    Returns:
        The figure's files first, then the overlays or the table beside it.

    Raises:
        RgavizError: no results there, or an unwritable place.
    """
    results = read_results(folder)
    command = results.manifest.get("command")
    if command not in FIGURES:
        raise ResultsError(f"{folder} was written by {command!r}, which has no figure to draw.")
    paths = FIGURES[command](results, stem, options)
    record_files(folder, paths)
    return paths


def figure_options(folder: Path, changes: dict[str, Any]) -> FigureOptions:
    """The options a folder's figure was drawn with, and the user's changes.

    Raises:
        RgavizError: no results there, or an impossible option.
    """
    recorded = read_results(folder).manifest.get("figure")
    kept = (
        {name: value for name, value in recorded.items() if value is not None}
        if isinstance(recorded, dict)
        else {}
    )
    try:
        return FigureOptions(**{**kept, **changes})
    except TypeError as error:
        raise ResultsError(
            f"{folder} holds figure options that this version does not know ({error})."
        ) from error


def _draw_grid_and_overlays(results: Results, stem: Path, options: FigureOptions) -> list[Path]:
    return [*save_grid(results, stem, options), *save_overlays(results, results.folder / "overlays", options)]


def _draw_histogram(results: Results, stem: Path, options: FigureOptions) -> list[Path]:
    statistics = channel_masks(results)
    table = stem.with_name(f"{stem.name}.csv")
    write_histogram_csv(table, statistics)
    return [*save_figure(draw_histogram(statistics, options), stem, options), table]


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
        layer = column["map"].rpartition("/")[0]
        found.append({"label": f"{column['checkpoint']} {layer}", "values": np.stack(maps)})
    return found


FIGURES: dict[str, Callable[[Results, Path, FigureOptions], list[Path]]] = {
    "masks": _draw_grid_and_overlays,
    "cam": _draw_grid_and_overlays,
    "compare": save_grid,
    "histogram": _draw_histogram,
}

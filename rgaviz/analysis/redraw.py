"""Another look at finished results, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rgaviz.figures.draw import Drawn, draw_results, figure_options
from rgaviz.locks import alone
from rgaviz.outputs import Output, output_place, with_suffix
from rgaviz.results.reader import read_results


def redraw(
    folder: Path | str, out: Path | str | None = None, *, figure: Mapping[str, Any] | None = None
) -> Drawn:
    """Draw the figure of a results folder again, as ``rgaviz redraw`` does.

    Args:
        folder: written by an rgaviz command.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default the results folder.
        figure: fields of :class:`rgaviz.figures.style.FigureOptions` that shall not be as they were drawn.

    Raises:
        RgavizError: no results there, an impossible option, a file of someone else's in the way, or far more pages
            recorded than anyone waits for, unless ``pages`` or ``dpi`` is given.
    """
    folder = Path(folder)
    elsewhere = [] if out is None else [output_place(out, "redraw").folder]
    with alone(folder, *elsewhere):
        results = read_results(folder)
        command = results.manifest.command
        output = Output(folder, folder / command) if out is None else output_place(out, command)
        changes = with_suffix(figure or {}, out)
        recorded = changes.keys().isdisjoint({"dpi", "pages"})
        return draw_results(results, output, figure_options(results, changes), recorded)

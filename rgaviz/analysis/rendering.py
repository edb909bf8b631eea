"""A figure of the demonstration, from a question to its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.progress import Track, silent

if TYPE_CHECKING:
    from rgaviz.analysis.request import Request
    from rgaviz.data.find import PicturePath

FORMATS = ("pdf", "png")


def render(
    request: Request,
    pictures: Sequence[PicturePath],
    stem: Path,
    command_line: str,
    track: Track = silent,
    **changes: Any,
) -> list[Path]:
    """One of the figures, as PDF and PNG, with its numbers in a folder of the same name."""
    from dataclasses import replace

    from rgaviz.analysis.run import run
    from rgaviz.figures.draw import draw, record_options
    from rgaviz.figures.style import FigureOptions
    from rgaviz.outputs import Output

    options = FigureOptions(formats=FORMATS, **changes)
    run(replace(request, command_line=command_line, options=record_options(options)), pictures, stem, track)
    return draw(stem, Output(stem, stem), options).paths

"""The confusion matrix: what each class is taken for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from rgaviz.errors import RgavizError
from rgaviz.figures.sheet import sheet
from rgaviz.figures.style import SMALL, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, count

MOST_NUMBERS = 20  # classes; more, and neither numbers nor names can be read
TALLEST = 6.5  # inches
CMAP = "Blues"  # light to dark: paper is zero
SMALLEST_NUMBER = 4.0  # points
CORNER = "true \\ predicted"  # how a table of counts begins


def confusion_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """A page for every table of counts, with the same counts beside it as CSV."""
    tables = results.manifest.tables
    if not tables:
        raise ResultsError(f"{results.folder} holds no table of counts: run the command that made it again.")
    for name, names in zip(tables, page_names(tables), strict=True):
        figure = confusion_page(results, name, options, results.manifest.texts.get(name))
        yield Page(figure, *names, table=results.table(name))


def confusion_page(results: Results, name: str, options: FigureOptions, title: str | None) -> Figure:
    """The figure of a table of counts.

    Raises:
        ResultsError: it is none.
    """
    header, *rows = results.table(name)
    try:
        matrix = np.array([[count(cell) for cell in row[1:]] for row in rows])
    except ValueError as error:
        raise ResultsError(
            f"The table {name!r} of {results.folder} has no counts: run the command that made it again."
        ) from error
    if len(header) == 1 or matrix.shape != (len(header) - 1, len(header) - 1):
        raise ResultsError(
            f"The table {name!r} of {results.folder} is no square of counts, a row and a column for each class: "
            "run the command that made it again."
        )
    return draw_confusion(matrix, header[1:], options, title)


def page_names(tables: Collection[str]) -> list[tuple[str, str]]:
    """Of each page what a named figure's file name gets, where there are several, and its own name."""
    return [(f"-{name}" if len(tables) > 1 else "", f"{name}-confusion") for name in tables]


def draw_confusion(
    matrix: np.ndarray, classes: Sequence[str], options: FigureOptions, title: str | None = None
) -> Figure:
    """Draw counts as percentages of each true class.

    A class without a picture stays grey. Up to 20 classes have names and percentages, more only numbers.

    Args:
        matrix: counts (K, K), rows the true classes, columns the predicted ones.
        classes: the K names.
        options: how it shall look.
        title: over the figure, unless ``options.title`` is off.
    """
    number = len(classes)
    if matrix.shape != (number, number):
        raise RgavizError(
            f"A confusion matrix of shape {matrix.shape} does not fit {number} classes: give (K, K) counts."
        )
    total = matrix.sum(axis=1, keepdims=True)  # (K, 1)
    percent = np.divide(100.0 * matrix, total, out=np.full(matrix.shape, np.nan), where=total > 0)  # (K, K)
    with matplotlib.rc_context(style(options)):
        width = options.inches
        figure = sheet(width, min(0.92 * width, TALLEST), options, layout="constrained")
        ax = figure.subplots()
        ax.set_facecolor("#cccccc")
        image = ax.imshow(percent, cmap=CMAP, vmin=0, vmax=100)
        ax.set(xlabel="predicted class", ylabel="true class")
        ax.spines[:].set_visible(True)
        if number <= MOST_NUMBERS:
            names = [printable(str(name)) for name in classes]
            ax.set_xticks(range(number), names)
            if number > 10:  # slanted names of many narrow cells would run into each other
                ax.tick_params(axis="x", rotation=90)
            else:
                for label in ax.get_xticklabels():
                    label.set(rotation=45, ha="right", rotation_mode="anchor")
            ax.set_yticks(range(number), names)
            _write_numbers(figure, percent)
        if title and options.title:
            ax.set_title(printable(title))
        bar = figure.colorbar(
            image, ax=ax, label="share of the true class (%)", shrink=0.8, aspect=30, pad=0.02
        )
        bar.outline.set_linewidth(0.4)  # pyright: ignore[reportCallIssue]
        bar.solids.set_edgecolor("face")  # pyright: ignore[reportOptionalMemberAccess]
    return figure


def _write_numbers(figure: Figure, percent: np.ndarray) -> None:
    """The rounded percentages in their cells, as large as the cells allow."""
    ax = figure.axes[0]
    cell = 0.7 * min(figure.get_size_inches()) / len(percent)  # inches: names and colour bar take the rest
    points = float(np.clip(SMALL * 0.85 * cell / text_inches("100", SMALL), SMALLEST_NUMBER, SMALL))
    for row, column in np.ndindex(percent.shape):
        value = percent[row, column]
        if np.isfinite(value) and (value >= 0.5 or row == column):
            shade = "white" if value > 55 else "black"
            ax.text(column, row, f"{value:.0f}", size=points, color=shade, ha="center", va="center")

"""The legend below a chart: names in as many columns as fit, shortened where they would take too much of the figure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from rgaviz.figures.style import SMALL
from rgaviz.figures.text import printable, text_inches

SHARE = 0.25  # of the height of the figure, at most
GROWN = (1.0, 1.25, 1.5, 1.75, 2.0)  # what stands above, in units of its height, where names have no room
TALLEST = 6.0  # inches that it grows to
NARROWEST = 0.35  # inches of a name: some eight letters
ROW = 0.118  # inches from one line to the next
AROUND = 0.15  # above and below all of it
PADDING, BETWEEN = 0.8, 1.2  # of a name from its line, and from the next column, in units of the font size
JOINTS = "-_./ "
EM = SMALL / 72


@dataclass(frozen=True)
class ChartLegend:
    """What a legend says.

    Attributes:
        names: of networks or the like, shortened where need be; of the first ones where there is no room for all.
        others: names of what else is drawn, which stand behind them.
        left_out: how many names are not there.
        columns: beside each other.
        page: height of the figure in inches.
        handle: length of the lines before names, in units of the font size.
        title: above all.
    """

    names: list[str]
    others: list[str]
    left_out: int
    columns: int
    page: float
    handle: float
    title: str

    def draw(self, figure: Figure, handles: Sequence[Artist], labels: Sequence[str] | None = None) -> Legend:
        """Put it below the chart.

        Args:
            figure: with a constrained layout.
            handles: of all names, then of the others.
            labels: what is written in place of the names.
        """
        shown, count = len(self.names), len(self.names) + self.left_out
        more = [Line2D([], [], linestyle="none")] if self.left_out else []
        said = [f"and {self.left_out} more"] if self.left_out else []
        return figure.legend(
            [*handles[:shown], *more, *handles[count:]],
            [*(labels or self.names)[:shown], *said, *self.others],
            loc="outside lower center",
            ncols=self.columns,
            handlelength=self.handle,
            handletextpad=PADDING,
            columnspacing=BETWEEN,
            labelspacing=0.25,
            title=self.title or None,
            title_fontsize=SMALL,
        )


def fit_legend(
    names: Sequence[str],
    width: float,
    above: float,
    *,
    tails: Sequence[str] | None = None,
    others: Sequence[str] = (),
    handle: float = 2.0,
    title: str = "",
    row: float = ROW,
) -> ChartLegend:
    """Find room for names: whole, else without their middles or what all share; then the figure grows.

    What has no room even so is counted. Made in the figure's style.

    Args:
        names: of networks or the like.
        width: of the figure in inches.
        above: least height of what stands above the legend, in inches.
        tails: what is written behind each name, as wide as here or less wide; never shortened.
        others: names of what else is drawn; what stands in brackets is left out where room is short.
        handle: length of the lines before names, in units of the font size.
        title: above all; a line.
        row: inches from one line to the next.
    """
    tails = list(tails) if tails else [""] * len(names)
    texts = _Texts([printable(name) for name in names], tails, list(others))
    cells = _Cells(width, handle)
    for times in (each for each in GROWN if each == 1.0 or each * above <= TALLEST):
        room = times * above * SHARE / (1 - SHARE) - AROUND
        most = max(1, int(room / row) - bool(title))
        shown, extra, columns = _chosen(texts, cells, most)
        if len(shown) == len(names):
            break
    left_out = len(names) - len(shown)
    lines = math.ceil((len(shown) + bool(left_out) + len(extra)) / columns) + bool(title)
    height = lines * row + AROUND
    return ChartLegend(shown, extra, left_out, columns, times * above + height, handle, title)


class _Texts(NamedTuple):
    """What is to be said: names, what stands behind each, and what else."""

    names: list[str]
    tails: list[str]
    others: list[str]

    @property
    def count(self) -> int:
        return len(self.names) + len(self.others)


class _Cells(NamedTuple):
    """Columns of a legend on a figure of so many inches, with lines of such a length."""

    width: float
    handle: float

    def room(self, columns: int) -> float:
        """For each of so many texts side by side, in inches."""
        between, beside = BETWEEN * EM, (self.handle + PADDING) * EM
        return (self.width - 2 * EM + between) / columns - between - beside


def _chosen(texts: _Texts, cells: _Cells, most: int) -> tuple[list[str], list[str], int]:
    """Names and others as they fit into so many lines, and in how many columns."""
    names, tails, others = texts
    whole = [*map("".join, zip(names, tails, strict=True)), *others]
    fitting = _columns(texts, cells, max(text_inches(text, SMALL) for text in whole))
    if fitting and math.ceil(texts.count / fitting[-1]) <= most:
        return names, others, fitting[-1]
    brief = [text.partition(" (")[0] for text in others]
    widths = [_tail_inches(tail) for tail in tails]
    least = max([NARROWEST + max(widths), *(text_inches(text, SMALL) for text in brief)])
    found, columns = names, 1
    for columns in _columns(texts, cells, least) or [1]:
        found = shortened(names, [max(cells.room(columns) - width, 0.0) for width in widths])
        if math.ceil(texts.count / columns) <= most:
            return found, brief, columns
    return found[: max(most * columns - len(brief) - 1, 1)], brief, columns


def _columns(texts: _Texts, cells: _Cells, inches: float) -> list[int]:
    """How many columns of texts so wide there may be."""
    return [columns for columns in range(1, texts.count + 1) if cells.room(columns) >= inches]


def legend_of_numbers(labels: Iterable[str], width: float, above: float, handle: float = 2.0) -> ChartLegend:
    """A legend of labels such as ``"rga: Rank-1 62.50%"``, whose numbers are never shortened."""
    split = [label.rpartition(": ") for label in labels]
    names = [name or tail for name, _, tail in split]
    tails = [colon + tail if name else "" for name, colon, tail in split]
    legend = fit_legend(names, width, above, tails=tails, handle=handle)
    return replace(legend, names=[name + tail for name, tail in zip(legend.names, tails, strict=False)])


def _tail_inches(tail: str) -> float:
    return text_inches(tail, SMALL) if tail else 0.0


def shortened(names: Sequence[str], rooms: Sequence[float]) -> list[str]:
    """Each name in its room in inches: without its middle; where two were alike so, first without what all share."""
    cut = [_without_middle(name, room) for name, room in zip(names, rooms, strict=True)]
    if len(set(cut)) == len(set(names)):
        return cut
    start = _shared(names)
    end = _shared([name[start:][::-1] for name in names])
    own = [f"{'…' * (start > 0)}{name[start : len(name) - end]}{'…' * (end > 0)}" for name in names]
    return [_without_middle(name, room) for name, room in zip(own, rooms, strict=True)]


def _shared(names: Sequence[str]) -> int:
    """How many letters they all begin with, up to the last joint."""
    letters = zip(*names, strict=False)
    same = "".join(each[0] for each in itertools.takewhile(lambda each: len(set(each)) == 1, letters))
    return max(same.rfind(joint) for joint in JOINTS) + 1


def _without_middle(name: str, room: float) -> str:
    """As much of both ends of a name as fits."""
    kept, shown = len(name), name
    while kept > 1 and text_inches(shown, SMALL) > room:
        kept -= 1
        end = kept // 2
        shown = f"{name[: kept - end]}…{name[len(name) - end :]}"
    return shown

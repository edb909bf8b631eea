"""What masks do over a data set: curves of channel attention by class, and pages of mean maps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rgaviz.figures.grid import draw_grid
from rgaviz.figures.layout import Arrangement
from rgaviz.figures.names import called
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, LINE, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches, wrap_text
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results, count, number_or_none

NAME, MAPS = "statistics", "-maps"
FIXED = 9  # columns of the table of channels before those of classes
MARKED = 5  # channels that differ most
MOST_CLASSES = 20
PANEL_HEIGHT = 1.15  # inches
MOST_COLUMNS = 3
SHADE = "#333333"
SMALLER = Arrangement(narrowest=0.42, widest=1.2)  # a row for each mask, and few of them on a page else


@dataclass(frozen=True)
class Curves:
    """The channels of a mask.

    Attributes:
        network: what it is called.
        mask: likewise.
        mean: (C,) over all pictures.
        classes: (K, C), NaN of a class without pictures.
        share: (C,) of the variance that lies between classes, NaN where there is none.
        lines: what stands below the title.
    """

    network: str
    mask: str
    mean: np.ndarray
    classes: np.ndarray
    share: np.ndarray
    lines: Sequence[str] = field(default_factory=tuple)


def statistics_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """A page of curves where there are channel masks, then those of mean maps where there are spatial ones."""
    first = 0
    if "channels" in results.manifest.tables:
        first = 1
        classes, panels = _curves(results, options)
        yield Page(draw_curves(classes, panels, results.manifest.texts, options), "", NAME)
    if any(results.manifest.rows):
        for page in draw_grid(results, options, SMALLER):
            suffix = f"{MAPS}{page.suffix}" if first else page.suffix
            yield page._replace(suffix=suffix, name=f"{NAME}{suffix}", of=page.of + first)
    elif not first:
        raise ResultsError(f"{results.folder} holds no masks: run the command that made it again.")


def statistics_names(tables: Collection[str] = ()) -> list[tuple[str, str]]:
    """Of each page what a named figure's file name gets and its own name, as :func:`statistics_pages` has them."""
    return [("", NAME), (MAPS, f"{NAME}{MAPS}")]


def _curves(results: Results, options: FigureOptions) -> tuple[list[str], list[Curves]]:
    """The classes, and the channels of each network and mask."""
    fractions = dict.fromkeys(("mean", "deviation", "dead", "saturated", "share"), _fraction)
    rows = results.records("channels", network=str, mask=str, channel=count, f=number_or_none, **fractions)
    header, *cells = results.table("channels")
    classes = header[FIXED:]
    try:
        of_classes = [[_fraction(cell) for cell in line[FIXED:]] for line in cells]
    except ValueError:
        of_classes = []
    if not of_classes or len(classes) > MOST_CLASSES or any(row["mean"] is None for row in rows):
        raise ResultsError(
            f"The table 'channels' of {results.folder} has no curves from 0 to 1: run the command that made it again."
        )
    names = called(results, options)
    told = _told(results)
    unknown = {(row["network"], row["mask"]) for row in rows} - told.keys()
    if unknown:
        raise ResultsError(
            f"The table 'summary' of {results.folder} does not have all masks: run the command that made it again."
        )
    panels = []
    keys = list(dict.fromkeys((row["network"], row["mask"]) for row in rows))
    for key in few(keys, "channel masks"):
        own = [place for place, row in enumerate(rows) if (row["network"], row["mask"]) == key]
        layer, _, kind = key[1].rpartition("/")
        name = f"{layer}, joint" if kind == "joint-channel" else layer
        panels.append(
            Curves(
                str(names.get(key[0], key[0])),
                name,
                np.array([rows[place]["mean"] for place in own]),
                np.array([of_classes[place] for place in own], float).reshape(len(own), -1).T,
                np.array([rows[place]["share"] for place in own], float),
                told[key],
            )
        )
    return classes, panels


def _fraction(text: str) -> float | None:
    """A number from 0 to 1 in a cell, or None of an empty one."""
    value = number_or_none(text)
    if value is not None and not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _told(results: Results) -> dict[tuple[str, str], list[str]]:
    """What stands below the title of each network and mask: of all pictures."""
    keys = ("entropy", "dead", "saturated", "share", "chance")
    rows = results.records("summary", network=str, mask=str, **dict.fromkeys(keys, number_or_none))
    by = results.manifest.texts.get("by", "classes")
    told: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        key = row["network"], row["mask"]
        if key in told:  # of a class
            continue
        entropy = "–" if row["entropy"] is None else f"{row['entropy']:.2f}"
        dead, saturated = (_percent(row[name]) for name in ("dead", "saturated"))
        told[key] = [f"entropy {entropy}, dead {dead}, saturated {saturated}"]
        if row["chance"] is not None:
            told[key].append(f"between {by} {_percent(row['share'])} (chance {_percent(row['chance'])})")
    return told


def _percent(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f}%" if 0 < value < 0.1 else f"{100 * value:.0f}%"


def draw_curves(
    classes: Sequence[str], panels: Sequence[Curves], texts: Mapping[str, str], options: FigureOptions
) -> Figure:
    """Draw the mean attention of each channel: of all pictures, and of a few classes; a panel for each mask.

    Channels stand in the order of their mean over all pictures, for their own order means nothing.

    Args:
        classes: names.
        panels: the masks.
        texts: ``dead``: what is counted so; ``by``: what classes are.
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width = options.inches
        columns, arranged = _arranged(panels, narrow=width < STACKED)
        rows = -(-len(arranged) // columns)
        marked = any(np.isfinite(each.share).any() for each in panels)
        entries = _entries(classes, marked, texts.get("by", "classes"), 0.9 * width)
        widest = max(text_inches(str(each.get_label()), SMALL) for each in entries)
        across = max(1, min(len(entries), int(width / (widest + 0.45))))
        note = "\n".join(wrap_text(texts.get("dead", ""), 0.95 * width, SMALL, lines=2))
        legend = (-(-len(entries) // across) + 1 + note.count("\n")) * SMALL * LINE * 1.3 / 72
        room = 0.8 * width / columns
        several = len({each.network for each in panels}) > 1
        titles = {id(each): _title(each, room, several) if options.title else [] for each in panels}
        above = max(map(len, titles.values())) * SMALL * LINE / 72
        height = rows * (PANEL_HEIGHT + above + 0.14) + legend + 0.35
        figure = sheet(width, height, options, layout="constrained")
        figure.get_layout_engine().set(h_pad=0.04, w_pad=0.03)  # pyright: ignore[reportCallIssue, reportOptionalMemberAccess]
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for place, (ax, each) in enumerate(zip_longest(grid, arranged)):
            if each is None:
                ax.set_axis_off()
                continue
            _draw_panel(ax, each)
            ax.set_title("\n".join(titles[id(each)]), fontsize=SMALL, linespacing=1.1)
            if place + columns >= len(arranged) or arranged[place + columns] is None:
                ax.set_xlabel("channels, by their mean over all", fontsize=SMALL)
            if place % columns == 0:
                ax.set_ylabel("mean attention", fontsize=SMALL)
        figure.legend(
            handles=entries,
            loc="outside lower center",
            ncols=across,
            columnspacing=1.2,
            title=note,
            title_fontsize=SMALL,
        )
    return figure


def _arranged(panels: Sequence[Curves], *, narrow: bool) -> tuple[int, list[Curves | None]]:
    """How many panels stand side by side, and the panels row by row; None leaves a place free.

    Of several networks the same masks are neighbours.
    """
    networks, masks = (
        list(dict.fromkeys(getattr(each, name) for each in panels)) for name in ("network", "mask")
    )
    at = {(each.network, each.mask): each for each in panels}
    if len(networks) == 1:
        return min(len(masks), 1 if narrow else MOST_COLUMNS), list(panels)
    if 1 < len(masks) <= MOST_COLUMNS and not narrow:  # a row for each network
        return len(masks), [at.get((network, mask)) for network in networks for mask in masks]
    if len(networks) <= MOST_COLUMNS:  # a column for each network
        return len(networks), [at.get((network, mask)) for mask in masks for network in networks]
    return MOST_COLUMNS, list(panels)


def _title(each: Curves, inches: float, several: bool) -> list[str]:
    """The lines above a panel."""
    name = f"{each.network} {each.mask}" if several else each.mask
    lines = wrap_text(printable(name), inches, SMALL, lines=2)
    return lines + [part for line in each.lines for part in wrap_text(line, inches, SMALL, lines=2)]


def _draw_panel(ax: Axes, each: Curves) -> None:
    order = np.argsort(each.mean, kind="stable")
    x = np.arange(len(order))
    for index, values in enumerate(each.classes):
        ax.plot(x, values[order], color=COLOURS[index % len(COLOURS)], linewidth=0.6, zorder=2)
    ax.plot(x, each.mean[order], color="black", linewidth=1.1, zorder=3)
    ranked = np.argsort(-np.nan_to_num(each.share, nan=-1.0), kind="stable")[:MARKED]
    marked = np.isin(order, ranked[np.isfinite(each.share[ranked])])
    if marked.any():  # a line of no points has no place, and the layout fails
        at_top = {"transform": ax.get_xaxis_transform(), "clip_on": False, "zorder": 4}
        ax.plot(x[marked], np.ones(marked.sum()), "v", color=SHADE, markersize=2.4, **at_top)
    ax.set(xlim=(0, max(len(order) - 1, 1)), ylim=(0, 1), yticks=[0, 0.5, 1])
    ax.set_xticks([0, len(order) - 1] if len(order) > 1 else [0])
    ax.set_xticklabels([str(1), str(len(order))][: len(ax.get_xticks())])
    ax.grid(axis="y", color="#dddddd", linewidth=0.4)
    ax.set_axisbelow(True)


def _entries(classes: Sequence[str], marked: bool, by: str, inches: float) -> list[Line2D]:
    """The lines of the legend."""
    entries = [Line2D([], [], color="black", linewidth=1.1, label="all")]
    for index, name in enumerate(classes):
        label = wrap_text(printable(name), inches, SMALL, lines=1)[0]
        entries.append(Line2D([], [], color=COLOURS[index % len(COLOURS)], linewidth=1.0, label=label))
    if marked:
        label = f"differ most between {printable(by)}"
        entries.append(Line2D([], [], color=SHADE, marker="v", markersize=2.4, linestyle="none", label=label))
    return entries

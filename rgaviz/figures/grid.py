"""The comparison figure: a row per picture, a column per map, and colour bars that state their scale.

Where the page has no room for all columns side by side, a picture's row breaks into lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image

from rgaviz.atomic import atomic_write
from rgaviz.errors import OutputError
from rgaviz.figures.overlay import grey, overlay
from rgaviz.figures.style import (
    LINE,
    SMALL,
    VENUES,
    FigureOptions,
    parse_scale,
    save_figure,
    style,
    wrap_text,
)
from rgaviz.results import Results, ResultsError

Entry = dict[str, Any]
GROUP_NAMES = {"cam": "CAM", "mask": "attention mask"}
DIVERGING = "RdBu_r"  # red where the first is larger; near white, and paler in print, about zero
RIGHT, WRONG, FLAG = "#006d2c", "#b2182b", "#b35900"
ROWS_PER_PAGE = 6
TALLEST = 1.6  # a panel's height in units of the column width, at most
PIXELS = 300  # a panel's raster is at least as wide, so that a figure can be zoomed into
TINY = 64  # pictures up to this size keep their pixels visible
# Inches
MARGIN, GAP, PAD = 0.02, 0.06, 0.03
WIDEST, NARROWEST = 2.2, 0.55
BROKEN = 0.85  # a panel is at least as wide in a row that breaks into lines
TICKS = 0.17  # room for the numbers beside channel bars
SHORTEST_BARS = 0.5  # a wide, low picture leaves channel bars this much
BAR_HEIGHT, BAR_WIDTH, BAR_CELL = 0.07, 1.9, 1.05
LINE_SMALL = SMALL * LINE / 72


class Span(NamedTuple):
    """The smallest and largest value of a raw map (NaN apart), and whether it has NaN."""

    low: float
    high: float
    missing: bool


def _measure(values: np.ndarray) -> Span:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Span(0.0, 0.0, True)
    return Span(float(finite.min()), float(finite.max()), finite.size < values.size)


def subtract(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The difference of two maps, at the finer resolution where they differ in it."""
    size = (max(first.shape[0], second.shape[0]), max(first.shape[1], second.shape[1]))
    pair = [cv2.resize(m, size[::-1], interpolation=cv2.INTER_LINEAR) for m in (first, second)]
    return pair[0] - pair[1]  # (h, w)


class Scales:
    """The scale of every panel, and the words that state it. Reads each map once and keeps two numbers of it.

    ``model`` is one scale for each network and method (the first part of a map's name: ``gradcam``, or the
    layer of a mask). CAM scales start at zero, as a CAM after its ReLU does; a shared mask scale is [0, 1].
    """

    def __init__(self, results: Results, options: FigureOptions) -> None:
        self.results = results
        self.columns = results.manifest["columns"]
        self.pictures = results.manifest["pictures"]
        self.scales = {group: parse_scale(scale) for group, scale in options.scales.items()}
        if self.scales["cam"][0] == "fixed" and any(column.get("group") == "cam" for column in self.columns):
            self.scales["mask"] = parse_scale("shared")  # limits meant for CAMs say nothing about masks
        self.cmap = options.cmap
        drawn = [column for column in self.columns if column["kind"] in ("map", "difference")]
        sides = [side for column in drawn for side in (column, column.get("minus")) if side]
        self.sides = {(side["checkpoint"], side["map"]): self.group(side) for side in sides}
        self.spans = {
            (picture["id"], *side): _measure(self.read(picture, {"checkpoint": side[0], "map": side[1]}))
            for picture in self.pictures
            for side in self.sides
        }

    def read(self, picture: Entry, side: Entry, rank: int = 2) -> np.ndarray:
        """The raw map of a picture in a column, or in what it subtracts: (h, w), or (C,) with rank 1."""
        values = self.results.map(picture["id"], side["checkpoint"], side["map"])
        if values.ndim != rank:
            raise ResultsError(
                f"The map {side['map']!r} of picture {picture['path']} has shape {values.shape}, not {rank} "
                "dimensions: run the command that made it again."
            )
        return values

    def group(self, side: Entry) -> str:
        """The group that a map's own column has; a difference alone is of CAMs."""
        for column in self.columns:
            if column["kind"] == "map" and all(column[key] == side[key] for key in ("checkpoint", "map")):
                return column["group"]
        return "cam"

    def limits(self, picture: Entry, side: Entry) -> tuple[float, float]:
        """The ends of a panel's scale, in raw values."""
        key = (side["checkpoint"], side["map"])
        group = self.sides[key]
        name, low, high = self.scales[group]
        if name == "fixed":
            return low, high
        if name == "image":
            high = self.spans[picture["id"], *key].high
        elif name == "model":
            high = self.model_maximum(*key)
        else:
            high = 1.0 if group == "mask" else self.maximum(group)
        return 0.0, high if high > 0 else 1.0

    def model_maximum(self, checkpoint: str, name: str) -> float:
        """The largest value of a network's maps of one method, over all pictures."""
        method = name.split("/")[0]
        return max(
            s.high for (_, c, n), s in self.spans.items() if (c, n.split("/")[0]) == (checkpoint, method)
        )

    def maximum(self, group: str) -> float:
        """The largest value of a group's maps, over all pictures and networks."""
        return max(
            span.high for (_, *side), span in self.spans.items() if self.sides[side[0], side[1]] == group
        )

    def difference(self, picture: Entry, column: Entry) -> np.ndarray:
        """The signed difference (h, w): of raw values on a shared or fixed scale, else of fractions of it."""
        parts = []
        for side in (column, column["minus"]):
            low, high = self.limits(picture, side)
            raw = self.scales[self.sides[side["checkpoint"], side["map"]]][0] in ("shared", "fixed")
            parts.append(self.read(picture, side) / (1.0 if raw else high - low))
        return subtract(*parts)

    @cached_property
    def difference_limit(self) -> float:
        """The end of the one scale, symmetric about zero, of all differences."""
        limit = 0.0
        for column in self.columns:
            if column["kind"] == "difference":
                for picture in self.pictures:
                    span = _measure(self.difference(picture, column))
                    limit = max(limit, -span.low, span.high)
        return limit or 1.0

    def flags(self, picture: Entry, column: Entry) -> list[str]:
        """What a reader must know about a panel: the explainer's warnings, NaN, a map that hardly moves."""
        index = self.columns.index(column)
        flags = [str(text) for text in picture.get("panels", {}).get(str(index), {}).get("warnings", [])]
        if column["kind"] != "map":
            return flags
        span = self.spans[picture["id"], column["checkpoint"], column["map"]]
        low, high = self.limits(picture, column)
        used = (min(span.high, high) - max(span.low, low)) / (high - low)
        if span.missing and not any("nan" in flag.lower() for flag in flags):
            flags.append("NaN values (grey)")
        if used < 0.1 and not any("flat" in flag or "no positive" in flag for flag in flags):
            flags.append(f"uses {100 * max(used, 0):.0f}% of the scale")
        return flags

    def bars(self) -> list[tuple[str, float, float, str]]:
        """The colour bars in order: colour map, the two ends, and the label that states the scale."""
        kinds = [
            ("difference" if c["kind"] == "difference" else c["group"], c)
            for c in self.columns
            if "group" in c
        ]
        found = {kind: column for kind, column in reversed(kinds) if column["kind"] != "bars"}
        bars = [self._group_bar(group) for group in GROUP_NAMES if group in found]
        if "difference" in found:
            side = found["difference"]
            group = self.sides[side["checkpoint"], side["map"]]
            what = "raw values" if self.scales[group][0] in ("shared", "fixed") else "fractions"
            limit = self.difference_limit
            bars.append(
                (
                    DIVERGING,
                    -limit,
                    limit,
                    f"difference of {GROUP_NAMES[group]} {what}, one scale for all panels",
                )
            )
        return bars

    def _group_bar(self, group: str) -> tuple[str, float, float, str]:
        name, low, high = self.scales[group]
        what = GROUP_NAMES[group]
        if name == "fixed":
            largest = self.maximum(group)
            beyond = f"\n(largest value {largest:.3g})" if largest > high else ""
            return self.cmap, low, high, f"{what}, raw value, fixed scale for all panels{beyond}"
        if name == "shared":
            high = 1.0 if group == "mask" else self.maximum(group)
            return self.cmap, 0.0, high or 1.0, f"{what}, raw value, one scale for all panels"
        if name == "image":
            return self.cmap, 0.0, 1.0, f"{what}, fraction of each panel's maximum"
        maxima = {}
        for checkpoint, map_name in (side for side, its_group in self.sides.items() if its_group == group):
            maxima[checkpoint, map_name.split("/")[0]] = self.model_maximum(checkpoint, map_name)
        networks = {checkpoint for checkpoint, _ in maxima}
        one_each, one_network = len(networks) == len(maxima), len(networks) == 1
        names = {(c, m): c if one_each else m if one_network else f"{c} {m}" for c, m in maxima}
        stated = ", ".join(f"{names[side]} {value:.3g}" for side, value in maxima.items())
        whose = "network's" if one_each else "method's" if one_network else "network's and method's"
        return self.cmap, 0.0, 1.0, f"{what}, fraction of each {whose} maximum\n({stated})"


@dataclass(frozen=True)
class Row:
    """One line of a picture's panels: which columns, the panels' width in inches, their heights and captions.

    ``above`` is the room for titles of its own, which it has where rows break into lines.
    """

    picture: Entry
    columns: list[int]
    above: float
    width: float
    heights: list[float]
    captions: list[list[tuple[str, str]]]

    @property
    def inches(self) -> float:
        """The height with the titles and the captions, which are lines of (text, colour)."""
        panels = zip(self.heights, self.captions, strict=True)
        return self.above + max(height + PAD + len(lines) * LINE_SMALL for height, lines in panels) + GAP


def columns_per_line(count: int, inches: float) -> int:
    """All columns side by side, or, where they were too narrow, as many on each of as few lines as it takes."""

    def fitting(narrowest: float) -> int:
        return max(1, int((inches - 2 * MARGIN + GAP) / (narrowest + GAP)))

    if count <= fitting(NARROWEST):
        return count
    return math.ceil(count / math.ceil(count / fitting(BROKEN)))


class Layout:
    """Where everything goes, in inches from the top left corner; positions fall on whole pixels."""

    def __init__(self, scales: Scales, options: FigureOptions) -> None:
        self.scales, self.options = scales, options
        self.columns = scales.columns
        self.width = options.inches
        count = columns_per_line(len(self.columns), self.width)
        numbers = list(range(len(self.columns)))
        self.lines = [numbers[first : first + count] for first in range(0, len(numbers), count)]
        room = (self.width - 2 * MARGIN - (count - 1) * GAP) / count
        self.panel = self.snap(min(room, WIDEST), math.floor)
        self.left = (self.width - count * self.panel - (count - 1) * GAP) / 2
        points = VENUES[options.venue]().points
        self.titles = [wrap_text(c["title"], self.axes_width(c), points, lines=5) for c in self.columns]
        self.title_line = points * LINE / 72
        self.broken = len(self.lines) > 1
        self.top = PAD if self.broken else self.title_height(numbers)
        self.bars = scales.bars()
        self.cells = min(len(self.bars), max(1, int(self.width / BAR_CELL))) if self.bars else 1
        self.cell = self.width / self.cells
        self.labels = [
            [line for part in label.split("\n") for line in wrap_text(part, 0.94 * self.cell, SMALL, lines=6)]
            for *_, label in self.bars
        ]
        self.rows = [self.row(picture, columns) for picture in scales.pictures for columns in self.lines]

    def snap(self, inches: float, to: Any = round) -> float:
        """The length in whole pixels."""
        return to(inches * self.options.dpi) / self.options.dpi

    def axes_width(self, column: Entry) -> float:
        """The width of a column's panels where the picture is not tall."""
        return self.panel - (TICKS if column["kind"] == "bars" else 0)

    def title_height(self, columns: list[int]) -> float:
        """The room for the titles of these columns."""
        lines = max(len(self.titles[index]) for index in columns) if self.options.title else 0
        return lines * self.title_line + PAD

    def row(self, picture: Entry, columns: list[int]) -> Row:
        """Fit a picture at its own aspect ratio and gather what stands under its panels."""
        height_px, width_px = picture["size"]
        height = min(self.panel * height_px / width_px, TALLEST * self.panel)
        width = height * width_px / height_px
        one = 1 / self.options.dpi
        captions = [self.caption(picture, index) for index in columns]
        height = max(self.snap(height), one)
        bars = max(height, self.snap(SHORTEST_BARS))
        heights = [bars if self.columns[index]["kind"] == "bars" else height for index in columns]
        above = self.title_height(columns) if self.broken else 0.0
        return Row(picture, columns, above, max(self.snap(width), one), heights, captions)

    def caption(self, picture: Entry, index: int) -> list[tuple[str, str]]:
        """The lines under a panel: name and label, prediction, target, warnings."""
        column, panel = self.columns[index], picture.get("panels", {}).get(str(index), {})
        parts = []
        if index == 0:
            label = picture.get("label")
            parts += [(picture["path"], "black")] + (
                [(f"label: {label}", "black")] if label is not None else []
            )
        if column["kind"] == "bars":
            values = self.scales.read(picture, column, rank=1)
            parts += [(f"{values.size} channels", "black"), (f"mean {values.mean():.2f}", "black")]
        if panel.get("prediction") is not None:
            mark, shade = {True: (" ✓", RIGHT), False: (" ✗", WRONG)}.get(panel.get("correct"), ("", "black"))
            confidence = panel.get("confidence")
            sure = "" if confidence is None else f" {100 * confidence:.0f}%"
            parts.append((f"{panel['prediction']}{sure}{mark}", shade))
        if panel.get("target") not in (None, panel.get("prediction")):
            parts.append((f"target: {panel['target']}", "black"))
        parts += [(f"! {flag}", FLAG) for flag in self.scales.flags(picture, column)]
        room = self.axes_width(column)
        return [(line, shade) for text, shade in parts for line in wrap_text(text, room, SMALL, lines=2)]

    @property
    def legend_height(self) -> float:
        """The colour bars with their numbers and labels."""
        return sum(self.legend_row_height(first) for first in range(0, len(self.bars), self.cells))

    def legend_row_height(self, first: int) -> float:
        """The height of the row of colour bars that starts with the given one."""
        lines = max(len(label) for label in self.labels[first : first + self.cells])
        return PAD + BAR_HEIGHT + (1 + lines) * LINE_SMALL + 0.06

    def pages(self) -> list[list[Row]]:
        """The rows by page: at most six lines, no page taller than the venue allows, a picture's lines together."""
        room = VENUES[self.options.venue]().height - self.top - self.legend_height
        pages: list[list[Row]] = []
        left = 0.0
        for lines in self._together(room):
            tall = sum(row.inches for row in lines)
            if not pages or len(pages[-1]) + len(lines) > ROWS_PER_PAGE or tall > left:
                pages.append([])
                left = room
            pages[-1] += lines
            left -= tall
        return pages

    def _together(self, room: float) -> Iterator[list[Row]]:
        """The lines of one picture after the other; one by one where a page has no room for all of them."""
        count = len(self.lines)
        for first in range(0, len(self.rows), count):
            lines = self.rows[first : first + count]
            if count <= ROWS_PER_PAGE and sum(row.inches for row in lines) <= room:
                yield lines
            else:
                yield from ([row] for row in lines)


class Drawn(NamedTuple):
    """The files of a figure, and how many of its pages were left out: those beyond the option ``pages``."""

    paths: list[Path]
    left_out: int = 0


def draw_grid(results: Results, options: FigureOptions) -> Iterator[tuple[str, Figure]]:
    """Draw the figure page by page; one page is in memory at a time.

    Args:
        results: what an rgaviz command found.
        options: how it shall look.

    Yields:
        What to append to the file's stem (``""`` for a single page, else ``"-1"``, ``"-2"``), and the page.

    Raises:
        RgavizError: no picture.
    """
    layout, pages = _plan(results, options)
    yield from _pages(layout, pages, options)


def save_grid(results: Results, stem: Path, options: FigureOptions) -> Drawn:
    """Draw and save: ``stem.pdf`` for one page, ``stem-1.pdf``, ``stem-2.pdf``, ... for several."""
    layout, pages = _plan(results, options)
    paths = [
        path
        for suffix, figure in _pages(layout, pages, options)
        for path in save_figure(figure, stem.with_name(stem.name + suffix), options)
    ]
    return Drawn(paths, len(pages) - len(pages[: options.pages or None]))


def _plan(results: Results, options: FigureOptions) -> tuple[Layout, list[list[Row]]]:
    if not results.manifest["pictures"] or not results.manifest["columns"]:
        raise ResultsError(f"{results.folder} holds no pictures: run the command again with some.")
    with matplotlib.rc_context(style(options)):
        layout = Layout(Scales(results, options), options)
        return layout, layout.pages()


def _pages(layout: Layout, pages: list[list[Row]], options: FigureOptions) -> Iterator[tuple[str, Figure]]:
    for number, rows in enumerate(pages[: options.pages or None], start=1):
        with matplotlib.rc_context(style(options)):
            page = _draw_page(layout, rows)
        yield (f"-{number}" if len(pages) > 1 else ""), page


def save_overlays(results: Results, folder: Path, options: FigureOptions) -> list[Path]:
    """One PNG for each picture and map column, at the size shown, on the same scales as the figure.

    The name is ``<picture without suffix>-<checkpoint>-<map>.png``, in the picture's own sub-folder.

    Raises:
        OutputError: two pictures would write one file, or the folder cannot be written.
    """
    scales = Scales(results, options)
    columns = [column for column in scales.columns if column["kind"] == "map"]
    targets: dict[Path, tuple[Entry, Entry]] = {}
    for picture in scales.pictures:
        for column in columns:
            stem = folder / PurePosixPath(picture["path"]).with_suffix("")
            path = stem.with_name(f"{stem.name}-{column['checkpoint']}-{column['map'].replace('/', '-')}.png")
            taken = targets.setdefault(path, (picture, column))[0]
            if taken is not picture:
                raise OutputError(
                    f"{taken['path']} and {picture['path']} would both write {path}: rename one of them."
                )
    for path, (picture, column) in targets.items():
        shown = overlay(
            results.picture(picture["id"]),
            scales.read(picture, column),
            options.cmap,
            *scales.limits(picture, column),
            options.alpha,
        )
        atomic_write(path, lambda file, shown=shown: Image.fromarray(shown).save(file, format="PNG"))
    return list(targets)


def _draw_page(layout: Layout, rows: list[Row]) -> Figure:
    height = layout.snap(layout.top + sum(row.inches for row in rows) + layout.legend_height, math.ceil)
    page = Figure(figsize=(layout.width, height))

    def axes(x: float, y: float, width: float, tall: float) -> Axes:
        """Axes by the distance of their top left corner from the page's."""
        x, y = layout.snap(x), layout.snap(y)
        return page.add_axes((x / layout.width, 1 - (y + tall) / height, width / layout.width, tall / height))

    y = layout.top
    for row in rows:
        picture = layout.scales.results.picture(row.picture["id"])
        y += row.above
        for place, (index, tall) in enumerate(zip(row.columns, row.heights, strict=True)):
            column = layout.columns[index]
            x = layout.left + place * (layout.panel + GAP)
            if column["kind"] == "bars":
                ax = axes(x + TICKS, y, layout.snap(layout.axes_width(column)), tall)
                _draw_bars(ax, layout.scales.read(row.picture, column, rank=1))
            else:
                ax = axes(x + (layout.panel - row.width) / 2, y, row.width, tall)
                raster = _raster_size(row.width, tall, layout.options.dpi)
                ax.imshow(_panel(layout, row.picture, picture, column, raster), aspect="auto")
                ax.set_axis_off()
            if layout.options.title and (layout.broken or row is rows[0]):
                for line, text in enumerate(reversed(layout.titles[index])):
                    _write(ax, text, (0.5, 1), PAD + (line + 0.25) * layout.title_line)
            for line, (text, shade) in enumerate(row.captions[place]):
                _write(ax, text, (0.5, 0), -PAD - (line + 0.75) * LINE_SMALL, size=SMALL, color=shade)
        y += row.inches - row.above
    for index, (cmap, low, high, _) in enumerate(layout.bars):
        first, place = index - index % layout.cells, index % layout.cells
        width = min(BAR_WIDTH, layout.cell - 0.35)
        x = place * layout.cell + (layout.cell - width) / 2
        _draw_bar(page, axes(x, y + PAD, width, BAR_HEIGHT), cmap, low, high, layout.labels[index])
        if place == layout.cells - 1:
            y += layout.legend_row_height(first)
    return page


def _write(ax: Axes, text: str, place: tuple[float, float], up: float, **look: Any) -> None:
    """One line with its baseline ``up`` inches above a place in the axes: lines side by side stand level."""
    coordinates = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(text, place, (0, 72 * up), ha="center", va="baseline", **coordinates, **look)


def _raster_size(width_in: float, height_in: float, dpi: int) -> tuple[int, int]:
    """A panel's raster (H, W): its pixels at ``dpi``, times a whole number where that is small."""
    width, height = round(width_in * dpi), round(height_in * dpi)
    factor = math.ceil(PIXELS / max(width, height))
    return height * factor, width * factor


def _panel(
    layout: Layout, entry: Entry, picture: np.ndarray, column: Entry, size: tuple[int, int]
) -> np.ndarray:
    """The pixels of a panel, RGB uint8 (H, W, 3); the map is enlarged in one step."""
    smaller = picture.shape[0] >= size[0]
    enlarge = cv2.INTER_NEAREST if max(picture.shape[:2]) <= TINY else cv2.INTER_CUBIC
    picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA if smaller else enlarge)
    scales, alpha = layout.scales, layout.options.alpha
    if column["kind"] == "map":
        limits = scales.limits(entry, column)
        return overlay(picture, scales.read(entry, column), scales.cmap, *limits, alpha)
    if column["kind"] == "difference":
        limit = scales.difference_limit
        # Over grey, or the picture's own red and blue would be read as differences; and half as transparent,
        # for the colours about zero are pale.
        strong = (1 + alpha) / 2
        return overlay(grey(picture), scales.difference(entry, column), DIVERGING, -limit, limit, strong)
    return picture


def _draw_bars(ax: Axes, values: np.ndarray) -> None:
    """Channel values as thin bars from 0 to 1, with their mean."""
    ax.stairs(values, np.arange(values.size + 1), fill=True, color="#4477aa", linewidth=0)
    ax.axhline(float(values.mean()), color="black", linewidth=0.6, linestyle=(0, (4, 2)))
    ax.set(xlim=(0, values.size), ylim=(0, 1), xticks=[], yticks=[0, 0.5, 1])
    ax.set_yticklabels(["0", ".5", "1"])
    ax.tick_params(pad=1)
    for spine in ax.spines.values():
        spine.set_color("#999999")


def _draw_bar(page: Figure, ax: Axes, cmap: str, low: float, high: float, label: list[str]) -> None:
    """A colour bar that states its scale."""
    ticks = [low, (low + high) / 2, high]
    bar = page.colorbar(
        ScalarMappable(Normalize(low, high), cmap), cax=ax, orientation="horizontal", ticks=ticks
    )
    bar.ax.set_xticklabels([f"{tick:.3g}".replace("-", "−") for tick in ticks])
    bar.set_label("\n".join(label), size=SMALL, linespacing=1.1, labelpad=1)
    bar.outline.set_linewidth(0.4)  # pyright: ignore[reportCallIssue]
    bar.solids.set_edgecolor("face")  # pyright: ignore[reportOptionalMemberAccess]  # no hairlines in PDF viewers

"""What is drawn inside a panel, under it and beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rgaviz.figures.overlay import grey, overlay
from rgaviz.figures.scales import DIVERGING, ColourBar, Scales
from rgaviz.figures.style import RIGHT, SMALL, WRONG, FigureOptions
from rgaviz.figures.swatches import painted_errors, painted_labels
from rgaviz.results.manifest import Box, Panel, Point

PIXELS = 300  # a panel's raster is at least as wide, so that a figure can be zoomed into
TINY = 64  # pictures up to this size keep their pixels visible
FRAMES = {"right": RIGHT, "wrong": WRONG}
FRAME = 1.5  # points
MOST_BARS = 128  # channels: bars of more are thinner than print shows
BLUE = "#4477aa"


def write_line(ax: Axes, text: str, place: tuple[float, float], up: float, **look: Any) -> None:
    """One line with its baseline ``up`` inches above a place in the axes: lines side by side stand level."""
    coordinates = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(text, place, (0, 72 * up), ha="center", va="baseline", **coordinates, **look)


def raster_size(width_in: float, height_in: float, dpi: int) -> tuple[int, int]:
    """A panel's raster (H, W): its pixels at ``dpi``, times a whole number where that is small."""
    width, height = round(width_in * dpi), round(height_in * dpi)
    factor = math.ceil(PIXELS / max(width, height))
    return height * factor, width * factor


def panel_pixels(
    scales: Scales, options: FigureOptions, panel: Panel, picture: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """The pixels of a panel, RGB uint8 (H, W, 3); the map is enlarged in one step."""
    smaller = picture.shape[0] >= size[0]
    enlarge = cv2.INTER_NEAREST if max(picture.shape[:2]) <= TINY else cv2.INTER_CUBIC
    picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA if smaller else enlarge)
    return laid_over(scales, options, panel, picture)


def laid_over(scales: Scales, options: FigureOptions, panel: Panel, picture: np.ndarray) -> np.ndarray:
    """What a panel shows over its picture, RGB uint8 (H, W, 3) as that is."""
    alpha, interpolation = options.alpha, options.interpolation
    if panel.kind == "map":
        values, (low, high) = scales.read(panel, panel.map), scales.limits(panel)
        if panel.map is not None and panel.map.group == "signed":
            return overlay(grey(picture), values, DIVERGING, low, high, (1 + alpha) / 2, interpolation)
        return overlay(picture, values, scales.cmap, low, high, alpha, interpolation)
    if panel.kind == "difference":
        limit = scales.difference_limit
        # Over grey, or the picture's own red and blue would be read as differences; and half as transparent,
        # for the colours about zero are pale.
        strong = (1 + alpha) / 2
        values = scales.difference(panel)
        return overlay(grey(picture), values, DIVERGING, -limit, limit, strong, interpolation)
    if panel.kind == "labels":
        return painted_labels(scales, panel, picture, options.label_alpha)
    if panel.kind == "errors":
        return painted_errors(scales, panel, picture, options.label_alpha)
    return picture


def draw_panel(
    ax: Axes,
    scales: Scales,
    options: FigureOptions,
    panel: Panel,
    picture: np.ndarray,
    inches: tuple[float, float],
) -> None:
    """What a panel shows of a picture, over axes of so many inches (width, height)."""
    if panel.kind == "bars":
        draw_channels(ax, scales.read(panel, panel.map, rank=1))
    else:
        raster = raster_size(*inches, options.dpi)
        ax.imshow(panel_pixels(scales, options, panel, picture, raster), aspect="auto")
    if panel.frame:
        draw_frame(ax, panel.frame)
    if panel.marks:
        draw_marks(ax, panel.marks)
    for box in panel.boxes:
        draw_box(ax, box)
    for outline in panel.outlines:
        draw_outline(ax, outline)


def draw_frame(ax: Axes, frame: str) -> None:
    """A frame around a panel: whether what it shows is right."""
    shape = Rectangle((0, 0), 1, 1, transform=ax.transAxes, clip_on=False)
    shape.set(fill=False, edgecolor=FRAMES[frame], linewidth=FRAME)
    ax.add_patch(shape)


def draw_box(ax: Axes, box: Box) -> None:
    """A box on a panel, black on white so that it shows on any colour."""
    width, height = box.right - box.left, box.bottom - box.top
    for shade, points in (("white", 1.6), ("black", 0.7)):
        shape = Rectangle((box.left, 1 - box.bottom), width, height, transform=ax.transAxes)
        shape.set(fill=False, edgecolor=shade, linewidth=points)
        ax.add_patch(shape)


def draw_outline(ax: Axes, outline: Sequence[Point]) -> None:
    """A closed line on a panel, black on white so that it shows on any colour."""
    corners = [*outline, outline[0]]
    x, y = [each.x for each in corners], [1 - each.y for each in corners]
    for shade, points in (("white", 1.6), ("black", 0.7)):
        ax.plot(x, y, color=shade, linewidth=points, transform=ax.transAxes, solid_joinstyle="round")


def draw_marks(ax: Axes, marks: Sequence[Point]) -> None:
    """Crosses on a panel, black on white so that they show on any colour."""
    for shade, width in (("white", 2.5), ("black", 1.0)):
        x, y = [mark.x for mark in marks], [1 - mark.y for mark in marks]
        ax.plot(x, y, "+", color=shade, markersize=6, markeredgewidth=width, transform=ax.transAxes)


def is_sorted(values: np.ndarray) -> bool:
    """Whether channel values (C,) are drawn in the order of their size, not in that of the channels."""
    return values.size > MOST_BARS


def draw_channels(ax: Axes, values: np.ndarray) -> None:
    """Channel values from 0 to 1 with their mean: thin bars, or of many channels a curve from the least value up."""
    if is_sorted(values):
        ordered, places = np.sort(values), np.arange(values.size) + 0.5
        ax.fill_between(places, ordered, color=BLUE, alpha=0.25, linewidth=0)
        ax.plot(places, ordered, color=BLUE, linewidth=0.9)
    else:
        ax.stairs(values, np.arange(values.size + 1), fill=True, color=BLUE, linewidth=0)
    ax.axhline(float(values.mean()), color="black", linewidth=0.6, linestyle=(0, (4, 2)))
    ax.set(xlim=(0, values.size), ylim=(0, 1), xticks=[], yticks=[0, 0.5, 1])
    ax.set_yticklabels(["0", ".5", "1"])
    ax.tick_params(pad=1)
    for spine in ax.spines.values():
        spine.set_color("#999999")


def draw_colour_bar(page: Figure, ax: Axes, bar: ColourBar, label: list[str]) -> None:
    """A colour bar that states its scale."""
    ticks = [bar.low, (bar.low + bar.high) / 2, bar.high]
    scale = ScalarMappable(Normalize(bar.low, bar.high), bar.cmap)
    drawn = page.colorbar(scale, cax=ax, orientation="horizontal", ticks=ticks)
    drawn.ax.set_xticklabels([f"{tick:.3g}".replace("-", "−") for tick in ticks])
    drawn.set_label("\n".join(label), size=SMALL, linespacing=1.1, labelpad=1)
    drawn.outline.set_linewidth(0.4)  # pyright: ignore[reportCallIssue]
    drawn.solids.set_edgecolor("face")  # pyright: ignore[reportOptionalMemberAccess]  # no hairlines in PDF viewers

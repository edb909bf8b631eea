"""A results folder as a gallery of a page for browsers: pictures once, raw maps as numbers, and what sorts them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from rgaviz.errors import RgavizError
from rgaviz.figures.encoded import layer_uri, picture_uri, quantised
from rgaviz.figures.names import called, renamed
from rgaviz.figures.scales import DIVERGING, OVER_PICTURES, ColourBar, Scales
from rgaviz.figures.sorting import Keys, row_keys, verdicts
from rgaviz.figures.style import FigureOptions
from rgaviz.figures.swatches import VEIL, error_colour, swatches_of
from rgaviz.results.manifest import OF_LABELS, UNKNOWN, Box, Panel, Point
from rgaviz.results.reader import Results

LARGEST_PAGE = 2**28  # bytes of pictures and maps: beyond, browsers become slow
ROLES = {"right": " ✓", "wrong": " ✗"}
SHOWN = ("picture", "bars", *OVER_PICTURES, *OF_LABELS)  # kinds of panel that have a view
BARS = (2, 3)  # how high and wide bars are
MANY = 40  # classes in the legend of labels


class Room:
    """How many bytes of pictures and maps a page may still hold."""

    def __init__(self, left: int = LARGEST_PAGE) -> None:
        self.left = left

    def take(self, count: int) -> bool:
        """Whether so many more fit; then they are taken."""
        if count > self.left:
            return False
        self.left -= count
        return True


class Gallery:
    """The rows of a results folder, one after the other: a page of hundreds of pictures is written as it is made.

    Args:
        results: with rows of panels.
        options: how their figure was drawn: colour map, opacity, scales, names.
        most: rows.
        room: of the whole page.
        found: further numbers to sort by, by the path of a picture.

    Attributes:
        written: rows so far.
        kinds: of panels, and which networks' maps there are.

    Raises:
        RgavizError: a map that is not there.
    """

    def __init__(
        self,
        results: Results,
        options: FigureOptions,
        most: int,
        room: Room,
        found: Mapping[str, Keys] | None = None,
    ) -> None:
        self.results, self.options, self.room = renamed(results, options), options, room
        self.names = called(results, options)
        self.scales = Scales(self.results, options)
        self.all = [row for row in self.results.manifest.rows if row]
        self.most, self.found, self.written = most, found or {}, 0
        self.sizes = {each.id: each.size for each in self.results.manifest.pictures}
        self.kinds = {panel.kind for row in self.all for panel in row}

    @property
    def titles(self) -> list[str]:
        """Above the columns."""
        return self.results.manifest.titles

    @property
    def left_out(self) -> int:
        """How many rows there are beyond those written."""
        return len(self.all) - self.written

    def bars(self) -> list[dict[str, Any]]:
        """The colour bars, each with the values of its ends and the colour map: that of maps, or one of two signs."""
        return [_bar(bar) for bar in self.scales.bars()]

    def legend(self) -> list[tuple[str, str]]:
        """What colours of labels stand for, each with its hexadecimal digits."""
        panels = (panel for row in self.all[: self.most] for panel in row)
        return [(each.name, to_hex(each.colour)) for each in swatches_of(self.scales, panels)][:MANY]

    def rows(self) -> Iterator[dict[str, Any]]:
        """What the page has of each row; it ends where the page is full."""
        for row in self.all[: self.most]:
            data = self._data(row)
            if data is None:
                return
            self.written += 1
            yield {**self._told(row), "data": data}

    def _told(self, row: Sequence[Panel]) -> dict[str, Any]:
        """What is sorted and filtered by, and what stands under the views."""
        path = next((self.scales.paths[each.picture] for each in row if each.picture is not None), "")
        bare = str(PurePosixPath(path).with_suffix("")) if PurePosixPath(path).suffix else path
        found = self.found.get(path) or self.found.get(bare, {})  # data sets call pictures by numbers
        keys = {**row_keys(self.scales, row, self.names), **found}
        cells = [
            {**self._cell(panel), "title": title, "view": panel.kind in SHOWN}
            for title, panel in zip(self.titles, row, strict=False)
            if panel.kind in SHOWN or panel.lines
        ]
        told = json.dumps(keys, ensure_ascii=False)
        return {"name": path, "numbers": told, **verdicts(row), "cells": cells}

    def _data(self, row: Sequence[Panel]) -> str | None:
        """What is drawn in the views of a row, as JSON; None where the page has no room for it."""
        pictures: dict[str, str] = {}
        views: list[str] = []
        for panel in (each for each in row if each.kind in SHOWN):
            name = panel.picture
            if panel.kind != "bars" and name is not None and name not in pictures:
                pictures[name] = picture_uri(self.results.picture(name))
                if not self.room.take(len(pictures[name])):
                    return None
            views.append(safe_json(self._view(panel)))
            if not self.room.take(len(views[-1])):
                return None
        return f'{{"pictures":{safe_json(pictures)},"views":[{",".join(views)}]}}'

    def _cell(self, panel: Panel) -> dict[str, Any]:
        lines = [(line.text + ROLES.get(line.role, ""), line.role) for line in panel.lines]
        lines += [(text, "flag") for text in self.scales.flags(panel)]
        height, width = self._size(panel)
        name = "" if panel.picture is None else self.scales.paths[panel.picture]
        return {
            "lines": lines,
            "frame": panel.frame or "none",
            "ratio": f"{width} / {height}",
            "name": name,
            "kind": panel.kind,
        }

    def _size(self, panel: Panel) -> Sequence[int]:
        return self.sizes[panel.picture] if panel.picture is not None and panel.kind != "bars" else BARS

    def _view(self, panel: Panel) -> dict[str, Any]:
        """What is drawn in a cell."""
        drawn = {
            "marks": [_point(each) for each in panel.marks],
            "boxes": [_box(each) for each in panel.boxes],
            "outlines": [[_point(each) for each in line] for line in panel.outlines],
        }
        view: dict[str, Any] = {
            "picture": panel.picture,
            **{key: each for key, each in drawn.items() if each},
        }
        if panel.kind == "bars":
            return {"bars": quantised(self.scales.read(panel, panel.map, rank=1)[None])}
        if panel.kind == "map" and panel.map is not None:
            signed = panel.map.group == "signed"
            values, span = self.scales.read(panel, panel.map), self.scales.span(panel, panel.map)
            own = [span.low if signed else 0.0, span.high if span.high > 0 else 1.0]
            return {**view, **_map(values, self.scales.limits(panel), own, signed)}
        if panel.kind == "difference":
            values, limit = self.scales.difference(panel), self.scales.difference_limit
            own = float(np.nanmax(np.abs(values), initial=0.0, where=np.isfinite(values))) or 1.0
            return {**view, **_map(values, (-limit, limit), (-own, own), True)}
        if panel.kind in OF_LABELS:
            return {**view, "grey": panel.kind == "errors", "layer": self._layer(panel)}
        return view

    def _layer(self, panel: Panel) -> str:
        colours, opacity = np.full((256, 3), 255.0), np.ones(256)
        if panel.kind == "labels":
            for number, each in enumerate(self.results.manifest.classes):
                colours[number] = each.colour
            opacity[UNKNOWN] = 0.0
        else:
            colours[1], opacity[0] = np.rint(255 * np.array(error_colour(self.scales))), 0.0
            opacity[UNKNOWN] = VEIL
        return layer_uri(self.scales.numbers(panel), colours, opacity)


def _map(
    values: np.ndarray, limits: Sequence[float], own: Sequence[float], two_signs: bool
) -> dict[str, Any]:
    """A map, the ends of its scale and of one of its own; where values have two signs, the picture under it is grey."""
    return {
        "map": quantised(values),
        "limits": [*limits],
        "own": [*own],
        "signed": two_signs,
        "grey": two_signs,
    }


def _bar(bar: ColourBar) -> dict[str, Any]:
    return {"low": bar.low, "high": bar.high, "signed": bar.cmap == DIVERGING, "label": bar.label}


def _point(point: Point) -> list[float]:
    return [round(point.x, 5), round(point.y, 5)]


def _box(box: Box) -> list[float]:
    return [round(each, 5) for each in (box.left, box.top, box.right, box.bottom)]


def safe_json(content: Any) -> str:
    """JSON that stands within a script element: nothing in it ends the element, or begins another one.

    Raises:
        RgavizError: a number that JSON has not.
    """
    try:
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise RgavizError(
            "A map has values beyond all bounds: run the command that made it again."
        ) from error
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

"""The scale of every panel, and the words that state it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np

from rgaviz.figures.style import FigureOptions, parse_scale
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import Results

Entry = dict[str, Any]
GROUP_NAMES = {"cam": "CAM", "mask": "attention mask"}
DIVERGING = "RdBu_r"  # red where the first is larger; near white, and paler in print, about zero


class Span(NamedTuple):
    """The smallest and largest value of a raw map (NaN apart), and whether it has NaN."""

    low: float
    high: float
    missing: bool


def measure(values: np.ndarray) -> Span:
    """The span of a map."""
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
            (picture["id"], *side): measure(self.read(picture, {"checkpoint": side[0], "map": side[1]}))
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
                    span = measure(self.difference(picture, column))
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

"""The scale of every panel, and the words that state it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from rgaviz.figures.names import called
from rgaviz.figures.overlay import resize_map
from rgaviz.figures.style import FigureOptions, parse_scale
from rgaviz.results.manifest import OF_LABELS, MapRef, Panel, ResultsError
from rgaviz.results.reader import Results

GROUP_NAMES = {"cam": "CAM", "signed": "signed CAM", "mask": "attention mask", "relation": "relation"}
DIVERGING = "RdBu_r"  # red where the first is larger; near white, and paler in print, about zero
OVER_PICTURES = ("map", "difference")  # kinds of panel that have a scale


class Span(NamedTuple):
    """The smallest and largest value of a raw map (NaN apart), and whether it has NaN."""

    low: float
    high: float
    missing: bool


class ColourBar(NamedTuple):
    """A colour map, the values of its ends, and the words that state the scale, in lines; fewer for a narrow place."""

    cmap: str
    low: float
    high: float
    label: str
    brief: str = ""


def span_of(values: np.ndarray) -> Span:
    """The span of a map."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Span(0.0, 0.0, True)
    return Span(float(finite.min()), float(finite.max()), finite.size < values.size)


def subtract(first: np.ndarray, second: np.ndarray, interpolation: str = "bilinear") -> np.ndarray:
    """The difference of two maps, at the finer resolution where they differ in it."""
    size = (max(first.shape[0], second.shape[0]), max(first.shape[1], second.shape[1]))
    return resize_map(first, size, interpolation) - resize_map(second, size, interpolation)  # (h, w)


class Scales:
    """The scale of every panel, and the words that state it. Reads each map once and keeps two numbers of it.

    ``model`` is one scale for each network and method (the first part of a map's name: ``gradcam``, or the
    layer of a mask). CAM scales start at zero, as a CAM after its ReLU does; a shared mask scale is [0, 1].

    Args:
        results: with the maps.
        options: with the scale of each group of them.
        said: group -> what is said of all its maps beside their colour bar.
    """

    def __init__(
        self, results: Results, options: FigureOptions, said: Mapping[str, str] | None = None
    ) -> None:
        self.results, self.said = results, said or {}
        self.rows = results.manifest.rows
        self.panels = [panel for row in self.rows for panel in row]
        self.paths = {picture.id: picture.path for picture in results.manifest.pictures}
        self.scales = {group: parse_scale(scale) for group, scale in options.scales.items()}
        groups = {panel.map.group for panel in self.panels if panel.map}
        if self.scales["cam"][0] == "fixed" and "cam" in groups:
            self.scales["mask"] = parse_scale("shared")  # limits meant for CAMs say nothing about masks
        self.names = called(results, options)
        self.cmap, self.interpolation = options.cmap, options.interpolation
        self.groups: dict[tuple[str, str], str] = {}  # (checkpoint, map) -> group
        self.spans: dict[tuple[str, str, str], Span] = {}  # (picture, checkpoint, map)
        self.shown: dict[
            tuple[str, str, str], frozenset[int]
        ] = {}  # likewise, of labels and errors: which numbers
        for panel in self.panels:
            for ref in (panel.map, panel.minus) if panel.kind in OVER_PICTURES else ():
                if ref and (key := (str(panel.picture), ref.checkpoint, ref.name)) not in self.spans:
                    span = span_of(self.read(panel, ref))
                    most = max(span.high, -span.low)
                    self.spans[key] = Span(-most, most, span.missing) if ref.group == "signed" else span
                    self.groups.setdefault((ref.checkpoint, ref.name), ref.group)
            if panel.kind in OF_LABELS and (key := self._key(panel)) not in self.shown:
                self.shown[key] = frozenset(np.flatnonzero(np.bincount(self.numbers(panel).ravel())).tolist())

    def _key(self, panel: Panel) -> tuple[str, str, str]:
        assert panel.map is not None
        return str(panel.picture), panel.map.checkpoint, panel.map.name

    def numbers(self, panel: Panel) -> np.ndarray:
        """The labels or errors that a panel shows, uint8 (H, W) of the size of its picture."""
        read = self.results.labels if panel.kind == "labels" else self.results.errors
        return read(*self._key(panel))

    def shown_by(self, panel: Panel) -> frozenset[int]:
        """Which numbers are among them."""
        return self.shown[self._key(panel)]

    def read(self, panel: Panel, ref: MapRef | None, rank: int = 2) -> np.ndarray:
        """A raw map of a panel's picture: what it shows or subtracts, (h, w), or (C,) with rank 1."""
        assert panel.picture is not None
        assert ref is not None
        values = self.results.map(panel.picture, ref.checkpoint, ref.name)
        if values.ndim != rank:
            raise ResultsError(
                f"The map {ref.name!r} of picture {self.paths[panel.picture]} has shape {values.shape}, not {rank} "
                "dimensions: run the command that made it again."
            )
        return values

    def span(self, panel: Panel, ref: MapRef) -> Span:
        """The span of a map of a panel's picture."""
        return self.spans[str(panel.picture), ref.checkpoint, ref.name]

    def limits(self, panel: Panel, ref: MapRef | None = None) -> tuple[float, float]:
        """The ends of the scale of a panel's map, or of another one of its picture, in raw values."""
        ref = ref or panel.map
        assert ref is not None
        group = self.groups[ref.checkpoint, ref.name]
        name, low, high = self.scales[group]
        if name == "fixed":
            return low, high
        if name == "image":
            high = self.span(panel, ref).high
        elif name == "model":
            high = self.model_maximum(ref.checkpoint, ref.name)
        else:
            high = 1.0 if group == "mask" else self.maximum(group)
        high = high if high > 0 else 1.0
        return (-high if group == "signed" else 0.0), high

    def model_maximum(self, checkpoint: str, name: str) -> float:
        """The largest value of a network's maps of one method, over all pictures."""
        return self._method_maxima[checkpoint, name.split("/")[0]]

    @cached_property
    def _method_maxima(self) -> dict[tuple[str, str], float]:
        maxima: dict[tuple[str, str], float] = {}
        for (_, checkpoint, name), span in self.spans.items():
            method = checkpoint, name.split("/")[0]
            maxima[method] = max(maxima.get(method, -math.inf), span.high)
        return maxima

    def maximum(self, group: str) -> float:
        """The largest value of a group's maps, over all pictures and networks."""
        return self._group_maxima[group]

    @cached_property
    def _group_maxima(self) -> dict[str, float]:
        maxima: dict[str, float] = {}
        for (_, checkpoint, name), span in self.spans.items():
            group = self.groups[checkpoint, name]
            maxima[group] = max(maxima.get(group, -math.inf), span.high)
        return maxima

    def raw(self, ref: MapRef) -> bool:
        """Whether the scale of a map is one of raw values, so that those of two networks can be subtracted."""
        return self.scales[self.groups[ref.checkpoint, ref.name]][0] in ("shared", "fixed")

    def difference(self, panel: Panel) -> np.ndarray:
        """The signed difference (h, w): of raw values on a shared or fixed scale, else of fractions of it."""
        parts = []
        for ref in (panel.map, panel.minus):
            assert ref is not None
            _, high = self.limits(panel, ref)
            parts.append(self.read(panel, ref) / (1.0 if self.raw(ref) else high))
        return subtract(parts[0], parts[1], self.interpolation)

    @cached_property
    def difference_limit(self) -> float:
        """The end of the one scale, symmetric about zero, of all differences."""
        limit = 0.0
        for panel in self.panels:
            if panel.kind == "difference":
                span = span_of(self.difference(panel))
                limit = max(limit, -span.low, span.high)
        return limit or 1.0

    def flags(self, panel: Panel) -> list[str]:
        """What a reader must know of a panel besides its own lines: NaN, a map that hardly moves."""
        if panel.kind not in OVER_PICTURES or panel.map is None:
            return []
        told = [line.text for line in panel.lines if line.role == "flag"]
        missing = any(self.span(panel, ref).missing for ref in (panel.map, panel.minus) if ref)
        flags = []
        if missing and not any("nan" in flag.lower() for flag in told):
            flags.append("NaN values (grey)")
        if panel.kind == "difference":
            return flags
        span, (low, high) = self.span(panel, panel.map), self.limits(panel)
        used = (min(span.high, high) - max(span.low, low)) / (high - low)
        if used < 0.1 and not any("flat" in flag or "no positive" in flag for flag in told):
            flags.append(f"uses {100 * max(used, 0):.0f}% of the scale")
        return flags

    def bars(self) -> list[ColourBar]:
        """The colour bars in order."""
        shown = {panel.map.group for panel in self.panels if panel.kind == "map" and panel.map}
        bars = [self._group_bar(group) for group in GROUP_NAMES if group in shown]
        first = next((panel.map for panel in self.panels if panel.kind == "difference"), None)
        if first is not None:
            what = "raw values" if self.raw(first) else "fractions"
            group = GROUP_NAMES[self.groups[first.checkpoint, first.name]]
            label = f"difference of {group} {what}, one scale for all panels"
            bars.append(ColourBar(DIVERGING, -self.difference_limit, self.difference_limit, label))
        return bars

    def _group_bar(self, group: str) -> ColourBar:
        name, low, high = self.scales[group]
        words = self.said.get(group)
        what = f"{GROUP_NAMES[group]} ({words})" if words else GROUP_NAMES[group]
        bar = self._bar_of(group, name, low, high, what)
        if group != "signed":
            return bar
        return bar._replace(cmap=DIVERGING, low=bar.low if name == "fixed" else -bar.high)

    def _bar_of(self, group: str, name: str, low: float, high: float, what: str) -> ColourBar:
        if name == "fixed":
            largest = self.maximum(group)
            beyond = f"\n(largest value {largest:.3g})" if largest > high else ""
            return ColourBar(self.cmap, low, high, f"{what}, raw value, fixed scale for all panels{beyond}")
        if name == "shared":
            high = 1.0 if group == "mask" else self.maximum(group)
            return ColourBar(self.cmap, 0.0, high or 1.0, f"{what}, raw value, one scale for all panels")
        if name == "image":
            return ColourBar(self.cmap, 0.0, 1.0, f"{what}, fraction of each panel's maximum")
        maxima = {}
        for checkpoint, map_name in (side for side, its_group in self.groups.items() if its_group == group):
            maxima[checkpoint, map_name.split("/")[0]] = self.model_maximum(checkpoint, map_name)
        networks = {checkpoint for checkpoint, _ in maxima}
        one_each, one_network = len(networks) == len(maxima), len(networks) == 1
        shown = {(c, m): (self.names.get(c, c), m) for c, m in maxima}
        names = {side: c if one_each else m if one_network else f"{c} {m}" for side, (c, m) in shown.items()}
        stated = ", ".join(f"{names[side]} {value:.3g}" for side, value in maxima.items())
        whose = "network's" if one_each else "method's" if one_network else "network's and method's"
        scale = f"{what}, fraction of each {whose} maximum"
        values = ", ".join(f"{value:.3g}" for value in maxima.values())
        return ColourBar(
            self.cmap, 0.0, 1.0, f"{scale}\n({stated})", f"{scale}\n(in the order of the panels {values})"
        )

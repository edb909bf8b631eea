"""Rankings as one self-contained HTML page to scroll and filter, drawn from results alone.

Everything in it comes from strangers' files, so everything is escaped, scripts but the page's own are refused by its
content security policy, and so is every request.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.colors import to_hex
from PIL import Image

from rgaviz.figures.layout import TEXT
from rgaviz.figures.names import called, renamed
from rgaviz.figures.overlay import overlay
from rgaviz.figures.scales import ColourBar, Scales
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import begins, claim_file
from rgaviz.results.manifest import Panel
from rgaviz.results.reader import LARGEST, Results
from rgaviz.writing import atomic_write

OPENING = "<!doctype html>\n<!-- Written by rgaviz rank -->\n"
SHOWN = ("picture", "map")  # kinds of panel
QUALITY = 88  # of JPEG
STOPS = 17  # colours of a colour bar
ROLES = {"right": " ✓", "wrong": " ✗"}


def save_rank_page(results: Results, path: Path, options: FigureOptions) -> None:
    """Write the page.

    Args:
        results: of ``rgaviz rank``.
        path: the file.
        options: how maps look; what is for paper has no effect.

    Raises:
        RgavizError: a map that is not there, or a place that cannot be written.
    """
    results = renamed(results, options)
    scales = Scales(results, options)
    manifest, names = results.manifest, called(results, options)
    rows = (row for row in manifest.rows if row)
    networks = list(names.values())
    files = resources.files("rgaviz.figures")
    code = (files / "rank.js").read_text("utf-8")
    told = _template((files / "rank.html").read_text("utf-8")).generate(
        title=f"Rankings by {' and '.join(networks)}" if networks else "Rankings",
        about=[*manifest.texts.values(), manifest.command_line],
        networks=networks,
        titles=manifest.titles,
        rows=(_row(results, scales, row, options, names) for row in rows),
        bars=[_bar(bar) for bar in scales.bars()],
        style=(files / "rank.css").read_text("utf-8"),
        code=code,
        digest=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
    )

    def write(file: Any) -> None:
        file.write(OPENING.encode())
        for part in told:
            file.write(part.encode(errors="replace"))

    atomic_write(path, write)


def claim_rank_page(path: Path) -> None:
    """Make sure that the page may be written: there is none there, or one of ours.

    Raises:
        OutputError: there is someone else's file.
    """
    claim_file(path, begins(OPENING))


def _template(text: str) -> Any:
    import jinja2  # here: no other figure needs it

    made = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return made.from_string(text)


def _row(
    results: Results,
    scales: Scales,
    panels: Sequence[Panel],
    options: FigureOptions,
    names: Mapping[str, str],
) -> dict[str, Any]:
    """What the template has of a row: what it is filtered by, and its pictures."""
    values = panels[0].values
    network = _text(values.get("network"))
    at_once = next((panel.frame for panel in panels[1:]), None)
    return {
        "network": names.get(network, network),
        "query": _text(values.get("query")),
        "identity": _text(values.get("identity")),
        "precision": _number(values.get("ap")),
        "first": at_once or "unknown",
        "cells": list(_cells(results, scales, panels, options)),
    }


def _cells(
    results: Results, scales: Scales, panels: Sequence[Panel], options: FigureOptions
) -> Iterator[dict[str, Any]]:
    paths = scales.paths
    for panel in panels:
        if panel.kind == TEXT and panel.lines:
            yield {"source": "", "frame": "none", "lines": [(line.text, line.role) for line in panel.lines]}
        if panel.kind not in SHOWN or panel.picture is None:
            continue
        pixels = results.picture(panel.picture)
        if panel.kind == "map" and panel.map is not None:
            values, limits = scales.read(panel, panel.map), scales.limits(panel)
            pixels = overlay(pixels, values, options.cmap, *limits, options.alpha, options.interpolation)
        lines = [(line.text + ROLES.get(line.role, ""), line.role) for line in panel.lines]
        lines += [(text, "flag") for text in scales.flags(panel)]
        height, width = pixels.shape[:2]
        yield {
            "source": _data_uri(pixels),
            "name": paths[panel.picture],
            "frame": panel.frame or "none",
            "ratio": f"{width} / {height}",
            "lines": lines,
        }


def _data_uri(pixels: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _bar(bar: ColourBar) -> Mapping[str, Any]:
    colours = matplotlib.colormaps[bar.cmap]
    stops = ", ".join(to_hex(colours(place / (STOPS - 1))) for place in range(STOPS))
    ends = [f"{end:.3g}".replace("-", "−") for end in (bar.low, bar.high)]
    return {"stops": stops, "low": ends[0], "high": ends[1], "label": bar.label}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _number(value: Any) -> str:
    """A number as JavaScript reads it, "" where there is none."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
    return f"{value:.6g}" if known else ""

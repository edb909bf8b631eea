"""The panels of a picture's row, and what a reader is told under each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rgaviz.analysis.request import Column
from rgaviz.explain.masks import map_warnings
from rgaviz.explain.methods import METHODS
from rgaviz.results.manifest import RIGHTNESS, Line, MapRef, Panel, Picture
from rgaviz.tasks import Told

COARSE = 7  # positions on a side: a map with fewer states its grid


def panel(
    column: Column,
    picture: Picture,
    told: Mapping[str, Told],
    maps: Mapping[str, np.ndarray],
    about: Mapping[str, str],
    beside: str = "",
) -> Panel:
    """A panel of a picture's row, with what stands under it.

    Args:
        column: what is shown.
        picture: of the row.
        told: checkpoint id -> what the network says of the picture.
        maps: the picture's, by ``"checkpoint/name"``.
        about: what each class activation map is about, likewise; nothing of one that knows no class.
        beside: another picture that the maps compare this one with, where that is not the same for all.
    """
    content: dict[str, Any] = {"kind": column.kind, "picture": picture.id}
    if column.map is None:
        lines = [Line(text=picture.path)]
        lines += [] if picture.label is None else [Line(text=f"label: {picture.label}")]
        lines += [Line(text=f"beside {beside}")] if beside else []
        return Panel(**content, lines=lines)
    content |= {"map": column.map, "minus": column.minus}
    if column.minus is not None:
        return Panel(**content, lines=_of_difference(column.map, column.minus, maps, about))
    key = _key(column.map)
    lines, values = _said(told[column.map.checkpoint], about.get(key))
    lines += [*_of_method(column.map), *grid([maps[key]]), *map(flag, map_warnings(maps[key]))]
    return Panel(**content, lines=lines, values=values)


def _key(ref: MapRef) -> str:
    return f"{ref.checkpoint}/{ref.name}"


def flag(text: str) -> Line:
    """A line that warns."""
    return Line(text=text, role="flag")


def _said(told: Told, about: str | None) -> tuple[list[Line], dict[str, Any]]:
    """What a network says of a picture, and what its map is about: as lines, and as numbers."""
    lines = [Line(text=line.text, role=RIGHTNESS[line.right]) for line in told.lines]
    if about not in (None, told.says):
        lines.append(Line(text=f"target: {about}"))
    right = next((line.right for line in told.lines), None)
    return lines, {**told.values, "correct": right, "target": about}


def _of_method(ref: MapRef) -> list[Line]:
    """What must be known of the method of a map."""
    if ref.group != "cam":
        return []
    method = METHODS[ref.name.split("/")[0]]
    lines = [Line(text="of no class")] if method.classless else []
    return [*lines, flag("arbitrary sign")] if method.arbitrary_sign else lines


def grid(shown: list[np.ndarray]) -> list[Line]:
    """The grid of maps that are so coarse that a blob may be one position; of channels nothing."""
    sizes = {values.shape: None for values in shown if values.ndim == 2}
    if not any(values.size > 1 and min(values.shape) < COARSE for values in shown if values.ndim == 2):
        return []
    return [Line(text=f"{' and '.join(f'{h}x{w}' for h, w in sizes)} map{'s' if len(sizes) > 1 else ''}")]


def _of_difference(
    first: MapRef, second: MapRef, maps: Mapping[str, np.ndarray], about: Mapping[str, str]
) -> list[Line]:
    """Why a difference is not one of two sound maps about the same."""
    refs = (first, second)
    lines = [*_of_method(first), *grid([maps[_key(ref)] for ref in refs])]
    faults: dict[str, list[str]] = {}
    for ref in refs:
        for fault in map_warnings(maps[_key(ref)]):
            faults.setdefault(fault, []).append(ref.checkpoint)
    lines += [flag(f"{fault} in {' and '.join(where)}") for fault, where in faults.items()]
    subjects = [about.get(_key(ref)) for ref in refs]
    return lines if subjects[0] == subjects[1] else [*lines, flag(f"{subjects[0]} minus {subjects[1]}")]

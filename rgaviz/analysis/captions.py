"""The panels of a picture's row, and what a reader is told under each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rgaviz.analysis.request import Column
from rgaviz.explain.masks import map_warnings
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import Places
from rgaviz.results.manifest import OF_LABELS, RIGHTNESS, UNKNOWN, Box, Line, MapRef, Panel, Picture, Point
from rgaviz.tasks import Told

FEWEST = 0.005  # of the pixels that are told as a share

NONE: Mapping[str, Box] = {}
NOWHERE: Places = ([], [])

COARSE = 7  # positions on a side: a map with fewer states its grid


class About(NamedTuple):
    """What a map is about, and what to doubt of it, or ""."""

    text: str
    doubt: str = ""


def panel(
    column: Column,
    picture: Picture,
    told: Mapping[str, Told],
    maps: Mapping[str, np.ndarray],
    about: Mapping[str, About],
    beside: str = "",
    boxes: Mapping[str, Box] = NONE,
    places: Places = NOWHERE,
) -> Panel:
    """A panel of a picture's row, with what stands under it.

    Args:
        column: what is shown.
        picture: of the row.
        told: checkpoint id -> what the network says of the picture.
        maps: the picture's, by ``"checkpoint/name"``.
        about: what each class activation map is about, likewise; nothing of one that knows no class.
        boxes: around what maps show, likewise.
        places: what class activation maps are about, to be marked on them.
        beside: another picture that the maps compare this one with, where that is not the same for all.
    """
    content: dict[str, Any] = {"kind": column.kind, "picture": picture.id}
    if column.map is None:
        lines = [Line(text=picture.path)]
        lines += [] if picture.label is None else [Line(text=f"label: {picture.label}")]
        lines += [Line(text=f"beside {beside}")] if beside else []
        return Panel(**content, lines=lines)
    content |= {"map": column.map, "minus": column.minus}
    if column.map.group in ("cam", "signed"):
        points, lines = places
        content |= {"marks": _points(points), "outlines": [_points(line) for line in lines]}
    if column.minus is not None:
        return Panel(**content, lines=_of_difference(column.map, column.minus, maps, about))
    key = _key(column.map)
    if column.kind in OF_LABELS:
        return _of_labels(column, content, told.get(column.map.checkpoint), maps[key])
    lines, values = _said(told[column.map.checkpoint], about.get(key))
    lines += [*_of_method(column.map), *grid([maps[key]]), *map(flag, map_warnings(maps[key]))]
    drawn = [boxes[key]] if key in boxes else []
    return Panel(**content, lines=lines, values=values, boxes=drawn)


def _points(places: Sequence[tuple[float, float]]) -> list[Point]:
    return [Point(x=x, y=y) for x, y in places]


def _key(ref: MapRef) -> str:
    return f"{ref.checkpoint}/{ref.name}"


def flag(text: str) -> Line:
    """A line that warns."""
    return Line(text=text, role="flag")


def _lines(told: Told) -> list[Line]:
    return [Line(text=line.text, role=RIGHTNESS[line.right]) for line in told.lines]


def _said(told: Told, about: About | None) -> tuple[list[Line], dict[str, Any]]:
    """What a network says of a picture, and what its map is about: as lines, and as numbers."""
    target = None if about is None else about.text
    doubts = [flag(about.doubt)] if about is not None and about.doubt else []
    if told.labels is not None:  # which have a panel of their own
        lines = [] if target is None else [Line(text=f"target: {target}")]
        return [*lines, *doubts], {"target": target}
    lines = _lines(told)
    if target not in (None, told.says):
        lines.append(Line(text=f"target: {target}"))
    known = [line.right for line in told.lines if line.right is not None]
    right = all(known) if known else None
    return [*lines, *doubts], {**told.values, "correct": right, "target": target}


def _of_labels(column: Column, content: dict[str, Any], told: Told | None, numbers: np.ndarray) -> Panel:
    """A panel of a network's labels, of the truth, which nobody tells, or of where the one is not the other."""
    if column.kind == "labels" and told is not None:
        return Panel(**content, lines=_lines(told), values=told.values)
    known = int((numbers != UNKNOWN).sum())
    if not known:
        return Panel(**content, lines=[flag("no truth")])
    if told is None:
        return Panel(**content)
    share = int((numbers == 1).sum()) / known
    some = f"{100 * share:.0f}%" if share >= FEWEST or not share else "less than 1%"
    return Panel(**content, lines=[Line(text=f"{some} not as the truth")], values={"wrong": share})


def _of_method(ref: MapRef) -> list[Line]:
    """What must be known of the method of a map."""
    if ref.group not in ("cam", "signed"):
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
    first: MapRef, second: MapRef, maps: Mapping[str, np.ndarray], about: Mapping[str, About]
) -> list[Line]:
    """Why a difference is not one of two sound maps about the same."""
    refs = (first, second)
    lines = [*_of_method(first), *grid([maps[_key(ref)] for ref in refs])]
    faults: dict[str, list[str]] = {}
    for ref in refs:
        for fault in map_warnings(maps[_key(ref)]):
            faults.setdefault(fault, []).append(ref.checkpoint)
    lines += [flag(f"{fault} in {' and '.join(where)}") for fault, where in faults.items()]
    told = [about.get(_key(ref), About("no class")) for ref in refs]
    lines += [flag(doubt) for doubt in dict.fromkeys(each.doubt for each in told) if doubt]
    return lines if told[0].text == told[1].text else [*lines, flag(f"{told[0].text} minus {told[1].text}")]

"""A row of the figure of relations between positions: a point, both its sides and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rgaviz.analysis.captions import flag, grid
from rgaviz.analysis.channel_relations import Looked
from rgaviz.explain.relations import ALIKE, Place, Relations, alike, relation_doubts
from rgaviz.results.manifest import Line, MapRef, Panel, Picture, Point

SIDES = {"rows": "looks at, R(i, :)", "columns": "is looked at by, R(:, i)"}


def titles_of(looked: Sequence[Looked]) -> list[str]:
    """Titles of the columns."""
    titles = ["point"]
    for subject, layer in looked:
        whose = f"{subject.id} " if len(looked) > 1 else ""
        titles += [*(f"{whose}{layer}: {words}" for words in SIDES.values()), f"{whose}difference"]
    return titles


def map_name(looked: Looked, place: int, side: str) -> str:
    """Name of the map of a side of a point, as the results have it."""
    return f"{looked.layer}/{place + 1}-{side}"


def panels_of(
    looked: Sequence[Looked],
    found: Sequence[Relations],
    picture: Picture,
    place: int,
    where: Place,
    size: tuple[int, int],
    names: Sequence[str],
) -> tuple[list[Panel], list[dict[str, Any]]]:
    """The panels of a point, and what is said of it in numbers."""
    marks = [Point(x=where[0], y=where[1])]
    x, y = round(where[0] * size[1], 1), round(where[1] * size[0], 1)
    spot = f"({x:g}, {y:g})"
    lines = [Line(text=picture.path), Line(text=f"{names[place]} {spot}" if names else f"point {spot}")]
    panels = [Panel(kind="picture", picture=picture.id, lines=lines, marks=marks)]
    told: list[dict[str, Any]] = []
    for each, relation in zip(looked, found, strict=True):
        sides = {side: getattr(relation, side)[place] for side in SIDES}
        refs = {
            side: MapRef(checkpoint=each.subject.id, name=map_name(each, place, side), group="relation")
            for side in SIDES
        }
        same = alike(relation.rows)
        for side, values in sides.items():
            under = [*grid([values]), *map(flag, relation_doubts(values))]
            if side == "rows" and same >= ALIKE:
                under.append(flag("the same for all points"))
            panels.append(Panel(kind="map", picture=picture.id, map=refs[side], lines=under, marks=marks))
        both = _known(alike(np.stack(list(sides.values()))))
        lines = [] if both is None else [Line(text=f"correlation {both:.2f}".replace("-", "−"))]
        panels.append(
            Panel(
                kind="difference",
                picture=picture.id,
                map=refs["rows"],
                minus=refs["columns"],
                lines=lines,
                marks=marks,
                values={"correlation": both},
            )
        )
        row, column = (int(part) for part in relation.asked[place])
        numbers = {"x": x, "y": y, "row": row, "column": column, "map": list(sides["rows"].shape)}
        own = {"correlation": both, "alike": _known(same)}
        who = {"picture": picture.path, "network": each.subject.id, "layer": each.layer}
        told.append({**who, "point": names[place] if names else place + 1, **numbers, **own})
    return panels, told


def _known(value: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return None if np.isnan(value) else value

"""A ranking as it is told: panels for the figure, rows of the tables, plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rgaviz.analysis.captions import flag, grid
from rgaviz.analysis.gallery import People
from rgaviz.explain.masks import map_warnings
from rgaviz.results.manifest import RIGHTNESS, Line, MapRef, Panel
from rgaviz.tasks.ranking import Ranking

HIT_COLUMNS = ("query", "network", "rank", "picture", "identity", "camera", "distance", "right")
QUERY_COLUMNS = ("query", "network", "identity", "camera", "AP (%)", "first match at", "matches")
FRAMES: dict[bool | None, Any] = {True: "right", False: "wrong", None: None}


@dataclass(frozen=True)
class Hit:
    """A picture of the gallery as a query finds it.

    Attributes:
        rank: from 1.
        place: in the gallery.
        name: of the picture.
        identity: who it shows, None where nothing says it.
        camera: which took it, likewise.
        distance: from the query.
        right: whether it shows the query's identity, None where that cannot be said.
    """

    rank: int
    place: int
    name: str
    identity: int | None
    camera: int | None
    distance: float
    right: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for people: without the place, which no file has."""
        return {name: value for name, value in vars(self).items() if name != "place"}


@dataclass(frozen=True)
class Found:
    """What a network finds for a query.

    Attributes:
        query: its name.
        network: its name in the figure.
        identity: who is looked for, None where nothing says it.
        camera: of the query, likewise.
        precision: average precision as a fraction, None without a match.
        first: rank of the first match, None without one.
        matches: how many there are in the gallery, None where nothing says who is looked for.
        hits: the best of the gallery.
    """

    query: str
    network: str
    identity: int | None
    camera: int | None
    precision: float | None
    first: int | None
    matches: int | None
    hits: list[Hit]

    @property
    def percent(self) -> float | None:
        """Average precision in percent."""
        return None if self.precision is None else 100 * self.precision

    def lines(self) -> list[Line]:
        """What stands under the query's picture."""
        return [Line(text=text) for text in (self.network, *_who(self.identity, self.camera))]

    def outcome(self) -> list[Line]:
        """What stands at the end of the row: how well it was found."""
        if self.matches is None:
            told = ["who is unknown"] if self.identity is None else ["matches nobody"]
        elif self.percent is None:
            told = ["no match"]
        else:
            told = [f"AP {self.percent:.1f}%", f"first at {self.first}"]
        return [Line(text=text) for text in told]

    def values(self) -> dict[str, Any]:
        """The same as numbers."""
        return {
            "query": self.query,
            "network": self.network,
            "identity": self.identity,
            "camera": self.camera,
            "ap": self.percent,
            "first": self.first,
            "matches": self.matches,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**self.values(), "ranking": [hit.to_dict() for hit in self.hits]}


def _who(identity: int | None, camera: int | None) -> list[str]:
    known = [] if identity is None else [f"id {identity}"]
    return known + ([] if camera is None else [f"camera {camera}"])


def known_identity(identity: int | None) -> bool:
    """Whether it is somebody: neither unknown, nor a distractor or junk, which match nobody."""
    return identity is not None and identity > 0


def found_by(network: str, ranking: Ranking, index: int, queries: People, gallery: People) -> Found:
    """What a network finds for the query of an index."""
    sought = queries.identities[index]
    somebody, matches = known_identity(sought), int(ranking.matches[index])
    columns = (each[index].tolist() for each in (ranking.order, ranking.distances, ranking.right))
    hits = []
    for rank, (place, distance, right) in enumerate(zip(*columns, strict=True), start=1):
        if place < 0:
            break
        shown = gallery.identities[place]
        told = right if somebody and shown is not None else None
        hits.append(Hit(rank, place, gallery.names[place], shown, gallery.cameras[place], distance, told))
    return Found(
        queries.names[index],
        network,
        sought,
        queries.cameras[index],
        float(ranking.average_precision[index]) if matches else None,
        int(ranking.first[index]) if matches else None,
        matches if somebody else None,
        hits,
    )


def row_of(
    found: Found, pictures: Sequence[str], ref: MapRef | None, maps: Sequence[np.ndarray], top: int
) -> list[Panel]:
    """A row of the figure: the query, what was found, and at its end how well.

    Args:
        found: by a network.
        pictures: ids of the query's picture and of those found.
        ref: which map lies over them.
        maps: one for each picture, or none.
        top: how many columns there are for what was found.
    """
    lines = [found.lines(), *([*_hit_lines(hit)] for hit in found.hits)]
    values = [found.values(), *(hit.to_dict() for hit in found.hits)]
    frames = [None, *(FRAMES[hit.right] for hit in found.hits)]
    if maps:
        lines[0] += grid(list(maps[:1]))
    row = []
    for place, picture in enumerate(pictures):
        drawn: dict[str, Any] = {"kind": "picture"}
        if ref is not None and maps:
            drawn = {"kind": "map", "map": ref}
            lines[place] += map(flag, map_warnings(maps[place]))
        row.append(
            Panel(picture=picture, lines=lines[place], frame=frames[place], values=values[place], **drawn)
        )
    row += [Panel(kind="text")] * (top - len(found.hits))  # so that all rows end in one column
    return [*row, Panel(kind="text", lines=found.outcome())]


def _hit_lines(hit: Hit) -> Iterator[Line]:
    """What stands under a picture of the gallery; right and wrong have a sign there."""
    who, *camera = _who(hit.identity, hit.camera) or ["unknown"]
    yield Line(text=who, role=RIGHTNESS[hit.right])
    yield from (Line(text=text) for text in (*camera, f"{hit.distance:.3f}"))


def hit_table(found: Sequence[Found]) -> Iterator[Sequence[Any]]:
    """All that was found, a row for each picture of each ranking."""
    yield HIT_COLUMNS
    for each in found:
        for hit in each.hits:
            yield (each.query, each.network, *hit.to_dict().values())


def query_table(found: Sequence[Found]) -> Iterator[Sequence[Any]]:
    """What came of each query by each network."""
    yield QUERY_COLUMNS
    for each in found:
        yield tuple(each.values().values())

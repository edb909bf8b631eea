"""Rankings into a results folder, query by query: pictures, maps, rows of panels and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rgaviz.analysis.overlays import CAM, Overlay
from rgaviz.analysis.ranked import Found, hit_table, query_table, row_of
from rgaviz.analysis.search import Order, Search
from rgaviz.progress import Track
from rgaviz.results.manifest import Picture
from rgaviz.results.writer import ResultsWriter

HITS, QUERIES = "hits", "queries"  # tables


def write_rankings(
    folder: Path,
    head: Mapping[str, Any],
    search: Search,
    made: Sequence[Order],
    found: Mapping[int, Sequence[Found]],
    track: Track,
) -> None:
    """Write the results folder.

    Args:
        folder: where it goes.
        head: of the manifest.
        search: networks, queries and gallery.
        made: what each network makes of it.
        found: index of a query -> what each network finds.
        track: wraps the loop, for a progress bar.
    """
    with ResultsWriter(folder, head) as writer:
        for place, query in enumerate(track(list(found), total=len(found), description="explaining")):
            _write_query(writer, search, made, place, query, found[query])
        told = [each for several in found.values() for each in several]
        writer.table(HITS, hit_table(told))
        writer.table(QUERIES, query_table(told))


def _write_query(
    writer: ResultsWriter,
    search: Search,
    made: Sequence[Order],
    place: int,
    query: int,
    found: Sequence[Found],
) -> None:
    """The pictures of a query's rows, each once with the maps of all networks, then the rows.

    They are of this query alone: the same picture of the gallery has another map for another one.
    """
    maps: dict[str, dict[str, np.ndarray]] = {}
    rows = []
    for overlay, order, each in zip(search.overlays, made, found, strict=True):
        ids = [str(place), *(f"{place}-{hit.place}" for hit in each.hits)]
        over = _maps(overlay, search, order, query, each)
        for name, values in zip(ids, over, strict=False):
            assert overlay.map is not None
            maps.setdefault(name, {})[f"{overlay.map.checkpoint}/{overlay.map.name}"] = values
        rows.append(row_of(each, ids, overlay.map, over, order.ranking.order.shape[1]))
    shown = {str(place): (search.queries, query)}
    shown |= {f"{place}-{hit.place}": (search.gallery, hit.place) for each in found for hit in each.hits}
    for name, (people, index) in shown.items():
        pixels, who = people.shown(index), people.identities[index]
        label = None if who is None else str(who)
        entry = Picture(id=name, path=people.shown_name(index), size=list(pixels.shape[:2]), label=label)
        writer.picture(entry, pixels, maps.get(name, {}))
    for row in rows:
        writer.row(row)


def _maps(overlay: Overlay, search: Search, order: Order, query: int, found: Found) -> list[np.ndarray]:
    """The map over the query, then those over what was found.

    Class activation maps are about the cosine of two embeddings: over the gallery's pictures with the query, over the
    query with the first picture that is right, or, where none shown is, with the first one.
    """
    if overlay.map is None or not found.hits:
        return []
    size = overlay.subject.checkpoint.image_size
    pictures = [search.gallery.pixels(hit.place, size) for hit in found.hits]
    sought = search.queries.pixels(query, size)
    if overlay.map.group != CAM:
        return overlay.maps([sought, *pictures])
    about = next((hit for hit in found.hits if hit.right), found.hits[0]).place
    return [*overlay.maps([sought], order.gallery[about]), *overlay.maps(pictures, order.queries[query])]

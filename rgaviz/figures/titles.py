"""Titles that are short: what those of all maps of a kind say in brackets is said once, beside their colour bar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rgaviz.results.reader import Results

BRACKETS = re.compile(r" \(([^()]*)\)$")


def shortened(results: Results) -> tuple[Results, dict[str, str]]:
    """The results with short titles, and what these no longer say: group of maps -> words, such as ``conv5, flip``.

    A figure of one map has the title it had.
    """
    manifest = results.manifest
    columns: dict[str, list[int]] = {}  # group -> columns of its maps
    for column in range(len(manifest.titles)):
        panels = [row[column] for row in manifest.rows if column < len(row)]
        group = next((each.map.group for each in panels if each.kind == "map" and each.map), None)
        if group is not None:
            columns.setdefault(group, []).append(column)
    if sum(map(len, columns.values())) < 2:
        return results, {}
    titles, said = list(manifest.titles), {}
    for group, places in columns.items():
        words = _common([titles[place] for place in places])
        if words:
            said[group] = ", ".join(words)
            for place in places:
                titles[place] = _without(titles[place], len(words))
    return replace(results, manifest=manifest.model_copy(update={"titles": titles})), said


def _words(title: str) -> list[str]:
    found = BRACKETS.search(title)
    return found[1].split(", ") if found else []


def _common(titles: Sequence[str]) -> list[str]:
    """The words that the brackets of all titles begin with."""
    first, *others = map(_words, titles)
    for count in range(len(first), 0, -1):
        if all(each[:count] == first[:count] for each in others):
            return first[:count]
    return []


def _without(title: str, count: int) -> str:
    rest = ", ".join(_words(title)[count:])
    return BRACKETS.sub(f" ({rest})" if rest else "", title)

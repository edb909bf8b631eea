"""What the parts of ``--preset figure3`` show: labels, class activation maps, masks, each beside its picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rgaviz.figures.panels import is_sorted
from rgaviz.figures.scales import GROUP_NAMES, Scales
from rgaviz.results.manifest import Panel

MARKS = "abc"
GROUPS = ("labels", *GROUP_NAMES)  # of maps, in the order of their parts
MOST_FLAGS = 4  # kinds of warnings that are told


@dataclass(frozen=True)
class Part:
    """A part of the figure.

    Attributes:
        mark: "(a)" or "(b)"; "" of a part that is alone.
        columns: of a row, those it shows, the picture first.
        caption: what it shows, said once.
    """

    mark: str
    columns: tuple[int, ...]
    caption: str

    def panels(self, row: Sequence[Panel]) -> list[Panel]:
        """Those of a row."""
        return [row[column] for column in self.columns if column < len(row)]


def parts_of(scales: Scales) -> list[Part]:
    """The parts in order: one for each group of maps there is, or one of pictures alone."""
    titles = scales.results.manifest.titles
    groups = [_group(scales.rows, column) for column in range(len(titles))]
    pictures = [column for column, group in enumerate(groups) if group is None]
    shown = [group for group in GROUPS if group in groups] or [None]
    parts = []
    for mark, group in zip(MARKS, shown, strict=False):
        maps = [column for column, each in enumerate(groups) if each == group and group is not None]
        words = _words([titles[column] for column in pictures], [titles[column] for column in maps])
        common = _common([row[column].lines for row in scales.rows for column in maps if column < len(row)])
        order = ["channels sorted by value"] if _has_sorted(scales, maps) else []
        caption = "; ".join([words, *common, *order])
        parts.append(Part(f"({mark})" if len(shown) > 1 else "", (*pictures, *maps), caption))
    return parts


def _group(rows: Sequence[Sequence[Panel]], column: int) -> str | None:
    """Of a column of panels; None of pictures."""
    refs = (row[column].map for row in rows if column < len(row))
    return next((ref.group for ref in refs if ref is not None), None)


def _has_sorted(scales: Scales, columns: Sequence[int]) -> bool:
    """Whether channels are drawn in these columns that are in no order of their own."""
    panels = [row[column] for row in scales.rows for column in columns if column < len(row)]
    return any(each.kind == "bars" and is_sorted(scales.read(each, each.map, rank=1)) for each in panels)


def _words(pictures: list[str], maps: list[str]) -> str:
    """Titles in a line, what all maps have in common said before them: ``Grad-CAM (conv5): input | baseline | rga``."""
    split = [title.split() for title in maps]
    shared = 0
    while len(maps) > 1 and all(len(words) > shared + 1 for words in split):
        if len({words[-1 - shared] for words in split}) > 1:
            break
        shared += 1
    said = " ".join(split[0][len(split[0]) - shared :]) if shared else ""
    names = [" ".join(words[: len(words) - shared]) for words in split]
    shown = " | ".join([*pictures, *names])
    return f"{said}: {shown}" if said else shown


def _common(captions: list[list]) -> list[str]:
    """The lines, warnings apart, that stand under every map, of two or more."""
    if len(captions) < 2:
        return []
    told = [[line.text for line in lines if line.role == "plain"] for lines in captions]
    return [text for text in dict.fromkeys(told[0]) if all(text in lines for lines in told)]


def flags_of(scales: Scales, panel: Panel) -> list[str]:
    """The warnings about a panel."""
    return [*(line.text for line in panel.lines if line.role == "flag"), *scales.flags(panel)]


def flag_notes(scales: Scales) -> list[str]:
    """The warnings about all panels, each once, with how many panels it is about."""
    counts = Counter(
        re.sub(r"^uses \d%", "uses less than 10%", flag)
        for panel in scales.panels
        for flag in flags_of(scales, panel)
    )
    told = counts.most_common()
    notes = [f"! {flag}: {count} panel{'s' if count > 1 else ''}" for flag, count in told[:MOST_FLAGS]]
    return (
        [*notes, f"! and {len(told) - MOST_FLAGS} more kinds of warnings"]
        if len(told) > MOST_FLAGS
        else notes
    )

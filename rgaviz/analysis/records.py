"""What is written of a picture, as arrays and plain data: made by one process, written by another, or later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rgaviz.analysis.blocks import Block
from rgaviz.results.manifest import Panel, Picture
from rgaviz.results.writer import ResultsWriter
from rgaviz.tasks import Told
from rgaviz.tasks.answers import Line


@dataclass(frozen=True)
class Shown:
    """A picture with maps.

    Attributes:
        entry: in the manifest.
        png: the bytes of its file; None of further maps of a picture.
        maps: raw, by ``"checkpoint/name"``.
    """

    entry: Picture
    png: bytes | None
    maps: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Record:
    """All of one picture.

    Attributes:
        shown: the picture, and what belongs to another one that it is compared with.
        rows: of panels.
        told: checkpoint id -> what the network says of it.
        boxes: ``checkpoint/map`` -> left, top, right and bottom in pixels.
    """

    shown: Sequence[Shown]
    rows: Sequence[Sequence[Panel]]
    told: Mapping[str, Told]
    boxes: Mapping[str, list[int]]

    @property
    def path(self) -> str:
        """What the picture is called."""
        return self.shown[0].entry.path

    def write(self, writer: ResultsWriter) -> None:
        """Add it to the results."""
        for each in self.shown:
            if each.png is None:
                writer.maps(each.entry.id, each.maps)
            elif not writer.has(each.entry.id):  # the other picture of a comparison comes with every block
                writer.picture(each.entry, each.png, each.maps)
        for row in self.rows:
            writer.row(row)


def packed(records: Sequence[Record], notes: Mapping[str, Sequence[str]]) -> Block:
    """The records of a block, and what was noted of its pictures, by what kind of note it is."""
    arrays: dict[str, np.ndarray] = {}
    plain = [_packed(record, f"{number}", arrays) for number, record in enumerate(records)]
    return Block(arrays, {"records": plain, "notes": {kind: list(lines) for kind, lines in notes.items()}})


def _packed(record: Record, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What JSON can hold of a record; its arrays are added to the block's, by numbers, for any text is a map's name."""
    shown = []
    for place, each in enumerate(record.shown):
        own = f"{name}-{place}"
        if each.png is not None:
            arrays[f"{own}-png"] = np.frombuffer(each.png, np.uint8)
        arrays |= {f"{own}-{index}": values for index, values in enumerate(each.maps.values())}
        shown.append({"entry": each.entry.model_dump(), "maps": list(each.maps)})
    return {
        "shown": shown,
        "rows": [[panel.model_dump() for panel in row] for row in record.rows],
        "told": {key: [list(each.lines), each.values, each.says] for key, each in record.told.items()},
        "boxes": dict(record.boxes),
    }


def records(block: Block) -> Iterator[Record]:
    """The records of a block."""
    for number, each in enumerate(block.plain["records"]):
        shown = []
        for place, one in enumerate(each["shown"]):
            own = f"{number}-{place}"
            png = block.arrays.get(f"{own}-png")
            maps = {key: block.arrays[f"{own}-{index}"] for index, key in enumerate(one["maps"])}
            shown.append(Shown(Picture(**one["entry"]), None if png is None else png.tobytes(), maps))
        rows = [[Panel(**panel) for panel in row] for row in each["rows"]]
        told = {
            key: Told([Line(*line) for line in lines], values, says)
            for key, (lines, values, says) in each["told"].items()
        }
        yield Record(shown, rows, told, each["boxes"])

"""Numbers of pictures, by what made the map that they are of, as blocks that processes share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rgaviz.analysis.blocks import Block
from rgaviz.analysis.request import versions
from rgaviz.analysis.subject import Subject


class Kind(NamedTuple):
    """What made a map: ``cam``, ``mask`` or ``floor``, its name, and the network, "" for a floor that needs none."""

    group: str
    name: str
    network: str


Numbers = dict[str, np.ndarray]  # name -> (n, ...) of n pictures


def packed(numbers: Mapping[Kind, Numbers], plain: Mapping[str, Any]) -> Block:
    """The numbers of a block of pictures, and what JSON can hold."""
    arrays = {
        f"{place}-{name}": values
        for place, own in enumerate(numbers.values())
        for name, values in own.items()
    }
    return Block(arrays, {"kinds": [list(kind) for kind in numbers], **plain})


def joined(blocks: Iterable[Block]) -> tuple[dict[Kind, Numbers], list[Any]]:
    """The numbers of all pictures in their order, and the plain data of each block."""
    parts: dict[Kind, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    plain = []
    for block in blocks:
        plain.append(block.plain)
        for key, values in block.arrays.items():
            place, _, name = key.partition("-")
            parts[Kind(*block.plain["kinds"][int(place)])][name].append(values)
    return {
        kind: {name: np.concatenate(each) for name, each in own.items()} for kind, own in parts.items()
    }, plain


def question(
    command: str, subjects: Sequence[Subject], names: Sequence[str], files: Sequence[Path], **asked: Any
) -> dict[str, Any]:
    """All that such numbers depend on, as :func:`rgaviz.analysis.blocks.blocks_of` wants it.

    Args:
        command: that asks.
        subjects: the networks.
        names: of the pictures.
        files: that are read.
        asked: the rest, as JSON has it.
    """
    return {
        "command": command,
        "checkpoints": [subject.record() for subject in subjects],
        "versions": versions(),
        "names": list(names),
        "files": [[path.name, *state(path)] for path in files],
        **asked,
    }


def state(path: Path) -> list[int]:
    """Whether a file is as it was: its size and when it was changed."""
    try:
        found = path.stat()
    except OSError:  # is told when it is read
        return []
    return [found.st_size, found.st_mtime_ns]

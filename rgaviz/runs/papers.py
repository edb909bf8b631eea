"""What a paper reports: a TOML file per table."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from rgaviz.errors import lookup

Figures = dict[str, dict[str, float]]  # by data set and measure


class Paper(NamedTuple):
    """A table of a paper.

    Attributes:
        networks: by arch, attention and head, those that can be trained here.
        others: by name, methods that are only compared with.
    """

    networks: dict[tuple[str, str, str], Figures]
    others: dict[str, Figures]

    def figure(self, network: tuple[str, str, str], dataset: str, measure: str) -> float | None:
        """What it reports of a network, if anything."""
        return self.networks.get(network, {}).get(dataset, {}).get(measure)


NOTHING = Paper({}, {})


def _read(path: Path) -> Paper:
    paper = Paper({}, {})
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["row"]:
        if "name" in row:
            paper.others[row.pop("name")] = row
        else:
            paper.networks[row.pop("arch"), row.pop("attention"), row.pop("head", "")] = row
    return paper


PAPERS: dict[str, Paper] = {
    path.stem: _read(path) for path in sorted((Path(__file__).parent / "papers").glob("*.toml"))
}


def paper_table(name: str) -> Paper:
    """A table of a paper.

    Raises:
        UnknownNameError: no such table.
    """
    return lookup(PAPERS, name, "paper table")

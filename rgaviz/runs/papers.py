"""What a paper reports: a TOML file per table."""

from __future__ import annotations

import tomllib
from pathlib import Path

from rgaviz.errors import lookup

Figures = dict[tuple[str, str], dict[str, float]]  # by (arch, attention) and data set


def _read(path: Path) -> Figures:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["row"]
    return {(row.pop("arch"), row.pop("attention")): row for row in rows}


PAPERS: dict[str, Figures] = {
    path.stem: _read(path) for path in sorted((Path(__file__).parent / "papers").glob("*.toml"))
}


def paper_table(name: str) -> Figures:
    """The figures of a paper's table.

    Raises:
        UnknownNameError: no such table.
    """
    return lookup(PAPERS, name, "paper table")

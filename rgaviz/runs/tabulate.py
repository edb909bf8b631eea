"""From folders of runs to a table in a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rgaviz.errors import OutputError, RgavizError, lookup, quoted
from rgaviz.outputs import begins, claim_file, given_place
from rgaviz.progress import Say, hush
from rgaviz.runs.papers import paper_table
from rgaviz.runs.read import read_runs
from rgaviz.runs.table import FORMATS, OPENINGS
from rgaviz.writing import atomic_write

LABEL = r"[A-Za-z0-9:._+/-]{1,100}"
SUFFIXES = {".tex": "latex", ".md": "markdown", ".txt": "markdown", ".csv": "csv", ".json": "json"}


def tabulate(
    runs: Sequence[Path | str],
    out: Path | str | None = None,
    *,
    form: str | None = None,
    paper: str | None = None,
    columns: Sequence[str] = (),
    label: str | None = None,
    say: Say = hush,
) -> str:
    """The table of finished runs, as ``rgaviz table`` writes it: means and deviations over seeds.

    Args:
        runs: folders of runs, or checkpoints.
        out: file to write; by default none.
        form: a key of ``FORMATS``; by default that of the suffix of ``out``, else Markdown.
        paper: a key of ``PAPERS`` whose figures stand beside ours.
        columns: in order those to show: ``depth``, ``params``, ``epochs``, ``seeds``, a measure such as ``error`` or a
            data set with all of its measures; the network stands before them. By default all.
        label: what a LaTeX table is referred to by; by default ``tab:results``, or of a paper ``tab:table7``.
        say: is told what was left out.

    Returns:
        The text.

    Raises:
        RgavizError: no finished run, an unknown format, column or paper, or a file of someone else's in the way.
    """
    place = None if out is None else given_place(out)
    chosen = choose_format(form, place)
    settings = _settings(chosen, columns, label)
    if paper:
        paper_table(paper)  # before hundreds of checkpoints are read
    rows, notes = read_runs([Path(run) for run in runs])
    for note in notes:
        say(f"Note: {note}")
    text = FORMATS[chosen](rows, paper, **settings)
    if place is not None:
        claim_file(place, begins(OPENINGS[chosen]))
        atomic_write(place, text.encode())
    return text


def _settings(form: str, columns: Sequence[str], label: str | None) -> dict[str, Any]:
    """What the function of a format is told of its own.

    Raises:
        RgavizError: it is for other formats, or no label.
    """
    wanted = [columns] if isinstance(columns, str) else list(columns)
    if label is not None and form != "latex":
        raise RgavizError(f"--label {quoted(label)} is for LaTeX: add --format latex, or leave --label out.")
    if label is not None and not re.fullmatch(LABEL, label):
        raise RgavizError(
            f"--label {quoted(label)} is no label: write letters, digits and any of : . _ - + /, such as tab:results."
        )
    if wanted and form == "json":
        raise RgavizError("--columns is for tables: JSON holds all there is; leave --columns out.")
    return {**({"wanted": wanted} if wanted else {}), **({"label": label} if label is not None else {})}


def choose_format(form: str | None, out: Path | None, *, as_json: bool = False) -> str:
    """The format that the options ask for; they must agree.

    Raises:
        RgavizError: unknown, or two of them.
    """
    if form is not None:
        lookup(FORMATS, form, "format")
    if out is not None and out.suffix not in SUFFIXES:
        raise OutputError(f"{out} is no name for a table: {', '.join(SUFFIXES)}; choose another with -o.")
    asked = {
        "--format": form,
        "--json": "json" if as_json else None,
        "--out": SUFFIXES[out.suffix] if out is not None and out.suffix != ".txt" else None,
    }
    given = {option: name for option, name in asked.items() if name is not None}
    if len(set(given.values())) > 1:
        raise RgavizError(
            f"{' and '.join(f'{option} ({name})' for option, name in given.items())} ask for different formats; "
            "give one of them."
        )
    return next(iter(given.values()), "markdown")

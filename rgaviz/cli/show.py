"""What commands tell: progress and notes on standard error, so that standard output stays for the answer."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.outputs import names_figure
from rgaviz.progress import is_main_process

if TYPE_CHECKING:
    from rgaviz.analysis.request import Outcome, Request
    from rgaviz.analysis.subject import Subject

WIDEST = 400  # characters that a table of measurements may need


def track(items: Iterable[Any], *, total: int, description: str) -> Iterable[Any]:
    """A loop with a progress bar on a terminal, which vanishes when it is done."""
    from rich.console import Console
    from rich.progress import track as bar

    console = Console(stderr=True)
    if not (console.is_terminal and is_main_process()):
        return items
    return bar(items, total=total, description=description, console=console, transient=True)


def report(outcome: Outcome, folder: Path, paths: Sequence[Path], out: Path | None, *, as_json: bool) -> None:
    """Tell where everything is, and what was left out."""
    for failure in outcome.failures:
        say(f"Error: {failure}")
    if outcome.failures:
        say(
            f"{len(outcome.failures)} of {len(outcome.failures) + len(outcome.predictions)} pictures left out."
        )
    if as_json:
        answer = {
            "results": str(folder),
            "files": [str(path) for path in paths],
            "predictions": {
                picture: {name: prediction._asdict() for name, prediction in told.items()}
                for picture, told in outcome.predictions.items()
            },
            "failures": outcome.failures,
        }
        print(json.dumps(answer, indent=1))
        return
    overlays = [path for path in paths if path.is_relative_to(folder / "overlays")]
    for path in paths:
        if path not in overlays:
            print(f"Figure: {path}")
    if overlays:
        print(f"Overlays: {len(overlays)} in {folder / 'overlays'}")
    again = ["rgaviz", "redraw", str(folder), *(["-o", str(out)] if names_figure(out) else [])]
    print(f"Numbers: {folder} (draw again with: {shlex.join(again)})")


def tell_notes(subjects: Sequence[Subject]) -> None:
    """Say what must be known of the networks before believing what they give."""
    for checkpoint in (subject.checkpoint for subject in subjects):
        for note in checkpoint.notes:
            say(f"Note: {checkpoint.path}: {note}")


def tell_mixed_differences(request: Request, outcome: Outcome) -> None:
    """Say where a difference is one of maps about different classes, each network's own prediction."""
    differences = any(column.kind == "difference" for column in request.columns)
    if not differences or request.target not in ("top1", "top5"):
        return
    labels = [{prediction.label for prediction in told.values()} for told in outcome.predictions.values()]
    if mixed := sum(len(each) > 1 for each in labels):
        say(
            f"Note: for {mixed} of {len(labels)} pictures the networks predict different classes, so --diff subtracts "
            "maps about different classes there; name one class with --target."
        )


def tell_left_out(pages: int, folder: Path) -> None:
    """Say that a long figure was not drawn to its end, and how it is."""
    if pages:
        again = shlex.join(["rgaviz", "redraw", str(folder), "--pages", "0"])
        say(f"Note: {pages} more pages were not drawn; all of them: {again}")


def say(text: str) -> None:
    """A line beside the answer."""
    print(text, file=sys.stderr)


def show_measured(answer: Mapping[str, Any], table: Any) -> None:
    """Measurements for people: the table, where they were taken, and the files."""
    from rich.console import Console

    from rgaviz.analysis.tables import described

    console = Console()
    # A line too long for the terminal goes on in the next one: a figure that is cut off is worse.
    console.width = max(console.width, Console(width=WIDEST).measure(table).maximum)
    console.print(table)
    console.print(described(answer), highlight=False, soft_wrap=True)
    for path in answer["files"]:
        print(path)


def measured_table(first: str, others: Sequence[str]) -> Any:
    """An empty table whose columns but the first hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(first, box=SIMPLE_HEAD, pad_edge=False)
    for name in others:
        table.add_column(name, justify="right")
    return table

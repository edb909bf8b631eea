"""What the commands that explain share: what their functions are told, and how the answer is told."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rgaviz.cli.figure_options import Figure
from rgaviz.cli.option_groups import Network, Picking, parse_names
from rgaviz.cli.settings import settings
from rgaviz.cli.show import give, tell_failures, tell_left_out
from rgaviz.outputs import names_figure

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Answer
    from rgaviz.analysis.rank import Ranked
    from rgaviz.analysis.relations import Related
    from rgaviz.analysis.settings import LabelledSettings


def labelled_settings(
    context: typer.Context,
    label: str | None,
    picking: Picking,
    network: Network,
    figure: Figure,
    window: str,
    resume: bool,
) -> LabelledSettings:
    """The options as ``rgaviz.analysis.settings.LabelledSettings``."""
    found: Any = {
        "labels": parse_names(label, "--label") if label else (),
        "window": window,
        "resume": resume,
        **vars(picking),
        **settings(context, network, figure),
    }
    return found


def tell(answer: Answer, out: Path | None, *, as_json: bool) -> None:
    """Tell where everything is, and what was left out."""
    tell_failures(answer.failures, len(answer.told))
    finish(answer, out, as_json=as_json)


def finish(answer: Answer | Ranked | Related, out: Path | None, *, as_json: bool) -> None:
    """Tell the answer; the exit code is 1 where a picture was left out."""
    if as_json:
        print(json.dumps(answer.to_dict(), indent=1))
    else:
        show(answer, out)
    tell_left_out(answer.left_out, answer.folder)
    if answer.failures:
        raise typer.Exit(1)


def show(answer: Answer | Ranked | Related, out: Path | None) -> None:
    """The files for people."""
    overlays = [path for path in answer.files if path.is_relative_to(answer.folder / "overlays")]
    for path in answer.files:
        if path not in overlays:
            give(f"{'Page' if path.suffix == '.html' else 'Figure'}: {path}")
    if overlays:
        give(f"Overlays: {len(overlays)} in {answer.folder / 'overlays'}")
    again = ["rgaviz", "redraw", str(answer.folder), *(["-o", str(out)] if names_figure(out) else [])]
    give(f"Numbers: {answer.folder} (draw again with: {shlex.join(again)})")

"""What the commands that explain share: telling inputs apart, where output goes, running and reporting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rgaviz.cli.app import COMMAND_LINE
from rgaviz.cli.options import figure_changes
from rgaviz.cli.show import report, say, tell_left_out, tell_mixed_differences, tell_notes, track
from rgaviz.outputs import output_paths

if TYPE_CHECKING:
    from rgaviz.analysis.request import Request
    from rgaviz.analysis.subject import Subject


def explain_and_draw(
    context: typer.Context, request: Callable[[list[Subject]], Request], *, networks: int = 1
) -> None:
    """Run a command that explains, from its parameters to the exit code.

    Args:
        context: of the command; its parameters are those of ``rgaviz.cli.options``.
        request: what to explain, once the checkpoints are loaded.
        networks: how many checkpoints the command needs at least.
    """
    from rgaviz.analysis.inputs import inputs, pictures_to_explain, refuse_inputs
    from rgaviz.analysis.run import run
    from rgaviz.analysis.subject import load_subjects
    from rgaviz.devices import choose_device
    from rgaviz.figures.draw import draw, record_options, refuse_foreign_figures
    from rgaviz.figures.style import FigureOptions

    command, given = str(context.info_name), context.params
    folder, stem = output_paths(given["out"], command)
    options = FigureOptions(**figure_changes(given))
    device = choose_device(given["device"])
    refuse_foreign_figures(folder, stem, options)
    checkpoints, pictures = inputs(given, command, networks, say)
    found = pictures_to_explain(pictures, folder)
    refuse_inputs([*map(Path, checkpoints), *(picture.path for picture in found)], stem, options.formats)
    subjects = load_subjects(checkpoints, device, given["arch"], given["num_classes"])
    tell_notes(subjects)
    if len({tuple(subject.checkpoint.classes) for subject in subjects}) > 1:
        say("Note: these networks were trained on different classes.")
    asked = replace(
        request(subjects),
        command_line=context.meta[COMMAND_LINE],
        labels=[name.strip() for name in given["label"].split(",")] if given["label"] else (),
        options=record_options(options),
    )
    outcome = run(asked, found, folder, track)
    drawn = draw(folder, stem, options)
    report(outcome, folder, drawn.paths, given["out"], as_json=given["as_json"])
    tell_left_out(drawn.left_out, folder)
    tell_mixed_differences(asked, outcome)
    if outcome.failures:
        raise typer.Exit(1)

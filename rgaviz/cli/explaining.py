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
from rgaviz.outputs import output_place

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
    from rgaviz.analysis.inputs import inputs, pictures_to_explain
    from rgaviz.analysis.run import run
    from rgaviz.analysis.subject import load_subjects
    from rgaviz.devices import choose_device
    from rgaviz.figures.draw import claim_figure, draw, record_options
    from rgaviz.figures.style import FigureOptions

    command, given = str(context.info_name), context.params
    output = output_place(given["out"], command)
    folder = output.folder
    options = FigureOptions(**figure_changes(given))
    device = choose_device(given["device"])
    checkpoints, pictures = inputs(given, command, networks, say)
    found = pictures_to_explain(pictures, folder)
    to_read = [*map(Path, checkpoints), *(picture.path for picture in found)]
    claim_figure(command, output, options, inputs=to_read)
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
    drawn = draw(folder, output, options)
    report(outcome, folder, drawn.paths, given["out"], as_json=given["as_json"])
    tell_left_out(drawn.left_out, folder)
    tell_mixed_differences(asked, outcome)
    if outcome.failures:
        raise typer.Exit(1)

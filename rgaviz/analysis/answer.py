"""What ``masks``, ``cam``, ``compare`` and ``histogram`` share: from names to results and a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from rgaviz.analysis.inputs import chosen_inputs, pictures_to_explain
from rgaviz.analysis.request import Request
from rgaviz.analysis.run import run
from rgaviz.analysis.settings import LabelledSettings, chosen
from rgaviz.analysis.subject import Subject, load_subjects, tell_notes
from rgaviz.devices import choose_device
from rgaviz.errors import words
from rgaviz.figures.draw import claim_figure, claim_overlays_of, draw, record_options
from rgaviz.figures.style import options_of
from rgaviz.locks import alone
from rgaviz.outputs import given_place, output_place, with_suffix
from rgaviz.tasks import Told

Names = Path | str | Sequence[Path | str]


@dataclass(frozen=True)
class Answer:
    """What came of a question.

    Attributes:
        folder: of the results; :func:`rgaviz.results.reader.read_results` reads it.
        files: the figure's, then the overlays or the table beside it.
        told: picture -> checkpoint -> what the network says of it.
        failures: one line for each picture that was left out.
        left_out: pages that were not drawn.
    """

    folder: Path
    files: list[Path]
    told: dict[str, dict[str, Told]]
    failures: list[str]
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "results": str(self.folder),
            "files": [str(path) for path in self.files],
            "predictions": {
                picture: {name: each.values for name, each in told.items()}
                for picture, told in self.told.items()
            },
            "failures": self.failures,
        }


def answer(
    ask: Callable[[list[Subject]], Request],
    command: str,
    checkpoints: Names,
    pictures: Names,
    out: Path | str | None,
    *,
    networks: int = 1,
    **settings: Unpack[LabelledSettings],
) -> Answer:
    """Explain pictures, write the results and draw their figure.

    Args:
        ask: what to explain, once the checkpoints are loaded.
        command: whose figure it is; names the results where ``out`` does not.
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; none are chosen here.
        pictures: files, folders or patterns; none are the bundled photographs.
        out: a figure or a folder; by default ``./rgaviz-<command>/``.
        networks: how many checkpoints it needs at least.
        settings: see :class:`rgaviz.analysis.settings.LabelledSettings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    said = chosen(settings, LabelledSettings)
    checkpoints = words(checkpoints, "Checkpoints", "rga.pt")
    pictures = words(pictures, "Pictures", "img.jpg")
    labels = words(settings.get("labels", ()), "Labels", "cat")
    place = None if out is None else given_place(out)
    output = output_place(place, command)
    options = options_of(with_suffix(said.figure, place))
    device = choose_device(said.device)
    sources, asked_for = chosen_inputs(checkpoints, pictures, command, networks, said.given, said.say)
    found = pictures_to_explain(asked_for, output.folder, said.say)
    to_read = [*map(Path, sources), *(picture.path for picture in found)]
    with alone(output.folder):
        claim_figure(command, output, options, inputs=to_read)
        subjects = load_subjects(sources, device, said.given)
        tell_notes(subjects, said.say)
        if len({tuple(subject.checkpoint.classes) for subject in subjects}) > 1:
            said.say("Note: these networks were trained on different classes.")
        asked = replace(
            ask(subjects),
            command_line=said.command_line,
            labels=labels,
            options=record_options(options),
        )
        maps = [column.map for column in asked.columns if column.kind == "map" and column.map]
        claim_overlays_of(command, output, (each.relative.as_posix() for each in found), maps)
        for note in asked.notes:
            said.say(f"Note: {note}")
        outcome = run(asked, found, output.folder, said.track)
        drawn = draw(output.folder, output, options)
    return Answer(output.folder, drawn.paths, outcome.told, outcome.failures, drawn.left_out)

"""What ``masks``, ``cam``, ``compare`` and ``histogram`` share: from names to results and a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from rgaviz.analysis.inputs import chosen_inputs, pictures_to_explain
from rgaviz.analysis.request import Request
from rgaviz.analysis.run import run
from rgaviz.analysis.subject import Subject, load_subjects, tell_notes
from rgaviz.checkpoint.given import Given
from rgaviz.devices import choose_device
from rgaviz.errors import words
from rgaviz.figures.draw import claim_figure, draw, record_options
from rgaviz.figures.style import options_of
from rgaviz.locks import alone
from rgaviz.outputs import given_place, output_place, with_suffix
from rgaviz.progress import Say, Track, hush, silent
from rgaviz.tasks import Told

Names = Path | str | Sequence[Path | str]


class Settings(TypedDict, total=False):
    """What all of them can be told.

    Attributes:
        labels: what the pictures show, such as a class: one for all of them, or one each; by default the names of their
            folders, where these say it.
        arch: network of a bare state_dict.
        num_classes: outputs of that network; by default those of its head.
        image_size: (H, W) in pixels of its images.
        mean: of the images it was trained with, values in [0, 1]; also as ``"0.5,0.5,0.5"``.
        std: their standard deviation, likewise.
        classes: names of its outputs, or a text file with a name per line.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        figure: fields of :class:`rgaviz.figures.style.FigureOptions` that shall not be the default.
        command_line: recorded in the results.
        track: shows a progress bar.
        say: is told what was chosen and what a reader must know.
    """

    labels: str | Sequence[str]
    arch: str | None
    num_classes: int | None
    image_size: tuple[int, int] | None
    mean: str | Sequence[float] | None
    std: str | Sequence[float] | None
    classes: Path | str | Sequence[str] | None
    device: str
    figure: Mapping[str, Any]
    command_line: str
    track: Track
    say: Say


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
    **settings: Unpack[Settings],
) -> Answer:
    """Explain pictures, write the results and draw their figure.

    Args:
        ask: what to explain, once the checkpoints are loaded.
        command: whose figure it is; names the results where ``out`` does not.
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; none are chosen here.
        pictures: files, folders or patterns; none are the bundled photographs.
        out: a figure or a folder; by default ``./rgaviz-<command>/``.
        networks: how many checkpoints it needs at least.
        settings: see :class:`Settings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    track, say = settings.get("track", silent), settings.get("say", hush)
    checkpoints = words(checkpoints, "Checkpoints", "rga.pt")
    pictures = words(pictures, "Pictures", "img.jpg")
    labels = words(settings.get("labels", ()), "Labels", "cat")
    given = Given(**{each.name: settings.get(each.name) for each in fields(Given)})
    place = None if out is None else given_place(out)
    output = output_place(place, command)
    options = options_of(with_suffix(settings.get("figure", {}), place))
    device = choose_device(settings.get("device", "auto"))
    sources, asked_for = chosen_inputs(checkpoints, pictures, command, networks, given, say)
    found = pictures_to_explain(asked_for, output.folder, say)
    to_read = [*map(Path, sources), *(picture.path for picture in found)]
    with alone(output.folder):
        claim_figure(command, output, options, inputs=to_read)
        subjects = load_subjects(sources, device, given)
        tell_notes(subjects, say)
        if len({tuple(subject.checkpoint.classes) for subject in subjects}) > 1:
            say("Note: these networks were trained on different classes.")
        asked = replace(
            ask(subjects),
            command_line=settings.get("command_line", ""),
            labels=labels,
            options=record_options(options),
        )
        for note in asked.notes:
            say(f"Note: {note}")
        outcome = run(asked, found, output.folder, track)
        drawn = draw(output.folder, output, options)
    return Answer(output.folder, drawn.paths, outcome.told, outcome.failures, drawn.left_out)

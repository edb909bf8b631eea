"""What ``masks``, ``cam``, ``compare`` and ``histogram`` share: from names to results and a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Unpack

from rgaviz.analysis.choosing import Choice, choose
from rgaviz.analysis.given import given_networks, given_pictures
from rgaviz.analysis.inputs import chosen_networks, chosen_pictures, pictures_to_explain
from rgaviz.analysis.redraw import redraw
from rgaviz.analysis.request import Request
from rgaviz.analysis.run import run
from rgaviz.analysis.settings import LabelledSettings, chosen
from rgaviz.analysis.subject import Subject, load_subjects, tell_notes
from rgaviz.checkpoint.own import split_arch
from rgaviz.data.deep import window_of
from rgaviz.data.find import find_pictures
from rgaviz.data.intensities import AUTO, parse_window, window_note
from rgaviz.devices import choose_device
from rgaviz.errors import RgavizError, words
from rgaviz.explain.declared import undeclare
from rgaviz.figures.draw import (
    FIGURES,
    claim_figure,
    claim_overlays_of,
    draw,
    figure_options,
    record_options,
)
from rgaviz.figures.fonts import fonts_for
from rgaviz.figures.names import check_names
from rgaviz.figures.saving import figure_bytes
from rgaviz.figures.style import options_of
from rgaviz.locks import alone
from rgaviz.outputs import given_place, output_place, with_suffix
from rgaviz.results.reader import read_results
from rgaviz.tasks import Told

if TYPE_CHECKING:
    from rgaviz.analysis.given import Networks, Pictures

Names = Path | str | Sequence[Path | str]
NOTEBOOK_DPI = 150


@dataclass(frozen=True)
class Answer:
    """What came of a question.

    Attributes:
        folder: of the results; :func:`rgaviz.results.reader.read_results` reads it.
        files: the figure's, then the overlays or the table beside it.
        told: picture -> checkpoint -> what the network says of it.
        failures: one line for each picture that was left out.
        left_out: pages that were not drawn.
        boxes: picture -> ``checkpoint/map`` -> left, top, right and bottom in pixels, where boxes were asked for.
    """

    folder: Path
    files: list[Path]
    told: dict[str, dict[str, Told]]
    failures: list[str]
    left_out: int
    boxes: dict[str, dict[str, list[int]]] = field(default_factory=dict)

    def save(self, out: Path | str, **figure: Any) -> list[Path]:
        """Draw the figure again, in another format (``.pdf``, ``.png``, ``.svg``) or with other looks.

        Args:
            out: the figure.
            figure: fields of :class:`rgaviz.figures.style.FigureOptions` that shall not be as they were.

        Raises:
            RgavizError: the results are gone, an impossible option, or a file of someone else's in the way.
        """
        return redraw(self.folder, out, figure=figure).paths

    def _repr_png_(self) -> bytes:
        """The first page, for a notebook."""
        results = read_results(self.folder)
        options = figure_options(results, {"formats": ("png",), "dpi": NOTEBOOK_DPI, "pages": 1})
        with fonts_for([results.manifest.model_dump(), options.names]):
            page = next(iter(FIGURES[results.manifest.command](results, options)))
            return figure_bytes(page.figure, "png", options)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "results": str(self.folder),
            "files": [str(path) for path in self.files],
            "predictions": {
                picture: {name: each.values for name, each in told.items()}
                for picture, told in self.told.items()
            },
            **({"boxes": self.boxes} if self.boxes else {}),
            "failures": self.failures,
        }


def answer(
    ask: Callable[[list[Subject]], Request],
    command: str,
    checkpoints: Networks,
    pictures: Pictures,
    out: Path | str | None,
    *,
    networks: int = 1,
    **settings: Unpack[LabelledSettings],
) -> Answer:
    """Explain pictures, write the results and draw their figure.

    Args:
        ask: what to explain, once the checkpoints are loaded.
        command: whose figure it is; names the results where ``out`` does not.
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``, checkpoints or modules, or a dictionary of these by
            what they are called; none are chosen here.
        pictures: files, folders or patterns, images of Pillow or arrays; none are the bundled photographs.
        out: a figure or a folder; by default ``./rgaviz-<command>/``.
        networks: how many checkpoints it needs at least.
        settings: see :class:`rgaviz.analysis.settings.LabelledSettings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    with given_pictures(pictures) as names:
        return _answer(ask, command, checkpoints, names, out, networks, settings)


def _choice(settings: LabelledSettings, pictures: Sequence[Path | str]) -> Choice | None:
    """Which pictures of a data set are wanted, if any are.

    Raises:
        RgavizError: beside pictures that are named, or what cannot be.
    """
    given = {name: settings.get(name) for name in ("pick", "count", "dataset", "data_dir", "part")}
    said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if not said:
        return None
    if pictures:
        raise RgavizError(
            "--pick, --count, --dataset, --data-dir and --part choose pictures of a data set: name none beside them."
        )
    if "data_dir" in said:
        said["data_dir"] = Path(said["data_dir"])
    return Choice(**said)


def _answer(
    ask: Callable[[list[Subject]], Request],
    command: str,
    checkpoints: Networks,
    pictures: list[Path | str],
    out: Path | str | None,
    networks: int,
    settings: LabelledSettings,
) -> Answer:
    """:func:`answer` with pictures that are files."""
    said = chosen(settings, LabelledSettings)
    given, called = given_networks(checkpoints)
    labels = words(settings.get("labels", ()), "Labels", "cat")
    asked_window = parse_window(settings.get("window", AUTO))
    place = None if out is None else given_place(out)
    output = output_place(place, command)
    options = options_of({"names": called, **with_suffix(said.figure, place)})
    device = choose_device(said.device)
    choice = _choice(settings, pictures)
    sources = chosen_networks(given, command, networks, said.given, said.say)
    found = []
    if choice is None:
        found = pictures_to_explain(chosen_pictures(pictures, said.say), output.folder, said.say)
    files = [Path(split_arch(each)[0]) for each in sources if isinstance(each, str | Path)]
    to_read = [*files, *(picture.path for picture in found)]
    with alone(output.folder), ExitStack() as undo:
        claim_figure(command, output, options, inputs=to_read)
        subjects = load_subjects(sources, device, said.given, called)
        # Some are the caller's.
        undo.callback(lambda: [undeclare(each.checkpoint.model) for each in subjects])
        check_names(options.names, [subject.id for subject in subjects])
        tell_notes(subjects, said.say)
        if len({tuple(subject.checkpoint.classes) for subject in subjects}) > 1:
            said.say("Note: these networks were trained on different classes.")
        picked = ""
        if choice is not None:
            folder = Path(undo.enter_context(TemporaryDirectory(prefix="rgaviz-")))
            written, picked = choose(choice, subjects, folder, said.track, said.say)
            found = find_pictures(written)
        window, deep = window_of((picture.path for picture in found), asked_window)
        if window is not None:
            said.say(f"Note: {window_note(window, deep)}")
        asked = replace(
            ask(subjects),
            window=window,
            picked=picked,
            command_line=said.command_line,
            labels=labels,
            options=record_options(options),
        )
        maps = [column.map for column in asked.columns if column.kind == "map" and column.map]
        claim_overlays_of(command, output, (each.relative.as_posix() for each in found), maps)
        for note in asked.notes:
            said.say(f"Note: {note}")
        resume = settings.get("resume", False)
        outcome = run(asked, found, output.folder, said.track, resume=resume, say=said.say)
        for note in outcome.notes:
            said.say(f"Note: {note}")
        drawn = draw(output.folder, output, options)
        for note in drawn.notes:
            said.say(f"Note: {note}")
    return Answer(output.folder, drawn.paths, outcome.told, outcome.failures, drawn.left_out, outcome.boxes)

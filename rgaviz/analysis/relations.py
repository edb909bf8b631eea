"""``rgaviz relations``: what a position looks at, and what looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch

from rgaviz.analysis.answer import Names
from rgaviz.analysis.channel_relations import Looked, write_channels
from rgaviz.analysis.inputs import chosen_networks, chosen_pictures, pictures_to_explain
from rgaviz.analysis.loading import Loaded, batches, read_all
from rgaviz.analysis.relation_panels import SIDES, map_name, panels_of, titles_of
from rgaviz.analysis.request import versions
from rgaviz.analysis.settings import Chosen, Settings, chosen
from rgaviz.analysis.subject import Subject, load_subjects, naming, tell_notes
from rgaviz.data.deep import window_of
from rgaviz.data.find import PicturePath
from rgaviz.data.intensities import Window, parse_window, window_note
from rgaviz.devices import choose_device
from rgaviz.errors import PictureError, RgavizError, first_of, quoted, words
from rgaviz.explain.relations import (
    Place,
    Relations,
    attention_of,
    default_relation_layer,
)
from rgaviz.explain.relations import (
    relations as relations_of,
)
from rgaviz.figures.draw import claim_figure, draw, record_options
from rgaviz.figures.names import check_names
from rgaviz.figures.style import options_of
from rgaviz.locks import alone
from rgaviz.outputs import Output, output_place, with_suffix
from rgaviz.results.manifest import Picture
from rgaviz.results.writer import ResultsWriter

AUTO = "auto"
COMMAND, CHANNELS = "relations", "channel-relations"  # which figure it is
MOST_POINTS = 50


@dataclass(frozen=True)
class Related:
    """What came of a question.

    Attributes:
        folder: of the results.
        files: the figure's.
        found: of each picture, network and point what can be said in numbers; of channels their order.
        failures: a line for each picture that was left out.
        left_out: pages that were not drawn.
    """

    folder: Path
    files: list[Path]
    found: list[dict[str, Any]]
    failures: list[str]
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "results": str(self.folder),
            "files": [str(path) for path in self.files],
            "found": self.found,
            "failures": self.failures,
        }


def relations(
    checkpoints: Names = (),
    pictures: Names = (),
    out: Path | str | None = None,
    *,
    points: str | Sequence[Place | str] = AUTO,
    layer: str | None = None,
    channels: bool = False,
    window: str = AUTO,
    **settings: Unpack[Settings],
) -> Related:
    """Draw the relations that attention is made from (Figures 1 and 2 of the paper), as ``rgaviz relations`` does.

    Of each point, R(i, :), what it looks at, and R(:, i), what looks at it, as maps over the picture; or the relations
    of all channels as a matrix, a mean over the pictures, in the order of a clustering.

    Args:
        checkpoints: networks with RGA or non-local blocks; none is the newest under ``runs/``, else the bundled one.
        pictures: files, folders or patterns; none are the bundled photographs.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-relations/``.
        points: in pixels of the pictures, from the left and from the top: pairs, or ``"120,45"``; ``"auto"`` is the
            centre and the positions that the first network attends to most and least.
        layer: a stage, or the dotted name of a module with relations; by default the deepest with some.
        channels: the relations of channels rather than of positions.
        window: of grey pictures of more than 8 bits, as :func:`rgaviz.analysis.cam.cam` takes it.
        settings: of :class:`rgaviz.analysis.settings.Settings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    said = chosen(settings)
    asked = None if channels else parse_points(points)
    asked_window = parse_window(window)
    command = CHANNELS if channels else COMMAND
    checkpoints, pictures = (
        words(checkpoints, "Checkpoints", "rga.pt"),
        words(pictures, "Pictures", "img.jpg"),
    )
    output = output_place(out, command)
    options = options_of(with_suffix(said.figure, out))
    device = choose_device(said.device)
    sources = chosen_networks(checkpoints, "relations", 1, said.given, said.say)
    found = pictures_to_explain(chosen_pictures(pictures, said.say), output.folder, said.say)
    with alone(output.folder):
        claim_figure(command, output, options, inputs=[*map(Path, sources), *(each.path for each in found)])
        subjects = load_subjects(sources, device, said.given)
        check_names(options.names, [subject.id for subject in subjects])
        tell_notes(subjects, said.say)
        shown, deep = window_of((each.path for each in found), asked_window)
        if shown is not None:
            said.say(f"Note: {window_note(shown, deep)}")
        looked = [_looked(subject, layer, "channel" if channels else "spatial") for subject in subjects]
        head = _head(command, said, subjects, record_options(options))
        if channels:
            numbers, failures = write_channels(looked, found, output.folder, head, said, shown)
        else:
            numbers, failures = _write_places(looked, found, asked, output, head, said, shown)
        drawn = draw(output.folder, output, options)
        for note in drawn.notes:
            said.say(f"Note: {note}")
    return Related(output.folder, drawn.paths, numbers, failures, drawn.left_out)


def parse_points(points: str | Sequence[Place | str]) -> list[Place] | None:
    """Points as numbers; None for those to be chosen.

    Raises:
        RgavizError: one is none, or there are none, or too many.
    """
    several: list[Any] = [points] if isinstance(points, str) else list(points)
    if several == [AUTO]:
        return None
    if not 1 <= len(several) <= MOST_POINTS:
        raise RgavizError(f"There are {len(several)} points; give 1 to {MOST_POINTS}, or --point auto.")
    return [_point(each) for each in several]


def _point(given: Any) -> Place:
    parts = given.split(",") if isinstance(given, str) else given
    try:
        x, y = (float(part) for part in parts)
        if min(x, y) >= 0 and max(x, y) < np.inf:
            return x, y
    except (TypeError, ValueError):
        pass
    raise RgavizError(
        f"--point {quoted(given)} is no point: write X,Y in pixels of the picture, from its top left corner, or auto."
    )


def _looked(subject: Subject, layer: str | None, kind: str) -> Looked:
    model = subject.checkpoint.model
    with naming(subject):
        layer = layer or default_relation_layer(model, kind)
        attention_of(model, layer, kind)
    return Looked(subject, layer)


def _head(
    command: str, said: Chosen, subjects: Sequence[Subject], figure: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "command": command,
        "command_line": said.command_line,
        "seed": 0,
        "versions": versions(),
        "checkpoints": [subject.record() for subject in subjects],
        "figure": dict(figure),
    }


def _write_places(
    looked: Sequence[Looked],
    pictures: Sequence[PicturePath],
    points: list[Place] | None,
    output: Output,
    head: dict[str, Any],
    said: Chosen,
    window: Window | None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """The results of relations between positions: what was found in numbers, and a line for each picture left out."""
    failures: list[str] = []
    numbers: list[dict[str, Any]] = []
    subjects = [each.subject for each in looked]
    numbered = said.track(list(enumerate(pictures)), total=len(pictures), description="relating")
    # Points are pixels of the files.
    read = read_all(numbered, subjects, failures, range(len(pictures)), window)
    with ResultsWriter(output.folder, {**head, "titles": titles_of(looked)}) as writer:
        for batch in batches(_with_points(read, points, failures)):
            for (loaded, places, names), found in _explained(looked, batch, points):
                entry = Picture(
                    id=str(loaded.number),
                    path=loaded.picture.relative.as_posix(),
                    size=list(loaded.shown.shape[:2]),
                )
                maps = {
                    f"{each.subject.id}/{map_name(each, place, side)}": getattr(relation, side)[place]
                    for each, relation in zip(looked, found, strict=True)
                    for place in range(len(places))
                    for side in SIDES
                }
                writer.picture(entry, loaded.shown, maps)
                for place, where in enumerate(places):
                    row, told = panels_of(looked, found, entry, place, where, loaded.size, names)
                    writer.row(row)
                    numbers += told
        if not numbers:
            raise PictureError(first_of(failures))
    return numbers, failures


def _with_points(read: Any, points: list[Place] | None, failures: list[str]) -> Any:
    """Those pictures that all points lie in; a line for each other one."""
    for loaded in read:
        height, width = loaded.size
        outside = [f"{x:g},{y:g}" for x, y in points or () if x >= width or y >= height]
        if outside:
            failures.append(
                f"{str(loaded.picture.path)!r} has {width}x{height} pixels, and --point {outside[0]} is outside: give "
                "one inside it."
            )
            continue
        yield loaded


def _explained(looked: Sequence[Looked], batch: Sequence[Loaded], points: list[Place] | None) -> Any:
    """Of each picture of a batch its points as fractions with their names, and the relations by every network.

    Where points are chosen, the first network chooses them: all are asked about the same.
    """
    places: list[list[Place]] | None = None
    if points is not None:
        sizes = [each.size for each in batch]
        places = [[(x / width, y / height) for x, y in points] for height, width in sizes]
    names: tuple[str, ...] = ()
    found: list[Relations] = []
    for subject, layer in looked:
        model = subject.checkpoint.model
        inputs = torch.stack([each.inputs[subject.id] for each in batch]).to(next(model.parameters()).device)
        with naming(subject):
            relation = relations_of(model, inputs, layer, places)
        if places is None:
            names, size = relation.names, relation.rows.shape[2:]
            centres = (relation.asked[..., ::-1] + 0.5) / size[::-1]  # (B, k, 2): x, y
            places = [[(float(x), float(y)) for x, y in each] for each in centres]
        found.append(relation)
    assert places is not None
    for row, loaded in enumerate(batch):
        own = [Relations(each.rows[row], each.columns[row], each.asked[row], names) for each in found]
        yield (loaded, places[row], names), own

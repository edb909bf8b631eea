"""How maps change over a training, as a strip for a paper and a moving picture for a talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rgaviz.errors import PictureError, RgavizError, clipped, lookup, words
from rgaviz.progress import Say

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.evolving import Shown
    from rgaviz.analysis.settings import Settings
    from rgaviz.checkpoint import Checkpoint
    from rgaviz.data.truth import Truth

EPOCHS, COUNT, MEASURED = 8, 2, 200
SEED = 0  # of the pictures drawn


@dataclass(frozen=True)
class Evolved:
    """What came of a question.

    Attributes:
        folder: of the results.
        files: the figure's, then the moving pictures.
        networks: those looked into.
        epochs: of each.
        pictures: that are shown.
        rows: where maps lie, where that is known: a dictionary for each network, map, measure and epoch.
        failures: a line for each picture that was left out.
    """

    folder: Path
    files: list[Path]
    networks: list[str]
    epochs: list[int]
    pictures: list[str]
    rows: list[dict[str, Any]]
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        kept = {key: value for key, value in vars(self).items() if key not in ("folder", "files")}
        return {"results": str(self.folder), "files": [str(path) for path in self.files], **kept}


def evolve(
    run: Path | str,
    pictures: Names = (),
    out: Path | str | None = None,
    *,
    only: Sequence[str] | str = (),
    epochs: int = EPOCHS,
    count: int = COUNT,
    measured: int = MEASURED,
    method: str = "gradcam",
    target: str | None = None,
    layer: str | None = None,
    mask_layer: str | None = None,
    **settings: Unpack[Settings],
) -> Evolved:
    """Draw maps over the epochs of a training, as ``rgaviz evolve`` does.

    Args:
        run: its folder, with checkpoints that ``train.keep_every`` kept.
        pictures: files, folders or patterns; by default of the data set, where it says what is where in them, else the
            bundled photographs.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-evolve/``.
        only: of the networks those of these names.
        epochs: how many are looked at, spread evenly; 0 for all.
        count: how many pictures are shown.
        measured: on how many pictures of the data set it is measured where maps lie, drawn with a fixed seed.
        method: of ``rgaviz.explain.methods.METHODS``.
        target: what the maps are about, as :func:`rgaviz.analysis.cam.cam` takes it.
        layer: of the class activation maps; by default the last stage, or the last map.
        mask_layer: of the spatial masks; by default the deepest with attention.
        settings: of :class:`rgaviz.analysis.settings.Settings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    from rgaviz.analysis.evolving import HEADER, Asked, common_epochs, epochs_of, look, rows_of
    from rgaviz.analysis.request import versions
    from rgaviz.analysis.settings import chosen
    from rgaviz.checkpoint import load_record
    from rgaviz.devices import choose_device
    from rgaviz.explain.methods import METHODS
    from rgaviz.figures.draw import claim_figure, draw, record_options
    from rgaviz.figures.evolve import LOCATED
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import output_place, with_suffix
    from rgaviz.results.writer import ResultsWriter

    said = chosen(settings)
    lookup(METHODS, method, "CAM method")
    _check_counts(epochs, count, measured)
    options = options_of(with_suffix(said.figure, out))
    output, device = output_place(out, "evolve"), choose_device(said.device)
    networks = _named(epochs_of(Path(run), epochs), words(only, "Networks", "rga"), run)
    columns = common_epochs(networks)
    files = [path for own in networks.values() for path in own.values()]
    with alone(output.folder):
        claim_figure("evolve", output, options, [LOCATED], files)
        first = next(iter(networks.values()))
        record = load_record(next(iter(first.values())))
        truth = None if pictures else _truth(record)
        shown, small, failures = _pictures(pictures, truth, count, record, output.folder, said.say)
        head = {
            "command": "evolve",
            "command_line": said.command_line,
            "seed": SEED,
            "versions": versions(),
            "target": target,
            "titles": ["input", *(f"epoch {epoch}" for epoch in columns)],
            "figure": record_options(options),
        }
        with ResultsWriter(output.folder, head) as writer:
            for each, pixels in zip(shown, small, strict=True):
                writer.picture(each.entry, pixels, {})
            places = [] if truth is None else _drawn(truth, measured, said.say)
            asked = Asked(method, target, layer, mask_layer)
            records, rows = look(
                networks, shown, truth, places, asked, device, said.given, writer, said.track
            )
            writer.head |= {"checkpoints": records, "texts": _texts(method, rows)}
            for row in rows_of(shown):
                writer.row(row)
            if rows:
                writer.table(LOCATED, [HEADER, *rows])
        drawn = draw(output.folder, output, options)
        for note in drawn.notes:
            said.say(f"Note: {note}")
    told = [dict(zip(HEADER, row, strict=True)) for row in rows]
    names = [each.entry.path for each in shown]
    return Evolved(output.folder, drawn.paths, list(networks), columns, names, told, failures)


def _check_counts(epochs: int, count: int, measured: int) -> None:
    if epochs < 0 or epochs == 1:
        raise RgavizError(f"--epochs {epochs} is out of range: choose 2 or more, or 0 for all.")
    for option, value in (("--count", count), ("--measured", measured)):
        if value < 1:
            raise RgavizError(f"{option} {value} is out of range: choose 1 or more.")


def _named(
    networks: dict[str, dict[int, Path]], only: Sequence[str], run: Path | str
) -> dict[str, dict[int, Path]]:
    """Those of the networks that were asked for."""
    for name in only:
        lookup(networks, name, f"network of {run} with epochs")
    return {name: own for name, own in networks.items() if not only or name in only}


def _truth(checkpoint: Checkpoint) -> Truth | None:
    """The pictures of a network's data set with what is where in them, if it says so."""
    from rgaviz.data.sets import TRUTHS, load_truth

    if checkpoint.dataset not in TRUTHS:
        return None
    size = checkpoint.recipe.get("data", {}).get("test_size")
    most = size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None
    return load_truth(checkpoint.dataset, image_size=checkpoint.image_size, test_size=most)


def _drawn(truth: Truth, count: int, say: Say) -> list[int]:
    """The pictures that are measured, by their places."""
    import numpy as np

    every = len(truth.names)
    if count >= every:
        return list(range(every))
    say(f"Note: maps are located on {count} of {every} pictures, drawn at random with seed {SEED}.")
    return sorted(np.random.default_rng(SEED).choice(every, count, replace=False).tolist())


def _pictures(
    pictures: Names, truth: Truth | None, count: int, network: Checkpoint, folder: Path, say: Say
) -> tuple[list[Shown], list[Any], list[str]]:
    """The pictures that are shown, what is shown of each, and a line for each that cannot be read."""
    import numpy as np

    from rgaviz.analysis.evolving import shown_of
    from rgaviz.analysis.inputs import pictures_to_explain
    from rgaviz.bundled import sample_pictures
    from rgaviz.data.pictures import read_picture

    shown, small, failures = [], [], []
    sources: list[tuple[str, str | None, Any]]
    if truth is not None:
        spread = np.rint(np.linspace(0, len(truth.names) - 1, min(count, len(truth.names)))).astype(int)
        sources = [(truth.names[place], truth.shows[place], place) for place in map(int, spread)]
    else:
        named = words(pictures, "Pictures", "img.jpg") or [str(path) for path in sample_pictures()]
        if not pictures:
            say(f"No pictures given: using the first {count} of the bundled photographs")
        found = pictures_to_explain(named, folder, say)
        if len(found) > count:
            say(f"Note: the first {count} of {len(found)} pictures are shown; more with --count.")
        sources = [(each.relative.as_posix(), each.label, each.path) for each in found[:count]]
    for number, (name, label, source) in enumerate(sources):
        try:
            pixels = truth.read(source)[0] if truth is not None else read_picture(source)
        except PictureError as error:
            failures.append(str(error))
            continue
        each, image = shown_of(number, name, pixels, _known(label, network))
        shown.append(each)
        small.append(image)
    if not shown:
        raise PictureError(failures[0] if failures else "There are no pictures to show; name some.")
    return shown, small, failures


def _known(label: str | None, network: Checkpoint) -> str | None:
    """What a picture shows, where its folder's name says so to a network."""
    try:
        if label is not None:
            network.task.truth(label, network.classes, folder=True)
    except RgavizError:
        return None
    return label


def _texts(method: str, rows: Sequence[Sequence[Any]]) -> dict[str, str]:
    """What the maps of the table are called in the figure."""
    from rgaviz.explain.methods import METHODS

    names = {str(row[1]) for row in rows}
    masks = {name: f"mask ({clipped(name.rpartition('/')[0])})" for name in names if "/" in name}
    return {**masks, method: METHODS[method].title, "ones": "all ones"}

"""What the commands that explain share: telling inputs apart, where output goes, running and reporting."""

from __future__ import annotations

import glob
import json
import shlex
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rgaviz.cli import COMMAND_LINE
from rgaviz.cli.options import figure_changes, names_figure, output_paths
from rgaviz.cli.progress import track
from rgaviz.errors import CheckpointError, OutputError, PictureError, RgavizError

if TYPE_CHECKING:
    from rgaviz.data.images import PicturePath
    from rgaviz.pipeline import Outcome, Request, Subject

CHECKPOINT_SUFFIXES = (".pt", ".pth", ".ckpt", ".tar", ".safetensors")


def split_inputs(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Checkpoints and pictures, told apart by what they are."""
    checkpoints, pictures = [], []
    for word in words:
        for name in expand_checkpoints(word):
            (checkpoints if is_checkpoint(name) else pictures).append(name)
    return checkpoints, pictures


def expand_checkpoints(word: str) -> list[str]:
    """A quoted pattern of checkpoints as files; anything else as it is."""
    if word.endswith(CHECKPOINT_SUFFIXES) and not Path(word).exists() and glob.has_magic(word):
        from rgaviz.checkpoint import RESUME_SUFFIX

        found = sorted(glob.glob(word))  # noqa: PTH207  (Path.glob takes no absolute pattern)
        return [name for name in found if not name.endswith(RESUME_SUFFIX)] or [word]
    return [word]


def is_checkpoint(word: str) -> bool:
    """A network of a library, or a file; by its suffix, or where that says nothing by being a zip archive of torch."""
    from rgaviz.models.foreign import is_foreign

    path = Path(word)
    if is_foreign(word) and not path.exists():
        return True
    if path.suffix.lower() in CHECKPOINT_SUFFIXES:
        return True
    return path.is_file() and zipfile.is_zipfile(path)


def newest_checkpoint() -> str:
    """The newest attention checkpoint under ``runs/``, else the bundled one; says which."""
    from rgaviz.bundled import bundled
    from rgaviz.checkpoint import RESUME_SUFFIX, load_checkpoint

    found = [path for path in Path("runs").rglob("*.pt") if not path.name.endswith(RESUME_SUFFIX)]
    for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(CheckpointError):  # other programs keep their own files under runs/
            if load_checkpoint(path).config["attention"] != "none":
                say(f"No checkpoint given: using the newest under runs/, {path}")
                return str(path)
    say("No checkpoint given and none under runs/: using the bundled rga.pt")
    return str(bundled("weights/rga.pt"))


def explain_and_draw(
    context: typer.Context, request: Callable[[list[Subject]], Request], *, networks: int = 1
) -> None:
    """Run a command that explains, from its parameters to the exit code.

    Args:
        context: of the command; its parameters are those of ``rgaviz.cli.options``.
        request: what to explain, once the checkpoints are loaded.
        networks: how many checkpoints the command needs at least.
    """
    from rgaviz.devices import choose_device
    from rgaviz.figures.draw import draw, record_options, refuse_foreign_figures
    from rgaviz.figures.style import FigureOptions
    from rgaviz.pipeline import load_subjects, run

    command, given = str(context.info_name), context.params
    folder, stem = output_paths(given["out"], command)
    options = FigureOptions(**figure_changes(given))
    device = choose_device(given["device"])
    refuse_foreign_figures(folder, stem, options)
    checkpoints, pictures = inputs(given, command, networks)
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


def inputs(given: Mapping[str, Any], command: str, networks: int) -> tuple[list[str], list[str]]:
    """The checkpoints and pictures to use; says so where it chose them itself."""
    from rgaviz.bundled import bundled, sample_pictures
    from rgaviz.checkpoint import load_checkpoint

    checkpoints, pictures = split_inputs(given["inputs"] or [])
    if not checkpoints and networks == 1:
        checkpoints = [newest_checkpoint()]
    elif not checkpoints:
        say("No checkpoints given: using the bundled baseline.pt and rga.pt")
        checkpoints = [str(bundled(f"weights/{name}.pt")) for name in ("baseline", "rga")]
    elif len(checkpoints) < networks:
        for source in checkpoints:  # a wrong one is the more likely mistake
            load_checkpoint(source, given["arch"], given["num_classes"])
        raise RgavizError(
            f"rgaviz {command} needs {networks} checkpoints: rgaviz {command} baseline.pt rga.pt img.jpg"
        )
    if not pictures:
        pictures = [str(path) for path in sample_pictures()]
        say(f"No pictures given: using the {len(pictures)} bundled photographs")
    return checkpoints, pictures


def pictures_to_explain(words: Sequence[str], folder: Path) -> list[PicturePath]:
    """The pictures that the words stand for, without our own earlier output, which this run replaces.

    Raises:
        PictureError: there are none.
    """
    from rgaviz.data.images import find_pictures
    from rgaviz.results import own_files

    for word in map(Path, words):
        if (word / "metrics.csv").is_file() and any(word.glob("*.pt")):
            raise PictureError(
                f"{word} is the folder of a training, not of pictures; name its networks: {word}/*.pt"
            )
    ours = {(folder / name).resolve() for name in own_files(folder)}
    found = [picture for picture in find_pictures(words) if picture.path.resolve() not in ours]
    if not found:
        raise PictureError(
            f"All these pictures are earlier output in {folder}; choose another folder with -o."
        )
    return found


def refuse_inputs(paths: Sequence[Path], stem: Path, formats: Sequence[str]) -> None:
    """Refuse to draw over what is to be read.

    Raises:
        OutputError: the figure would take an input's name.
    """
    figures = {stem.with_name(f"{stem.name}.{suffix}").resolve() for suffix in (*formats, "csv")}
    for path in paths:
        if path.resolve() in figures:
            raise OutputError(
                f"{path} is an input; the figure would replace it. Choose another name with -o."
            )


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
    differences = any(column["kind"] == "difference" for column in request.columns)
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

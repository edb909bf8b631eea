"""All of it in a minute, offline: trained pairs, pictures and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import OutputError
from rgaviz.locks import alone
from rgaviz.outputs import given_place
from rgaviz.progress import Track, silent

if TYPE_CHECKING:
    from rgaviz.checkpoint import Prediction
    from rgaviz.data.find import PicturePath

# Photograph -> what it shows in CIFAR-10's terms; the others have no class there.
LABELS = {"bird": "bird", "cat": "cat", "cat_face": "cat", "dog": "dog", "horse": "horse"}
FIRST = "bird"  # the photograph that becomes img.jpg
NO_CLASS = "other"
FIGURES = ("compare", "masks", "histogram")
SHOWN = 4  # pictures in the figures: one page each
SHAPES_SHOWN = 10
SHAPE_SIDE = 256  # pixels; the networks see them at 32x32


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration made.

    Attributes:
        files: the figures, and the tables beside them.
        predictions: picture -> network -> prediction.
    """

    files: list[Path]
    predictions: dict[str, dict[str, Prediction]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        told = {
            picture: {name: prediction._asdict() for name, prediction in each.items()}
            for picture, each in self.predictions.items()
        }
        return {"files": [str(path) for path in self.files], "predictions": told}


def hush(files: Sequence[Path]) -> None:
    """Files that nobody waits for."""


def nobody() -> AbstractContextManager[Any]:
    """Nobody listens to the training."""
    from rgaviz.training.report import Silent

    return nullcontext(Silent())


def demo(
    out: Path | str = "rgaviz-demo",
    *,
    train: bool = False,
    device: str = "auto",
    command_line: str = "",
    listen: Callable[[], AbstractContextManager[Any]] = nobody,
    track: Track = silent,
    drawn: Callable[[Sequence[Path]], None] = hush,
) -> Demonstration:
    """Fill a folder with trained pairs, pictures and figures, as ``rgaviz demo`` does.

    A pair of classifiers, and in the folder ``people`` one for re-identification.

    Args:
        out: the folder.
        train: train fresh classifiers on generated images, which takes minutes, in place of the bundled ones.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        command_line: recorded in the results.
        listen: gives a :class:`rgaviz.training.report.Report` while the pair is trained.
        track: shows a progress bar.
        drawn: is given the files of each figure as soon as they are there.

    Raises:
        RgavizError: files of someone else's are in the way; then nothing was written.
    """
    from rgaviz.analysis.compare import compare_request
    from rgaviz.analysis.demo_people import FOLDER, people_figures, people_files
    from rgaviz.analysis.histogram import histogram_request
    from rgaviz.analysis.masks import masks_request
    from rgaviz.analysis.rendering import render
    from rgaviz.analysis.subject import load_subjects
    from rgaviz.data.find import find_pictures
    from rgaviz.devices import choose_device
    from rgaviz.writing import atomic_write

    out, chosen = given_place(out), choose_device(device)
    people = out / FOLDER
    files_to_write = shapes(out) if train else {**bundled_pair(out), **photographs(out)}
    files_to_write |= people_files(people)
    refuse_other(files_to_write)
    refuse_other_figures(out)
    if train:
        with listen() as report:
            train_pair(out, device, command_line, report)
    with alone(out):
        for path, content in files_to_write.items():
            atomic_write(path, content)
        pair = load_subjects([out / "baseline.pt", out / "rga.pt"], chosen)
        pictures = find_pictures([out / "samples"])
        shown = one_per_class(pictures)
        asked = (
            (compare_request(pair), shown, out / "compare"),
            (masks_request(pair[1:], "conv5"), shown, out / "masks"),
            (histogram_request(pair[1:], "all"), pictures, out / "histogram"),
        )
        figures = chain(
            (render(*each, command_line, track) for each in asked),
            people_figures(chosen, people, device, command_line, track),
        )
        files: list[Path] = []
        for paths in figures:
            drawn(paths)
            files += paths
    said = {each.id: each.checkpoint.predict([picture.path for picture in pictures]) for each in pair}
    told = {
        picture.relative.as_posix(): {name: said[name][row] for name in said}
        for row, picture in enumerate(pictures)
    }
    return Demonstration(files, told)


def train_pair(out: Path, device: str, command_line: str, report: Any) -> None:
    """A fresh pair on the generated images, with the recipe ``shapes``."""
    from rgaviz.analysis.train import train

    # A pair that is there already is taken.
    train(
        "shapes",
        out=out,
        device=device,
        resume=True,
        command_line=command_line,
        again=command_line,
        report=report,
    )


def one_per_class(pictures: Sequence[PicturePath]) -> list[PicturePath]:
    """The first picture of each class, as many as fit on one page."""
    first = {picture.label: picture for picture in reversed(pictures) if picture.label != NO_CLASS}
    return sorted(first.values(), key=lambda picture: picture.relative)[:SHOWN]


def bundled_pair(out: Path) -> dict[Path, bytes]:
    """The bundled checkpoints."""
    from rgaviz.bundled import bundled

    return {out / name: bundled(f"weights/{name}").read_bytes() for name in ("baseline.pt", "rga.pt")}


def photographs(out: Path) -> dict[Path, bytes]:
    """The bundled photographs, in a folder named by their class where they have one, and one as img.jpg."""
    from rgaviz.bundled import sample_pictures

    files = {}
    for path in sample_pictures():
        label = LABELS.get(path.stem, NO_CLASS)
        files[out / "samples" / label / path.name] = path.read_bytes()
        if path.stem == FIRST:
            files[out / "img.jpg"] = path.read_bytes()
    return files


def refuse_other(files: dict[Path, bytes]) -> None:
    """Refuse to replace what another demo, a training or the user put there; a rerun finds its own files.

    Raises:
        OutputError: one of the files is there with other content.
    """
    for path, content in files.items():
        if path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise OutputError(f"{path} is there with other content; choose another folder with --out.")


def refuse_other_figures(out: Path) -> None:
    """Refuse to draw over files that no earlier demo has drawn: beside its figures lie their results.

    Raises:
        OutputError: there is one.
    """
    from rgaviz.analysis import demo_people
    from rgaviz.analysis.rendering import FORMATS
    from rgaviz.outputs import MANIFEST

    for name in (*FIGURES, f"{demo_people.FOLDER}/figure3"):  # the rank list makes sure of its own
        for path in (out / f"{name}.{suffix}" for suffix in (*FORMATS, "csv")):
            if path.exists() and not (out / name / MANIFEST).exists():
                raise OutputError(f"{path} is there and is no demo's; choose another folder with --out.")


def shapes(out: Path) -> dict[Path, bytes]:
    """Generated test pictures, one of each class, and one as img.jpg."""
    import io

    from PIL import Image

    from rgaviz.data.sets.outlines import SHAPE_CLASSES
    from rgaviz.data.sets.shapes import generate

    files = {}
    shown = generate(SHAPES_SHOWN, (SHAPE_SIDE, SHAPE_SIDE), split="test")
    for image, label in zip(shown.images, shown.labels, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(image.transpose(1, 2, 0)).save(buffer, format="JPEG", quality=95)  # (H, W, 3)
        name = SHAPE_CLASSES[label]
        files[out / "samples" / name / f"{name}.jpg"] = buffer.getvalue()
        if label == 0:
            files[out / "img.jpg"] = buffer.getvalue()
    return files

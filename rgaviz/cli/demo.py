"""``rgaviz demo``: all of it in a minute, offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli import COMMAND_LINE, app
from rgaviz.cli.options import Device, Json
from rgaviz.cli.progress import track
from rgaviz.errors import OutputError

if TYPE_CHECKING:
    from rgaviz.checkpoint import Prediction
    from rgaviz.data.images import PicturePath
    from rgaviz.pipeline import Request

# Photograph -> what it shows in CIFAR-10's terms; the others have no class there.
LABELS = {"bird": "bird", "cat": "cat", "cat_face": "cat", "dog": "dog", "horse": "horse"}
FIRST = "bird"  # the photograph that becomes img.jpg
NO_CLASS = "other"
FIGURES = ("compare", "masks", "histogram")
SHOWN = 4  # pictures in the figures: one page each
SHAPES_SHOWN = 10
SHAPE_SIDE = 256  # pixels; the networks see them at 32x32


@app.command()
def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to fill.")] = Path("rgaviz-demo"),
    train: Annotated[
        bool, typer.Option("--train", help="First train a fresh pair on generated images.")
    ] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Fill a folder with a trained pair, photographs and the three figures, without network or data.

    With --train the pair is trained here, on generated images, in two to three minutes on two cores.
    """
    from rgaviz.atomic import atomic_write
    from rgaviz.data.images import find_pictures
    from rgaviz.devices import choose_device
    from rgaviz.pipeline import compare_request, histogram_request, load_subjects, masks_request

    chosen = choose_device(device)
    line = context.meta[COMMAND_LINE]
    files_to_write = shapes(out) if train else {**bundled_pair(out), **photographs(out)}
    refuse_other(files_to_write)
    refuse_other_figures(out)
    if train:
        train_pair(out, device, line)
    for path, content in files_to_write.items():
        atomic_write(path, content)
    pair = load_subjects([out / "baseline.pt", out / "rga.pt"], chosen)
    pictures = find_pictures([out / "samples"])
    shown = one_per_class(pictures)
    files = [
        *render(compare_request(pair), shown, out / "compare", line),
        *render(masks_request(pair[1:], "conv5"), shown, out / "masks", line),
        *render(histogram_request(pair[1:], "all"), pictures, out / "histogram", line),
    ]
    said = {each.id: each.checkpoint.predict([picture.path for picture in pictures]) for each in pair}
    told = {
        picture.relative.as_posix(): {name: said[name][row] for name in said}
        for row, picture in enumerate(pictures)
    }
    if as_json:
        plain = {picture: {name: p._asdict() for name, p in each.items()} for picture, each in told.items()}
        print(json.dumps({"files": [str(path) for path in files], "predictions": plain}, indent=1))
        return
    show(told, files, out)


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
    from rgaviz.results import MANIFEST

    for name in FIGURES:
        for path in (out / f"{name}.{suffix}" for suffix in ("pdf", "png", "csv")):
            if path.exists() and not (out / name / MANIFEST).exists():
                raise OutputError(f"{path} is there and is no demo's; choose another folder with --out.")


def train_pair(out: Path, device: str, command_line: str) -> None:
    """A fresh pair on the generated images, with the recipe ``shapes``."""
    from rgaviz.cli.train import progress, recipe_settings, run_training

    with progress() as report:
        run_training(
            "shapes",
            recipe_settings("shapes"),
            device=device,
            out=out,
            resume=True,  # a pair that is there already is taken
            command_line=command_line,
            again=command_line,
            report=report,
        )


def shapes(out: Path) -> dict[Path, bytes]:
    """Generated test pictures, one of each class, and one as img.jpg."""
    import io

    from PIL import Image

    from rgaviz.data.shapes import SHAPE_CLASSES, generate

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


def render(request: Request, pictures: Sequence[PicturePath], stem: Path, command_line: str) -> list[Path]:
    """One of the three figures, as PDF and PNG, with its numbers in a folder of the same name."""
    from dataclasses import replace

    from rgaviz.figures.draw import draw, record_options
    from rgaviz.figures.style import FigureOptions
    from rgaviz.pipeline import run

    options = FigureOptions(formats=("pdf", "png"))
    run(replace(request, command_line=command_line, options=record_options(options)), pictures, stem, track)
    return draw(stem, stem, options).paths


def show(told: dict[str, dict[str, Prediction]], files: Sequence[Path], out: Path) -> None:
    """What each network said, where the figures are, and what to try next."""
    from rich.console import Console
    from rich.table import Table

    networks = list(next(iter(told.values())))
    table = Table("picture", *networks)
    for picture, each in told.items():
        table.add_row(
            picture, *(f"{each[name].label} ({100 * each[name].confidence:.0f}%)" for name in networks)
        )
    Console().print(table)
    for path in files:
        if path.suffix in (".pdf", ".png") and path.parent == out:
            print(f"Figure: {path}")
    print(
        f"\nTry next:\n  cd {out}\n  rgaviz compare baseline.pt rga.pt img.jpg\n  rgaviz masks --layer conv5\n"
        "  rgaviz train cifar10"
    )

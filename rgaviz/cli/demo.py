"""``rgaviz demo``: all of it in a minute, offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.options import Device, Json
from rgaviz.cli.show import track

if TYPE_CHECKING:
    from rgaviz.checkpoint import Prediction


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
    from rgaviz.analysis.compare import compare_request
    from rgaviz.analysis.demo import (
        bundled_pair,
        one_per_class,
        photographs,
        refuse_other,
        refuse_other_figures,
        render,
        shapes,
    )
    from rgaviz.analysis.histogram import histogram_request
    from rgaviz.analysis.masks import masks_request
    from rgaviz.analysis.subject import load_subjects
    from rgaviz.data.find import find_pictures
    from rgaviz.devices import choose_device
    from rgaviz.outputs import atomic_write

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
        *render(compare_request(pair), shown, out / "compare", line, track),
        *render(masks_request(pair[1:], "conv5"), shown, out / "masks", line, track),
        *render(histogram_request(pair[1:], "all"), pictures, out / "histogram", line, track),
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


def train_pair(out: Path, device: str, command_line: str) -> None:
    """A fresh pair on the generated images, with the recipe ``shapes``."""
    from rgaviz.cli.train_progress import progress
    from rgaviz.training.start import recipe_settings, run_training

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

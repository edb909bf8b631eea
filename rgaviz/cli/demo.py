"""``rgaviz demo``: all of it in a minute, offline."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.options import Device, Json, flag, out_option
from rgaviz.cli.show import cells, console, give, track
from rgaviz.cli.train_progress import progress

if TYPE_CHECKING:
    from rgaviz.analysis.demo import Demonstration


@app.command()
def demo(
    context: typer.Context,
    out: Annotated[Path, out_option("Folder to fill.")] = Path("rgaviz-demo"),
    train: Annotated[bool, flag("--train", help="First train a fresh pair on generated images.")] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Fill a folder with a trained pair, photographs and the three figures, without network or data.

    With --train the pair is trained here, on generated images, in two to three minutes on two cores.
    """
    from rgaviz.analysis import demo

    shown = demo.demo(
        out,
        train=train,
        device=device,
        command_line=context.meta[COMMAND_LINE],
        listen=progress,
        track=track,
        drawn=demo.hush if as_json else give_figures,
    )
    if as_json:
        print(json.dumps(shown.to_dict(), indent=1))
    else:
        show(shown, out)


def give_figures(files: Sequence[Path]) -> None:
    """Where a figure is."""
    for path in files:
        if path.suffix in (".pdf", ".png", ".html") and "overlays" not in path.parts:
            give(f"Figure: {path}")


def show(shown: Demonstration, out: Path) -> None:
    """What each network said, and what to try next."""
    from rich.table import Table

    networks = list(next(iter(shown.predictions.values())))
    table = Table("picture", *networks)
    for picture, each in shown.predictions.items():
        said = (f"{each[name].label} ({100 * each[name].confidence:.0f}%)" for name in networks)
        table.add_row(*cells([picture, *said]))
    console().print(table)
    print("\nTry next:")
    give(f"  {shlex.join(['cd', str(out)])}")
    print("  rgaviz compare baseline.pt rga.pt img.jpg\n  rgaviz masks --layer conv5\n  rgaviz train cifar10")
    print("  rgaviz rank people/baseline.pt people/rga.pt --overlay cam")

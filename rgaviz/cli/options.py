"""Options that several commands share, each named once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rgaviz.errors import RgavizError
from rgaviz.outputs import names_figure

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        help="Checkpoints and pictures in any order: files, folders or quoted patterns; torchvision:NAME, timm:NAME.",
        show_default=False,
    ),
]
Arch = Annotated[
    str | None,
    typer.Option(
        help="Network of a bare state_dict: torchvision:NAME, timm:NAME or one of rgaviz list models.",
        show_default=False,
    ),
]
NumClasses = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Outputs of a bare state_dict's network; by default those of its head.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder with train/<class>/* and test/<class>/*, or with torchvision's archive.",
        show_default=False,
    ),
]
Attentions = Annotated[
    str | None,
    typer.Option(
        "--attention",
        help="Networks to train, by attention; none is the baseline.  [default: the recipe's, none,rga-sc]",
        show_default=False,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a setting: --set train.lr=0.1", show_default=False),
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs; the schedule is scaled to them.")]
Precision = Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")]
Compile = Annotated[bool, typer.Option("--compile", help="Use torch.compile (pays off on a GPU).")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="A figure (.pdf, .png, .svg) or a folder; by default ./rgaviz-<command>/.",
        show_default=False,
    ),
]
CamLayer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        help="Layer of the CAM: a stage or a dotted module name; by default the last stage or map.",
        show_default=False,
    ),
]
Target = Annotated[
    str,
    typer.Option(
        help="Class the CAM is about: a name or number, top1 (each network's own prediction) or top5."
    ),
]
Label = Annotated[
    str | None,
    typer.Option(
        help="True class, one for all pictures or one each with commas; by default the parent folder's name.",
        show_default=False,
    ),
]

# How figures look. None means the default of rgaviz.figures.style.FigureOptions, or for redraw what was recorded.
Format = Annotated[
    str | None,
    typer.Option(
        "--format", help="pdf, png, svg, or several with commas.  [default: pdf]", show_default=False
    ),
]
Venue = Annotated[
    str | None,
    typer.Option(
        help="cvpr, iccv, eccv, neurips, icml, ieee or screen.  [default: cvpr]", show_default=False
    ),
]
Width = Annotated[
    str | None, typer.Option(help="column, text, or inches.  [default: text]", show_default=False)
]
Dpi = Annotated[
    int | None,
    typer.Option(help="Resolution of the pictures in the figure.  [default: 300]", show_default=False),
]
Cmap = Annotated[
    str | None, typer.Option(help="A matplotlib colour map.  [default: turbo]", show_default=False)
]
Alpha = Annotated[
    float | None, typer.Option(help="Opacity of the heat map, 0 to 1.  [default: 0.5]", show_default=False)
]
Title = Annotated[
    bool | None,
    typer.Option("--title/--no-title", help="Column titles.  [default: title]", show_default=False),
]
Scale = Annotated[
    str | None,
    typer.Option(
        help="shared, model, image or fixed:LO,HI.  [default: CAMs one scale per network, masks one for all]",
        show_default=False,
    ),
]
Pages = Annotated[
    int | None,
    typer.Option(help="Pages drawn of a long figure at most, 0 for all.  [default: 10]", show_default=False),
]

FIGURE_OPTIONS = ("formats", "venue", "width", "dpi", "cmap", "alpha", "title", "scale", "pages")


def parse_size(text: str) -> tuple[int, int]:
    """``256x128`` -> (256, 128)."""
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text.strip())
    if not found:
        raise RgavizError(f"--image-size {text} is no size; write HEIGHTxWIDTH in pixels, e.g. 256x128.")
    return int(found[1]), int(found[2])


def figure_changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """The figure options among a command's parameters that the user gave, as arguments of ``FigureOptions``.

    The suffix of a figure named by ``--out`` is one of the formats.
    """
    changes = {name: given[name] for name in FIGURE_OPTIONS if given.get(name) is not None}
    formats = [name.strip() for name in changes.get("formats", "").split(",") if name.strip()]
    if names_figure(given["out"]):
        formats.insert(0, given["out"].suffix.lower()[1:])
    if formats or "formats" in changes:
        changes["formats"] = tuple(dict.fromkeys(formats))
    return changes

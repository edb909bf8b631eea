"""Options that several commands share, each declared once; groups of them are in ``option_groups.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.outputs import given_place

# The panels of --help.
NETWORK, DATA, TRAINING, FIGURE, OUTPUT = "Network", "Data", "Training", "Figure", "Output"
USUAL = "what its kind usually takes"  # of images


def flag(*names: str, help: str, panel: str | None = None) -> Any:
    """A switch, off unless given."""
    return typer.Option(*names, help=help, show_default="off", rich_help_panel=panel)


def _inputs(default: str) -> Any:
    """Checkpoints and pictures in any order, with what is taken where there are none."""
    return typer.Argument(
        help="Checkpoints and pictures in any order: files, folders or quoted patterns; FILE@ARCH, torchvision:NAME, "
        "timm:NAME.",
        show_default=default,
        autocompletion=completion.inputs,
    )


def _of_bare(help: str, default: str, *names: str, **more: Any) -> Any:
    """What is said of a network that a file says nothing of, with what is assumed where nothing is."""
    return typer.Option(*names, help=help, show_default=default, rich_help_panel=NETWORK, **more)


# A default in words is shown in round brackets: it is no value to type.

Inputs = Annotated[
    list[str] | None,
    _inputs("the newest attention network under runs/, else the bundled rga.pt; the bundled photographs"),
]
InputsOfTwo = Annotated[list[str] | None, _inputs("the bundled pair and photographs")]
Arch = Annotated[
    str | None,
    typer.Option(
        help="Network of a bare state_dict: torchvision:NAME, timm:NAME, one of rgaviz list models, or your own "
        "code: FILE.py:NAME.",
        show_default="what the file says",
        rich_help_panel=NETWORK,
        autocompletion=completion.one(lambda: [*completion.MODELS(), *completion.LIBRARIES]),
    ),
]
NumClasses = Annotated[
    int | None, _of_bare("Outputs of a bare state_dict's network.", "those of its head", min=1)
]
ImageSize = Annotated[
    str | None, _of_bare("HEIGHTxWIDTH, or one number, of the images of a bare state_dict's network.", USUAL)
]
Mean = Annotated[
    str | None,
    _of_bare("Mean of the images a bare state_dict was trained with, values in 0 to 1: R,G,B.", USUAL),
]
Std = Annotated[str | None, _of_bare("Their standard deviation, likewise.", USUAL)]
ClassNames = Annotated[
    Path | None,
    _of_bare(
        "Text file with the names of a bare state_dict's outputs, one per line.",
        "ImageNet's for 1000, else numbers",
        "--classes",
    ),
]
Output = Annotated[
    str | None,
    _of_bare(
        "Of a network that gives several outputs the one that is meant: a key or a place.", "its one output"
    ),
]
Outputs = Annotated[
    str | None,
    typer.Option(
        help="What the outputs of a classifier are: softmax, sigmoid, multilabel or value.",
        show_default="softmax; of one output sigmoid",
        rich_help_panel=NETWORK,
        autocompletion=completion.one(completion.OUTPUTS),
    ),
]
ShowChannels = Annotated[
    str | None,
    _of_bare("Of pictures of more than three channels those shown as red, green and blue.", "1,2,3"),
]
OwnAttention = Annotated[
    str | None,
    typer.Option(
        "--attention",
        help="Attention of your own code that a checkpoint has: FILE.py:NAME, with commas; it runs only when named.",
        show_default="none of that kind",
        rich_help_panel=NETWORK,
    ),
]
Gates = Annotated[
    list[str] | None,
    typer.Option(
        "--gate",
        help="A module of yours that a mask leaves: NAME:spatial, NAME:channel, NAME:joint, or a pattern of names; "
        "again for more.",
        show_default="gates of rgaviz, timm and torchvision",
        rich_help_panel=NETWORK,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="auto (CUDA, else MPS, else the CPU), cpu, cuda or mps.",
        rich_help_panel=NETWORK,
        autocompletion=completion.one(completion.DEVICES),
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder with train/<class>/* and test/<class>/*, torchvision's archive, or a re-identification set.",
        show_default="downloaded or generated, where the data set can be",
        rich_help_panel=DATA,
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        help=r"For reid-folder: how names of files begin, a regular expression with groups id and camera, such as "
        r"'(?P<id>\d+)_cam(?P<camera>\d+)'.",
        show_default="as Market-1501's: 0002_c1...",
        rich_help_panel=DATA,
    ),
]
Layers = Annotated[
    str | None,
    typer.Option(
        "--layer",
        help="Stages with attention: conv5, conv4,conv5 or all.",
        show_default="the deepest",
    ),
]
Methods = Annotated[
    str,
    typer.Option(
        "--method",
        help="CAM methods with commas, or all: rgaviz list methods",
        autocompletion=completion.several(lambda: [*completion.METHODS(), "all"]),
    ),
]
CamLayer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        help="Layer of the CAM: a stage or a dotted module name.",
        show_default="the last stage or map",
    ),
]
MaskLayer = Annotated[
    str | None,
    typer.Option(
        help="Stages of the spatial mask, with commas, or all.", show_default="the deepest with attention"
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        help="What the CAM is about; of a classifier a class's name or number, top1 (its prediction), top5 or label; "
        "of a network that labels pixels a class: road, road@all, road@X,Y or road@mask:FILE.",
        show_default="the first of rgaviz list tasks: top1",
        autocompletion=completion.one(completion.targets),
    ),
]
Label = Annotated[
    str | None,
    typer.Option(
        help="What the pictures show, such as their true class: one for all of them, or one each with commas.",
        show_default="the parent folder's name, where it is a class",
    ),
]


def _window(option: str) -> Any:
    """Which values of deep pictures are black and white."""
    return typer.Option(
        option,
        help="Grey pictures of more than 8 bits: auto (least to largest value of all of them), full (of their kind of "
        "number) or LO,HI.",
        rich_help_panel=DATA,
    )


Window = Annotated[str, _window("--window")]
Intensities = Annotated[str, _window("--intensities")]  # where --window is another one
TruthFolder = Annotated[
    Path | None,
    typer.Option(
        "--truth",
        help="Of networks that label pixels: the folder with the true labels, PNGs by the pictures' names.",
        show_default="labels/ beside images/, where there is one",
        metavar="<folder>",
    ),
]


def out_option(text: str, **more: Any) -> Any:
    """``--out``, which is not empty."""
    return typer.Option(
        "--out", "-o", help=text, parser=given_place, metavar="<path>", rich_help_panel=OUTPUT, **more
    )


Out = Annotated[
    Path | None,
    out_option("A figure (.pdf, .png, .svg) or a folder.", show_default="./rgaviz-<command>/"),
]
Resume = Annotated[
    bool,
    flag("--resume", help="Go on where the same command was stopped among many pictures.", panel=OUTPUT),
]
Json = Annotated[bool, flag("--json", help="Print the answer as JSON.", panel=OUTPUT)]

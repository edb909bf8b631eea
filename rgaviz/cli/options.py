"""Options that several commands share, each declared once: alone, or in a group that a command takes by name."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.groups import Group
from rgaviz.errors import RgavizError, clipped, one_line
from rgaviz.outputs import given_place

# The panels of --help.
NETWORK, DATA, TRAINING, FIGURE, OUTPUT = "Network", "Data", "Training", "Figure", "Output"
USUAL = "what its kind usually takes"  # of images
QUANTILE = 0.8  # of a map, above which its box is


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


# Single options. A default in words is shown in round brackets: it is no value to type.

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
    str | None, _of_bare("HEIGHTxWIDTH of the images of a bare state_dict's network.", USUAL)
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
Json = Annotated[bool, flag("--json", help="Print the answer as JSON.", panel=OUTPUT)]


# Groups, taken by name: see rgaviz.cli.groups.


@dataclass(frozen=True)
class Network(Group):
    """Which network a file without that knowledge holds, and where networks run."""

    arch: Arch = None
    num_classes: NumClasses = None
    image_size: ImageSize = None
    mean: Mean = None
    std: Std = None
    classes: ClassNames = None
    output: Output = None
    outputs: Outputs = None
    show_channels: ShowChannels = None
    attention: OwnAttention = None
    gates: Gates = None
    device: Device = "auto"

    def given(self) -> Any:
        """The arguments of the plain functions, the size as numbers."""
        size = None if self.image_size is None else parse_size(self.image_size)
        return {**vars(self), "image_size": size}


@dataclass(frozen=True)
class Picking(Group):
    """In place of pictures those of a data set, by what the networks say of them."""

    pick: Annotated[
        str | None,
        typer.Option(
            help="random, fixed (wrong by the first network, right by the second), broken, both-right, both-wrong, "
            "disagree, hardest, worst, best or improved.",
            show_default="no data set",
            rich_help_panel=DATA,
            autocompletion=completion.one(completion.CHOICES),
        ),
    ] = None
    count: Annotated[
        int | None, typer.Option(min=1, help="So many at most.", show_default="4", rich_help_panel=DATA)
    ] = None
    dataset: Annotated[
        str | None,
        typer.Option(
            help="The data set.",
            show_default="what the first network was trained on",
            rich_help_panel=DATA,
            autocompletion=completion.one(completion.DATASETS),
        ),
    ] = None
    data_dir: DataDir = None
    part: Annotated[
        str | None,
        typer.Option(
            help="Part of a data set of scenes: train, val or test.",
            show_default="val",
            rich_help_panel=DATA,
        ),
    ] = None


@dataclass(frozen=True)
class Making(Group):
    """How maps are made beyond the usual way."""

    smooth: Annotated[
        str | None,
        typer.Option(
            help="flip, scales (times 0.9, 1, 1.1) or eigen (first component over channels).",
            show_default="none",
            autocompletion=completion.one(completion.SMOOTH),
        ),
    ] = None
    signed: Annotated[
        bool, flag("--signed", help="Without the ReLU: what speaks against the target is blue.")
    ] = False
    boxes: Annotated[bool, flag("--boxes", help="Draw the box around each map, and tell it with --json.")] = (
        False
    )
    quantile: Annotated[
        float | None,
        typer.Option(help="With --boxes: positions above this share of all count.", show_default="0.8"),
    ] = None
    contrast: Annotated[
        str | None,
        typer.Option(
            help="A,B: what speaks for class A rather than for class B, in place of --target.",
            show_default="no contrast",
        ),
    ] = None

    def asked(self, target: str | None) -> Any:
        """The arguments of the plain functions, with the target.

        Raises:
            RgavizError: a contrast beside a target, or of other than two classes.
        """
        from rgaviz.explain.making import Making as How

        if self.contrast is not None:
            if target is not None:
                raise RgavizError("--contrast names what the maps are about: leave out --target.")
            names = parse_names(self.contrast, "--contrast")
            if len(names) != 2:
                raise RgavizError(
                    f"--contrast {clipped(self.contrast)} is about two classes, not {len(names)}: write cat,dog."
                )
            target = f"contrast:{self.contrast}"
        if self.quantile is not None and not self.boxes:
            raise RgavizError(f"--quantile {self.quantile} is for boxes: add --boxes, or leave it out.")
        boxes = (QUANTILE if self.quantile is None else self.quantile) if self.boxes else None
        return {"target": target, "making": How(self.smooth or "", self.signed), "boxes": boxes}


@dataclass(frozen=True)
class Training(Group):
    """What changes a recipe: the arguments of ``rgaviz.training.start.recipe_settings``."""

    attention: Annotated[
        str | None,
        typer.Option(
            help="Networks to train, by attention; none is the baseline. Also your own: FILE.py:NAME.",
            show_default="the recipe's: none,rga-sc",
            rich_help_panel=TRAINING,
            autocompletion=completion.several(completion.ATTENTIONS),
        ),
    ] = None
    attention_layers: Annotated[
        str | None,
        typer.Option(
            help="Stages that get the attention, with commas: conv4,conv5.",
            show_default="the recipe's, else the network's",
            rich_help_panel=TRAINING,
        ),
    ] = None
    init: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin with: torchvision:resnet18, timm:NAME or a file, of the same network.",
            show_default="the recipe's: fresh ones",
            rich_help_panel=TRAINING,
        ),
    ] = None
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Override a setting: --set train.lr=0.1",
            show_default="the recipe as it is",
            rich_help_panel=TRAINING,
        ),
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Epochs; the schedule is scaled to them.",
            show_default="the recipe's",
            rich_help_panel=TRAINING,
        ),
    ] = None
    precision: Annotated[
        str | None,
        typer.Option(
            help="auto, fp32 or bf16.",
            show_default="the recipe's",
            rich_help_panel=TRAINING,
            autocompletion=completion.one(completion.PRECISIONS),
        ),
    ] = None
    compile_: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="Use torch.compile (pays off on a GPU).",
            show_default="the recipe's: off",
            rich_help_panel=TRAINING,
        ),
    ] = False


def parse_names(text: str, option: str) -> list[str]:
    """``cat,"dog, small"`` as names.

    Raises:
        RgavizError: a line that no table of commas has.
    """
    try:
        rows = list(csv.reader([text], skipinitialspace=True))
    except csv.Error as error:
        raise RgavizError(
            f"{option} {clipped(text)} cannot be read ({one_line(error)}); write names with commas, in one line."
        ) from error
    return [name.strip() for row in rows for name in row]


def parse_size(text: str) -> tuple[int, int]:
    """``256x128`` -> (256, 128)."""
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text.strip())
    if not found:
        raise RgavizError(f"--image-size {text} is no size; write HEIGHTxWIDTH in pixels, e.g. 256x128.")
    return int(found[1]), int(found[2])

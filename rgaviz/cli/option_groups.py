"""Options that belong together, in groups that a command takes by name: see ``groups.py``."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.groups import Group
from rgaviz.cli.options import (
    DATA,
    TRAINING,
    Arch,
    ClassNames,
    DataDir,
    Device,
    Gates,
    ImageSize,
    Mean,
    NumClasses,
    Output,
    Outputs,
    OwnAttention,
    ShowChannels,
    Std,
    flag,
)
from rgaviz.errors import RgavizError, clipped, one_line

QUANTILE = 0.8  # of a map, above which its box is


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
    """``256x128`` -> (256, 128), ``96`` -> (96, 96)."""
    found = re.fullmatch(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", text.strip())
    if not found:
        raise RgavizError(f"--image-size {text} is no size; write HEIGHTxWIDTH in pixels, e.g. 256x128.")
    return int(found[1]), int(found[2] or found[1])

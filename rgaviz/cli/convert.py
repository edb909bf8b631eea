"""``rgaviz convert``: a network from elsewhere as a checkpoint of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.option_groups import parse_size
from rgaviz.cli.options import (
    Arch,
    ClassNames,
    ImageSize,
    Json,
    Mean,
    NumClasses,
    Output,
    Outputs,
    Std,
    out_option,
)
from rgaviz.cli.show import cells


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            help="A file of weights, torchvision:NAME or timm:NAME.", autocompletion=completion.checkpoints
        ),
    ],
    out: Annotated[Path, out_option("The checkpoint to write.")],
    arch: Arch = None,
    num_classes: NumClasses = None,
    classes: ClassNames = None,
    image_size: ImageSize = None,
    mean: Mean = None,
    std: Std = None,
    output: Output = None,
    outputs: Outputs = None,
    as_json: Json = False,
) -> None:
    """Write a network from elsewhere as a checkpoint that needs no further options.

    Takes torchvision's and timm's weights, bare state_dicts, and checkpoints of the RGA authors' code.
    """
    from rgaviz.analysis import convert

    answer = convert.convert(
        source,
        out,
        arch=arch,
        num_classes=num_classes,
        classes=classes,
        image_size=None if image_size is None else parse_size(image_size),
        mean=mean,
        std=std,
        output=output,
        outputs=outputs,
    )
    print(json.dumps(answer.to_dict(), indent=1) if as_json else "\n".join(cells(answer.lines())))

"""``rgaviz convert``: a network from elsewhere as a checkpoint of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from rgaviz.cli.app import app
from rgaviz.cli.options import Arch, Json, NumClasses, parse_size


@app.command()
def convert(
    source: Annotated[str, typer.Argument(help="A file of weights, torchvision:NAME or timm:NAME.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The checkpoint to write.", show_default=False)],
    arch: Arch = None,
    num_classes: NumClasses = None,
    classes: Annotated[
        Path | None,
        typer.Option(help="Text file with the names of the classes, one per line.", show_default=False),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            help="HEIGHTxWIDTH of the images of a bare state_dict's network; by default what its kind usually takes.",
            show_default=False,
        ),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(
            help="Mean of the images it was trained with, R,G,B of values in [0, 1]; by default what was recognised.",
            show_default=False,
        ),
    ] = None,
    std: Annotated[
        str | None, typer.Option(help="Their standard deviation, likewise.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a network from elsewhere as a checkpoint that needs no further options.

    Takes torchvision's and timm's weights, bare state_dicts, and checkpoints of the RGA authors' code.
    """
    from dataclasses import replace

    from rgaviz.analysis.convert import (
        SMALLEST_STD,
        parse_channels,
        read_classes,
        refuse_contradictions,
        refuse_output,
        summary,
    )
    from rgaviz.checkpoint import load_checkpoint, save_checkpoint

    refuse_output(source, out)
    size = None if image_size is None else parse_size(image_size)
    normalisation = {}
    if mean is not None:
        normalisation["mean"] = parse_channels("--mean", mean, 0)
    if std is not None:
        normalisation["std"] = parse_channels("--std", std, SMALLEST_STD)
    checkpoint = load_checkpoint(source, arch, num_classes, size)
    refuse_contradictions(checkpoint, arch, num_classes, size)
    if classes:
        checkpoint = replace(checkpoint, classes=read_classes(classes, len(checkpoint.classes)))
    checkpoint = replace(checkpoint, **normalisation)
    save_checkpoint(
        out,
        checkpoint.model,
        classes=checkpoint.classes,
        mean=checkpoint.mean,
        std=checkpoint.std,
        metrics=checkpoint.metrics,
        training={
            **checkpoint.training,
            "converted": {
                "path": str(checkpoint.path),
                "sha256": checkpoint.sha256,
                "origin": checkpoint.origin,
            },
        },
        seed=checkpoint.seed,
        history=checkpoint.history,
        notes=checkpoint.notes,
    )
    answer = summary(checkpoint, out)
    if as_json:
        print(json.dumps(answer, indent=1))
        return
    show(answer)


def show(answer: dict[str, Any]) -> None:
    """The summary in lines."""
    height, width = answer["image_size"]
    more = ", ..." if answer["classes"] > len(answer["first_classes"]) else ""
    attention = "" if answer["attention"] == "none" else f" with {answer['attention']}"
    print(f"Recognised: {answer['origin']}, {answer['source']}")
    print(f"Network: {answer['arch']}{attention}, {answer['parameters']:,} parameters")
    print(f"Images: {height}x{width}, mean {_numbers(answer['mean'])}, std {_numbers(answer['std'])}")
    print(f"Classes: {answer['classes']} ({', '.join(answer['first_classes'])}{more})")
    for note in answer["notes"]:
        print(f"Note: {note}")
    print(f"Checkpoint: {answer['file']}")


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)

"""``rgaviz profile``: what attention costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.options import Device, Figure, Json, Output, flag, parse_size
from rgaviz.cli.show import measured_table, say, show_measured, track
from rgaviz.errors import RgavizError


@app.command()
@takes_groups
def profile(
    context: typer.Context,
    arch: Annotated[
        str,
        typer.Option(
            help="Network; see rgaviz list models.", autocompletion=completion.one(completion.MODELS)
        ),
    ] = "resnet50",
    attention: Annotated[
        str,
        typer.Option(
            help="Attentions to compare; the first is the baseline of the ratios.",
            autocompletion=completion.several(completion.ATTENTIONS),
        ),
    ] = "none,se,cbam-cs,nl,rga-sc",
    attention_layers: Annotated[
        str | None,
        typer.Option(help="Stages that get the attention: conv4,conv5.", show_default="the network's"),
    ] = None,
    image_size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the images.")] = "256x128",
    num_classes: Annotated[int, typer.Option(min=1, help="Outputs of the network.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Images in a batch.")] = 8,
    train: Annotated[bool, flag("--train", help="Measure a training step, not inference.")] = False,
    precision: Annotated[
        str,
        typer.Option(help="fp32, bf16 or auto.", autocompletion=completion.one(completion.PRECISIONS)),
    ] = "fp32",
    repeats: Annotated[int, typer.Option(min=2, help="Timed rounds.")] = 11,
    device: Device = "auto",
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folders of finished trainings of these networks: also draw accuracy against cost.",
            show_default="no figure",
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            help="Cost in the figure of --runs: macs, latency, memory or parameters.",
            autocompletion=completion.one(completion.COSTS),
        ),
    ] = "macs",
    scale_with: Annotated[str | None, typer.Option(hidden=True)] = None,
    *,
    figure: Figure,
    out: Output = None,
    as_json: Json = False,
) -> None:
    """Measure what attention costs: parameters, multiply-accumulates, time and memory.

    Writes a table as CSV and LaTeX, and with --runs a figure.
    """
    from rgaviz.analysis.cost import profile as measure_networks
    from rgaviz.figures.style import FigureOptions

    if scale_with is not None:
        raise RgavizError(f"rgaviz profile --scale-with {scale_with} is now: rgaviz growth {scale_with}")
    options = FigureOptions(**figure.changes(out))
    if batch_size < 1:
        raise RgavizError(f"--batch-size {batch_size} is no batch; give 1 or more.")
    answer = measure_networks(
        arch,
        [name.strip() for name in attention.split(",")],
        out,
        options,
        image_size=parse_size(image_size),
        num_classes=num_classes,
        attention_layers=attention_layers,
        batch_size=batch_size,
        train=train,
        precision=precision,
        repeats=repeats,
        device=device,
        runs=runs or [],
        against=against,
        track=track,
        say=say,
        command_line=context.meta[COMMAND_LINE],
    )
    if as_json:
        print(json.dumps(answer, indent=1))
        return
    show_measured(answer, network_table(answer))


def network_table(answer: Mapping[str, Any]) -> Any:
    """A line per network; behind each figure how many times the baseline's it is. Times are of one batch."""
    from rgaviz.analysis.tables import error_text, number

    measured = any("test_error" in row for row in answer["rows"])
    columns = [
        "params (M)",
        "GMACs",
        "ms",
        "quartiles",
        "MiB",
        *(["error (%)"] if measured else []),
    ]
    table = measured_table("attention", columns)
    for row in answer["rows"]:
        line = [
            f"{row['parameters'] / 1e6:.2f}{times(row['parameters_ratio'])}",
            f"{row['macs'] / 1e9:.3g}{times(row['macs_ratio'])}",
            f"{number(row['latency_ms'], digits=3)}{times(row['latency_ratio'])}",
            f"{number(row['latency_q1_ms'], digits=3)}-{number(row['latency_q3_ms'], digits=3)}",
            f"{number(row['memory_mib'], digits=3)}{times(row['memory_ratio'])}",
        ]
        table.add_row(row["attention"], *line, *([error_text(row, "±")] if measured else []))
    return table


def times(ratio: float | None) -> str:
    """How many times the baseline's, as far as known."""
    return "" if ratio is None else f" {ratio:.2f}x"

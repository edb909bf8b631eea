"""``rgaviz growth``: how the cost of attention grows with the map."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import COMMAND_LINE, app
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.options import Device, Figure, Json, Output, flag
from rgaviz.cli.show import measured_table, say, show_measured, track
from rgaviz.errors import RgavizError


@app.command()
@takes_groups
def growth(
    context: typer.Context,
    axis: Annotated[
        str, typer.Argument(help="What grows: N, positions of the map, or C, its channels.")
    ] = "N",
    attention: Annotated[
        str,
        typer.Option(help="Attentions to compare.", autocompletion=completion.several(completion.ATTENTIONS)),
    ] = "se,cbam-cs,nl,rga-sc",
    channels: Annotated[int, typer.Option(min=1, help="Channels of the maps where N grows.")] = 64,
    batch_size: Annotated[int, typer.Option(help="Maps in a batch.")] = 1,
    train: Annotated[bool, flag("--train", help="Measure a training step, not inference.")] = False,
    precision: Annotated[
        str,
        typer.Option(help="fp32, bf16 or auto.", autocompletion=completion.one(completion.PRECISIONS)),
    ] = "fp32",
    repeats: Annotated[int, typer.Option(min=2, help="Timed rounds.")] = 11,
    device: Device = "auto",
    *,
    figure: Figure,
    out: Output = None,
    as_json: Json = False,
) -> None:
    """Measure how time and memory of each attention alone grow with the map; beside RGA stands its direct form.

    Writes a table as CSV and LaTeX and a figure with the exponents.
    """
    from rgaviz.analysis.growth import growth as measure_growth
    from rgaviz.figures.style import FigureOptions

    options = FigureOptions(**figure.changes(out))
    if batch_size < 1:
        raise RgavizError(f"--batch-size {batch_size} is no batch; give 1 or more.")
    answer = measure_growth(
        [name.strip() for name in attention.split(",")],
        axis,
        out,
        options,
        channels=channels,
        batch_size=batch_size,
        train=train,
        precision=precision,
        repeats=repeats,
        device=device,
        track=track,
        say=say,
        command_line=context.meta[COMMAND_LINE],
    )
    if as_json:
        print(json.dumps(answer, indent=1))
        return
    show_measured(answer, growth_table(answer))


def growth_table(answer: Mapping[str, Any]) -> Any:
    """A line per module and size, below them the exponents."""
    from rgaviz.analysis.tables import number

    axis = answer["machine"]["scale_with"]
    table = measured_table("attention", [axis, "parameters", "MACs", "ms", "MiB"])
    for row in answer["rows"]:
        counts = (f"{row[key]:,}" for key in ("parameters", "macs"))
        figures = number(row["latency_ms"], digits=3), number(row["memory_mib"], 2)
        table.add_row(row["attention"], str(row[axis]), *counts, *figures)
    table.add_section()
    for name, exponents in answer["exponents"].items():
        table.add_row(name, f"{axis}^p, p =", "", "", *(number(value, 2) for value in exponents.values()))
    return table

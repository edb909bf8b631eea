"""``rgaviz profile``: what attention costs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.options import Device, Figure, Json, Output, flag, parse_size
from rgaviz.cli.show import say, track
from rgaviz.errors import OutputError, RgavizError, lookup
from rgaviz.outputs import names_figure, output_paths

if TYPE_CHECKING:
    from rgaviz.analysis.tables import Tables
    from rgaviz.figures.style import FigureOptions

WIDEST = 400  # characters that a table may need


@app.command()
@takes_groups
def profile(
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
    batch_size: Annotated[
        int | None,
        typer.Option(help="Images in a batch.", show_default="8; with --scale-with 1"),
    ] = None,
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
    scale_with: Annotated[
        str | None,
        typer.Option(
            help="Instead: how each attention alone grows with N, positions of the map, or C, its channels.",
            show_default="whole networks",
        ),
    ] = None,
    channels: Annotated[int, typer.Option(min=1, help="Channels of the maps of --scale-with N.")] = 64,
    *,
    figure: Figure,
    out: Output = None,
    as_json: Json = False,
) -> None:
    """Measure what attention costs: parameters, multiply-accumulates, time and memory.

    Writes a table as CSV and LaTeX, and with --runs or --scale-with a figure.
    """
    from rgaviz.analysis.cost import COSTS, cost_figure, network_builds, network_tables, networks
    from rgaviz.analysis.growth import growth, growth_figure, growth_tables
    from rgaviz.devices import choose_device, choose_precision, keep_freed_memory
    from rgaviz.figures.style import FigureOptions
    from rgaviz.profiling.measure import Settings

    names = attention_names(attention)
    where = choose_device(device)
    settings = Settings(where, choose_precision(precision, where), train, repeats)
    if train and where.type == "cpu":
        keep_freed_memory()  # as a training does
    options = FigureOptions(**figure.changes(out))
    if batch_size is not None and batch_size < 1:
        raise RgavizError(f"--batch-size {batch_size} is no batch; give 1 or more.")
    stem = output_stem(out, options, figure=bool(runs or scale_with))
    if scale_with is None:
        size = parse_size(image_size)
        builds = network_builds(arch, names, size, num_classes, attention_layers)
        shape = (batch_size or 8, 3, *size)
        cost = lookup(COSTS, against, "cost")
        answer = networks(arch, builds, shape, settings, runs or [], cost, track=track, say=say)
        answer["machine"] |= {"num_classes": num_classes, "attention_layers": attention_layers or "default"}
        tables = network_tables(answer)
        draw = partial(cost_figure, answer, against)
    else:
        lookup(dict.fromkeys(("N", "C")), scale_with, "size to grow")
        if runs:
            raise RgavizError("--runs compares whole networks; leave out --scale-with.")
        answer = growth(names, scale_with, channels, batch_size or 1, settings, track=track, say=say)
        tables = growth_tables(answer)
        draw = partial(growth_figure, answer)
    paths = write(stem, tables, draw if runs or scale_with else None, options)
    if as_json:
        print(json.dumps({**answer, "files": [str(path) for path in paths]}, indent=1))
        return
    show(answer, paths)


def attention_names(text: str) -> list[str]:
    """The attentions of ``--attention``, each known and named once."""
    from rgaviz.attention import check_attentions

    names = [name.strip() for name in text.split(",")]
    check_attentions(names)
    return names


def output_stem(out: Path | None, options: FigureOptions, *, figure: bool) -> Path:
    """Where to write, found out before anything is measured: path of the tables and the figure without suffix.

    Raises:
        OutputError: a name for a figure where none is drawn, someone else's files, or no place to write.
    """
    from rgaviz.analysis.tables import TEX
    from rgaviz.outputs import refuse_other_table

    if names_figure(out) and not figure:
        raise OutputError(f"{out} names a figure, which needs --runs or --scale-with; name a folder with -o.")
    _, stem = output_paths(out, "profile")
    table = stem.with_name(f"{stem.name}.csv")
    refuse_other_table(table, "attention,")
    refuse_other_table(stem.with_name(f"{stem.name}.tex"), TEX)
    for name in () if names_figure(out) or table.exists() else options.formats:
        picture = stem.with_name(f"{stem.name}.{name}")
        if figure and picture.exists():
            raise OutputError(
                f"{picture} is there and was not written by rgaviz: choose another name with -o."
            )
    there = next(parent for parent in stem.absolute().parents if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise OutputError(
            f"Cannot write {stem.parent}: {there} is no writable folder. Choose another with -o."
        )
    return stem


Draw = Callable[["FigureOptions"], Any]


def write(stem: Path, tables: Tables, draw: Draw | None, options: FigureOptions) -> list[Path]:
    """Write the figure, if there is one, and the tables."""
    from rgaviz.figures.style import save_figure
    from rgaviz.outputs import atomic_write

    paths = save_figure(draw(options), stem, options) if draw else []
    for suffix, content in tables.items():
        path = stem.with_name(f"{stem.name}.{suffix}")
        atomic_write(path, content)
        paths.append(path)
    return paths


def show(answer: Mapping[str, Any], paths: Sequence[Path]) -> None:
    """The rows for people."""
    from rich.console import Console

    from rgaviz.analysis.tables import described

    console, table = Console(), growth_table(answer) if "exponents" in answer else network_table(answer)
    # A line too long for the terminal goes on in the next one: a figure that is cut off is worse.
    console.width = max(console.width, Console(width=WIDEST).measure(table).maximum)
    console.print(table)
    console.print(described(answer), highlight=False, soft_wrap=True)
    for path in paths:
        print(path)


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
    table = right_aligned("attention", columns)
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


def growth_table(answer: Mapping[str, Any]) -> Any:
    """A line per module and size, below them the exponents."""
    from rgaviz.analysis.tables import number

    axis = answer["machine"]["scale_with"]
    table = right_aligned("attention", [axis, "parameters", "MACs", "ms", "MiB"])
    for row in answer["rows"]:
        counts = (f"{row[key]:,}" for key in ("parameters", "macs"))
        figures = number(row["latency_ms"], digits=3), number(row["memory_mib"], 2)
        table.add_row(row["attention"], str(row[axis]), *counts, *figures)
    table.add_section()
    for name, exponents in answer["exponents"].items():
        table.add_row(name, f"{axis}^p, p =", "", "", *(number(value, 2) for value in exponents.values()))
    return table


def right_aligned(first: str, others: Sequence[str]) -> Any:
    """An empty table whose columns but the first hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(first, box=SIMPLE_HEAD, pad_edge=False)
    for name in others:
        table.add_column(name, justify="right")
    return table


def times(ratio: float | None) -> str:
    """How many times the baseline's, as far as known."""
    return "" if ratio is None else f" {ratio:.2f}x"

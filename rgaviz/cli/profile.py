"""``rgaviz profile``: what attention costs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgaviz.cli import app
from rgaviz.cli.evaluate import csv_bytes
from rgaviz.cli.explaining import say
from rgaviz.cli.options import (
    Device,
    Dpi,
    Format,
    Json,
    Output,
    Title,
    Venue,
    Width,
    check_attentions,
    figure_changes,
    names_figure,
    output_paths,
    parse_size,
)
from rgaviz.cli.progress import track
from rgaviz.errors import OutputError, RgavizError, lookup

if TYPE_CHECKING:
    from rgaviz.figures.style import FigureOptions
    from rgaviz.profiling import Point, Settings
    from rgaviz.tables import Row

Rows = list[dict[str, Any]]

# What the cost may be in the figure: key of a row, divisor, label.
COSTS = {
    "parameters": ("parameters", 1e6, "parameters (millions)"),
    "macs": ("macs", 1e9, "GMACs per image"),
    "latency": ("latency_ms", 1.0, "latency (ms per batch)"),
    "memory": ("memory_mib", 1.0, "peak memory (MiB)"),
}
RELATIVE = {key: f"{key.rpartition('_')[0] or key}_ratio" for key, *_ in COSTS.values()}
TEX = "% Written by rgaviz profile"
WIDEST = 400  # characters that a table may need


@app.command()
def profile(
    context: typer.Context,
    arch: Annotated[str, typer.Option(help="Network; see rgaviz list models.")] = "resnet50",
    attention: Annotated[
        str, typer.Option(help="Attentions to compare; the first is the baseline of the ratios.")
    ] = "none,se,cbam-cs,nl,rga-sc",
    attention_layers: Annotated[
        str | None,
        typer.Option(
            help="Stages that get the attention: conv4,conv5.  [default: the network's]", show_default=False
        ),
    ] = None,
    image_size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the images.")] = "256x128",
    num_classes: Annotated[int, typer.Option(min=1, help="Outputs of the network.")] = 10,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Images in a batch.  [default: 8; with --scale-with 1]", show_default=False),
    ] = None,
    train: Annotated[bool, typer.Option("--train", help="Measure a training step, not inference.")] = False,
    precision: Annotated[str, typer.Option(help="fp32, bf16 or auto.")] = "fp32",
    repeats: Annotated[int, typer.Option(min=2, help="Timed rounds.")] = 11,
    device: Device = "auto",
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folders of finished trainings of these networks: also draw accuracy against cost.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str, typer.Option(help="Cost in the figure of --runs: macs, latency, memory or parameters.")
    ] = "macs",
    scale_with: Annotated[
        str | None,
        typer.Option(
            help="Instead: how each attention alone grows with N, positions of the map, or C, its channels.",
            show_default=False,
        ),
    ] = None,
    channels: Annotated[int, typer.Option(min=1, help="Channels of the maps of --scale-with N.")] = 64,
    out: Output = None,
    formats: Format = None,
    venue: Venue = None,
    width: Width = None,
    dpi: Dpi = None,
    title: Title = None,
    as_json: Json = False,
) -> None:
    """Measure what attention costs: parameters, multiply-accumulates, time and memory.

    Writes a table as CSV and LaTeX, and with --runs or --scale-with a figure.
    """
    from rgaviz.devices import choose_device, choose_precision, keep_freed_memory
    from rgaviz.figures.style import FigureOptions
    from rgaviz.profiling import Settings

    names = attention_names(attention)
    where = choose_device(device)
    settings = Settings(where, choose_precision(precision, where), train, repeats)
    if train and where.type == "cpu":
        keep_freed_memory()  # as a training does
    options = FigureOptions(**figure_changes(context.params))
    if batch_size is not None and batch_size < 1:
        raise RgavizError(f"--batch-size {batch_size} is no batch; give 1 or more.")
    stem = output_stem(out, options, figure=bool(runs or scale_with))
    if scale_with is None:
        size = parse_size(image_size)
        builds = network_builds(arch, names, size, num_classes, attention_layers)
        shape = (batch_size or 8, 3, *size)
        answer = networks(arch, builds, shape, settings, runs or [], lookup(COSTS, against, "cost"))
        answer["machine"] |= {"num_classes": num_classes, "attention_layers": attention_layers or "default"}
        tables = network_tables(answer)
        draw = partial(cost_figure, answer, against)
    else:
        lookup(dict.fromkeys(("N", "C")), scale_with, "size to grow")
        if runs:
            raise RgavizError("--runs compares whole networks; leave out --scale-with.")
        answer = growth(names, scale_with, channels, batch_size or 1, settings)
        tables = growth_tables(answer)
        draw = partial(growth_figure, answer)
    paths = write(stem, tables, draw if runs or scale_with else None, options)
    if as_json:
        print(json.dumps({**answer, "files": [str(path) for path in paths]}, indent=1))
        return
    show(answer, paths)


def attention_names(text: str) -> list[str]:
    """The attentions of ``--attention``, each known and named once."""
    names = [name.strip() for name in text.split(",")]
    check_attentions(names)
    return names


def output_stem(out: Path | None, options: FigureOptions, *, figure: bool) -> Path:
    """Where to write, found out before anything is measured: path of the tables and the figure without suffix.

    Raises:
        OutputError: a name for a figure where none is drawn, someone else's files, or no place to write.
    """
    from rgaviz.atomic import refuse_other_table

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


def network_builds(
    arch: str, names: Sequence[str], size: tuple[int, int], num_classes: int, layers: str | None
) -> dict[str, Callable[[], Any]]:
    """What makes the network with each attention."""
    from rgaviz.models import create_model

    stages = [name.strip() for name in layers.split(",")] if layers else None
    return {
        name: partial(
            create_model, arch, name, num_classes=num_classes, image_size=size, attention_layers=stages
        )
        for name in names
    }


def networks(
    arch: str,
    builds: Mapping[str, Callable[[], Any]],
    shape: tuple[int, int, int, int],
    settings: Settings,
    runs: Sequence[Path],
    cost: tuple[str, float, str],
) -> dict[str, Any]:
    """Everything about whole networks: the machine, a row per attention, and what was left out."""
    from rgaviz.profiling import machine, measure, parameters

    learned = {name: parameters(build) for name, build in builds.items()}  # all can be built
    errors, notes = errors_of_runs(runs, arch, learned) if runs else ({}, [])
    for note in notes:
        say(f"Note: {note}")
    if errors and cost[0] == "memory_mib" and settings.device.type not in ("cpu", "cuda"):
        raise RgavizError(f"Memory is not measured on {settings.device.type}; choose another --against.")
    costs = measure(builds, shape, settings, track)
    rows = [{"attention": name, **each.row(), **errors.get(name, {})} for name, each in costs.items()]
    for row in rows:
        row |= {RELATIVE[key]: ratio(row[key], rows[0][key]) for key in RELATIVE}
    batch, _, height, width = shape
    where = {**machine(settings), "arch": arch, "image_size": f"{height}x{width}", "batch_size": batch}
    return {"machine": where, "rows": rows, "notes": notes}


def ratio(value: float | None, baseline: float | None) -> float | None:
    """How many times the baseline; None where either is unknown."""
    return value / baseline if value is not None and baseline else None


def errors_of_runs(
    runs: Sequence[Path], arch: str, learned: Mapping[str, int]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Test error of each measured network over the seeds in folders of runs, and what was left out.

    Args:
        runs: folders or checkpoints.
        arch: the measured network's.
        learned: its parameters with each attention.

    Returns:
        attention -> ``test_error`` (mean, %), ``test_error_std`` (None of one seed), ``seeds``.

    Raises:
        RgavizError: no run of these networks, or runs that do not belong together.
    """
    from rgaviz.tables import read_runs

    found, notes = read_runs(runs)
    ours: dict[str, Row] = {}
    for row in found:
        if row.arch != arch or row.attention not in learned:
            notes.append(f"{row.arch} with attention {row.attention} is not measured here; left out.")
        elif row.attention in ours:
            raise RgavizError(
                f"--runs holds different trainings of {arch} with {row.attention} ({row.setting}); "
                "name the folders of one."
            )
        else:
            ours[row.attention] = row
    if not ours:
        there = ", ".join(f"{row.arch} with {row.attention}" for row in found)
        raise RgavizError(
            f"--runs has no {arch} with {' or '.join(learned)}, but {there}; name it with --arch and --attention."
        )
    datasets = {name for row in ours.values() for name in row.errors}
    if len(datasets) > 1:
        raise RgavizError(
            f"--runs holds trainings on {' and '.join(sorted(datasets))}; name the folders of one."
        )
    missing = [name for name in learned if name not in ours]
    notes += [f"no run of {name}; it is not in the figure." for name in missing]
    return {name: _error(row, learned[name]) for name, row in ours.items()}, notes


def _error(row: Row, learned: int) -> dict[str, Any]:
    """Mean and deviation of a row of one data set; the network must be the one that is measured."""
    from rgaviz.tables import mean_and_std

    ((dataset, errors),) = row.errors.items()
    if row.parameters[dataset] != learned:
        raise RgavizError(
            f"The {row.arch} with {row.attention} of --runs has {row.parameters[dataset]:,} parameters, the measured "
            f"one {learned:,}; give the --image-size, --num-classes and --attention-layers of the runs."
        )
    mean, std = mean_and_std(errors)
    return {"test_error": mean, "test_error_std": std, "seeds": len(errors)}


def growth(
    names: Sequence[str], axis: str, channels: int, batch_size: int, settings: Settings
) -> dict[str, Any]:
    """Everything about growing maps: the machine, a row per module and size, the exponents, what was left out."""
    from rgaviz.profiling import exponent, growing, machine, measure_growth, parameters, sizes

    grown = [name for name in names if name != "none"]  # which does nothing
    if not grown:
        raise RgavizError("--scale-with measures attentions alone, and none has no cost; name one.")
    smallest, size = next(iter(sizes(axis, channels).values()))
    for name, build in growing(grown).items():
        try:
            parameters(partial(build, smallest, size))
        except RgavizError as error:
            raise RgavizError(
                f"{name} cannot be built with {channels} channels; give more with --channels."
            ) from error
    points, notes = measure_growth(grown, axis, settings, track, channels=channels, batch_size=batch_size)
    for note in notes:
        say(f"Note: {note}")
    rows = [growth_row(point) for point in points]
    exponents = {}
    for name in dict.fromkeys(row["attention"] for row in rows):
        own = [row for row in rows if row["attention"] == name]
        xs = [row[axis] for row in own]
        exponents[name] = {
            key: exponent(xs, [row[key] for row in own]) for key in ("latency_ms", "memory_mib")
        }
    where = {**machine(settings), "scale_with": axis, "batch_size": batch_size}
    return {"machine": where, "rows": rows, "exponents": exponents, "notes": notes}


def growth_row(point: Point) -> dict[str, Any]:
    """A point as plain numbers."""
    height, width = point.size
    sizes = {"N": height * width, "height": height, "width": width, "C": point.channels}
    return {"attention": point.name, **sizes, **point.cost.row()}


Tables = dict[str, bytes]  # suffix -> content


def network_tables(answer: Mapping[str, Any]) -> Tables:
    """The rows as CSV and LaTeX."""
    measured = any("test_error" in row for row in answer["rows"])
    header = ["Attention", "Params (M)", "GMACs", "Latency (ms)", r"$\times$", "Memory (MiB)", r"$\times$"]
    header += [r"Error (\%)"] if measured else []
    cells = []
    for row in answer["rows"]:
        line = [row["attention"], f"{row['parameters'] / 1e6:.2f}", f"{row['macs'] / 1e9:.3g}"]
        line += [number(row["latency_ms"]), number(row["latency_ratio"], 2)]
        line += [number(row["memory_mib"]), number(row["memory_ratio"], 2)]
        cells.append([*line, error_text(row, r"$\pm$")] if measured else line)
    return {"csv": csv_table(answer), "tex": tex_table(answer, header, cells)}


def growth_tables(answer: Mapping[str, Any]) -> Tables:
    """The rows as CSV; times by size and exponents as LaTeX."""
    axis, rows = answer["machine"]["scale_with"], answer["rows"]
    sizes = sorted({row[axis] for row in rows})
    header = [
        f"ms at ${axis} =$",
        *map(str, sizes),
        f"time ${axis}^p$, $p$",
        f"memory ${axis}^p$, $p$",
    ]
    cells = []
    for name, exponents in answer["exponents"].items():
        times = {row[axis]: row["latency_ms"] for row in rows if row["attention"] == name}
        line = [name, *(number(times.get(size), digits=3) for size in sizes)]
        cells.append([*line, *(number(value, 2) for value in exponents.values())])
    return {"csv": csv_table(answer), "tex": tex_table(answer, header, cells)}


def number(value: float | None, decimals: int = 1, digits: int | None = None) -> str:
    """A number with so many decimals or significant digits; a dash for None."""
    if value is None:
        return "--"
    if digits is None:
        return f"{round(value, decimals) + 0.0:.{decimals}f}"  # never -0.0
    return f"{value:.{digits}g}" if value < 10**digits else f"{value:.0f}"


def error_text(row: Mapping[str, Any], sign: str) -> str:
    """Mean and deviation, as far as there are."""
    if row.get("test_error") is None:
        return "--"
    spread = row["test_error_std"]
    return f"{row['test_error']:.2f}" + ("" if spread is None else f" {sign} {spread:.2f}")


def csv_table(answer: Mapping[str, Any]) -> bytes:
    """A line per row; what is the same for all of them, the machine and the settings, behind."""
    keys = dict.fromkeys(key for row in answer["rows"] for key in row)
    lines = [[cell(row.get(key)) for key in keys] for row in answer["rows"]]
    same = answer["machine"]
    return csv_bytes([[*keys, *same], *([*line, *same.values()] for line in lines)])


def cell(value: Any) -> Any:
    """A value as the CSV has it: six digits, empty for None."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def tex_table(answer: Mapping[str, Any], header: Sequence[str], cells: Sequence[Sequence[str]]) -> bytes:
    r"""A ``tabular`` with the rules of booktabs; the first comment says where it was measured."""
    from rgaviz.tables import tabular

    comments = [f"{TEX}; needs \\usepackage{{booktabs}}", f"% {described(answer)}"]
    return "\n".join([*comments, *tabular(header, cells), ""]).encode()


def described(answer: Mapping[str, Any]) -> str:
    """Where and how it was measured, in one line."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in answer["machine"].items())


Draw = Callable[["FigureOptions"], Any]


def cost_figure(answer: Mapping[str, Any], against: str, options: FigureOptions) -> Any:
    """Accuracy against cost."""
    from rgaviz.figures.cost import draw_cost

    key, unit, label = COSTS[against]
    rows = [
        {
            "label": row["attention"],
            "cost": row[key] / unit,
            "error": row["test_error"],
            "spread": row["test_error_std"],
        }
        for row in answer["rows"]
        if "test_error" in row
    ]
    return draw_cost(rows, options, label)


def growth_figure(answer: Mapping[str, Any], options: FigureOptions) -> Any:
    """Time and memory against N or C."""
    from rgaviz.figures.scaling import draw_scaling

    axis = answer["machine"]["scale_with"]
    curves = []
    for name, exponents in answer["exponents"].items():
        own = [row for row in answer["rows"] if row["attention"] == name]
        curves.append(
            {
                "label": name,
                "x": [row[axis] for row in own],
                **{key: [row[key] for row in own] for key in exponents},
                "quartiles": [[row[f"latency_{quartile}_ms"] for row in own] for quartile in ("q1", "q3")],
                "exponents": tuple(exponents.values()),
                "direct": name.endswith("(direct)"),
            }
        )
    return draw_scaling(curves, options, axis)


def write(stem: Path, tables: Tables, draw: Draw | None, options: FigureOptions) -> list[Path]:
    """Write the figure, if there is one, and the tables."""
    from rgaviz.atomic import atomic_write
    from rgaviz.figures.style import save_figure

    paths = save_figure(draw(options), stem, options) if draw else []
    for suffix, content in tables.items():
        path = stem.with_name(f"{stem.name}.{suffix}")
        atomic_write(path, content)
        paths.append(path)
    return paths


def show(answer: Mapping[str, Any], paths: Sequence[Path]) -> None:
    """The rows for people."""
    from rich.console import Console

    console, table = Console(), growth_table(answer) if "exponents" in answer else network_table(answer)
    # A line too long for the terminal goes on in the next one: a figure that is cut off is worse.
    console.width = max(console.width, Console(width=WIDEST).measure(table).maximum)
    console.print(table)
    console.print(described(answer), highlight=False, soft_wrap=True)
    for path in paths:
        print(path)


def network_table(answer: Mapping[str, Any]) -> Any:
    """A line per network; behind each figure how many times the baseline's it is. Times are of one batch."""
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

"""How the cost of attention modules grows with the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.analysis.tables import OPENINGS, Rows, Tables, csv_table, number, tex_table, write_figure
from rgaviz.errors import RgavizError, lookup
from rgaviz.outputs import claim, output_place
from rgaviz.progress import Say, Track, hush, silent

if TYPE_CHECKING:
    from rgaviz.figures.style import FigureOptions
    from rgaviz.profiling.growth import Point
    from rgaviz.profiling.measure import Settings


AXES = {"N": "positions of the map", "C": "its channels"}


def growth(
    attentions: Sequence[str],
    axis: str = "N",
    out: Path | None = None,
    options: FigureOptions | None = None,
    *,
    channels: int = 64,
    batch_size: int = 1,
    train: bool = False,
    precision: str = "fp32",
    repeats: int = 11,
    device: str = "auto",
    track: Track = silent,
    say: Say = hush,
    command_line: str = "",
) -> dict[str, Any]:
    """Measure how the cost of attention modules grows with the map, write the tables and draw the figure.

    Args:
        attentions: keys of ``ATTENTIONS``; ``none``, which does nothing, is left out.
        axis: what grows: ``N``, positions, or ``C``, channels.
        out: a figure or a folder; by default ``./rgaviz-growth/``.
        options: how the figure shall look.
        channels: of the maps where N grows.
        batch_size: maps in a batch.
        device: auto, cpu, cuda or mps.
        precision: fp32, bf16 or auto.
        train: measure a training step, not inference.
        repeats: timed rounds.
        track: wraps the loop over the sizes, for a progress bar.
        say: told where a curve ends early.
        command_line: recorded in the results.

    Returns:
        ``machine``, ``rows`` (one per module and size), ``exponents``, ``notes`` and ``files``, as plain data.

    Raises:
        RgavizError: unknown names, too few channels, or a place that cannot be written.
    """
    from rgaviz.attention import check_attentions
    from rgaviz.figures.style import FigureOptions
    from rgaviz.profiling.measure import choose_settings

    check_attentions(attentions)
    settings = choose_settings(device, precision, repeats, train=train)
    options = options or FigureOptions()
    lookup(AXES, axis, "size to grow")
    output = output_place(out, "growth")
    claim(output, options.formats, tables=OPENINGS)
    answer = measure(attentions, axis, channels, batch_size, settings, track=track, say=say)
    head = {"command": "growth", "command_line": command_line, "texts": {"axis": axis}}
    paths = write_figure(output, head, growth_numbers(answer), options, growth_tables(answer))
    return {**answer, "files": [str(path) for path in paths]}


def measure(
    names: Sequence[str],
    axis: str,
    channels: int,
    batch_size: int,
    settings: Settings,
    *,
    track: Track = silent,
    say: Say = hush,
) -> dict[str, Any]:
    """Everything about growing maps: the machine, a row per module and size, the exponents, what was left out."""
    from rgaviz.profiling.growth import exponent, growing, measure_growth, sizes
    from rgaviz.profiling.measure import machine, parameters

    grown = [name for name in names if name != "none"]  # which does nothing
    if not grown:
        raise RgavizError(
            "Growth is that of attentions alone, and none has no cost; name one with --attention."
        )
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
    return {"csv": csv_table(answer), "tex": tex_table("growth", answer, header, cells)}


def growth_numbers(answer: Mapping[str, Any]) -> dict[str, Rows]:
    """What the figure is drawn from: the points, and the exponents of each curve."""
    axis = answer["machine"]["scale_with"]
    figures = ("latency_ms", "latency_q1_ms", "latency_q3_ms", "memory_mib")
    points = [[row["attention"], row[axis], *(row[key] for key in figures)] for row in answer["rows"]]
    keys = ("latency_ms", "memory_mib")
    exponents = [[name, *(found[key] for key in keys)] for name, found in answer["exponents"].items()]
    return {
        "growth": [["attention", "x", *figures], *points],
        "exponents": [["attention", *keys], *exponents],
    }

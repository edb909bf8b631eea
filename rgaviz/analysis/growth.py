"""How the cost of attention modules grows with the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.analysis.tables import OPENINGS, Costs, Rows, Tables, csv_table, number, tex_table, write_figure
from rgaviz.errors import RgavizError, lookup
from rgaviz.outputs import claim, output_place, with_suffix
from rgaviz.progress import Say, Track, hush, silent

if TYPE_CHECKING:
    from rgaviz.profiling.growth import Point
    from rgaviz.profiling.measure import Settings


AXES = {"N": "positions of the map", "C": "its channels"}


@dataclass(frozen=True, kw_only=True)
class Growth(Costs):
    """What came of measuring growing maps, a row for each module and size.

    Attributes:
        exponents: module -> p of the cost x^p, of ``latency_ms`` and ``memory_mib``.
    """

    exponents: dict[str, dict[str, float | None]]


def growth(
    attentions: Sequence[str],
    axis: str = "N",
    out: Path | str | None = None,
    *,
    channels: int = 64,
    batch_size: int = 1,
    train: bool = False,
    precision: str = "fp32",
    repeats: int = 11,
    device: str = "auto",
    figure: Mapping[str, Any] | None = None,
    command_line: str = "",
    track: Track = silent,
    say: Say = hush,
) -> Growth:
    """Measure how the cost of attention modules grows with the map, as ``rgaviz growth`` does: tables and a figure.

    Args:
        attentions: keys of ``ATTENTIONS``; ``none``, which does nothing, is left out.
        axis: what grows: ``N``, positions, or ``C``, channels.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-growth/``.
        channels: of the maps where N grows.
        batch_size: maps in a batch.
        train: measure a training step, not inference.
        precision: ``fp32``, ``bf16`` or ``auto``.
        repeats: timed rounds.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        figure: fields of :class:`rgaviz.figures.style.FigureOptions` that shall not be the default.
        command_line: recorded in the results.
        track: shows a progress bar.
        say: is told where a curve ends early.

    Raises:
        RgavizError: unknown names, impossible numbers, too few channels, or a place that cannot be written.
    """
    from rgaviz.attention import check_attentions
    from rgaviz.figures.style import options_of
    from rgaviz.profiling.measure import check_batch, choose_settings

    check_attentions(attentions)
    check_batch(batch_size)
    settings = choose_settings(device, precision, repeats, train=train)
    options = options_of(with_suffix(figure or {}, out))
    lookup(AXES, axis, "size to grow")
    output = output_place(out, "growth")
    claim(output, options.formats, tables=OPENINGS)
    answer = measure(attentions, axis, channels, batch_size, settings, track=track, say=say)
    head = {"command": "growth", "command_line": command_line, "texts": {"axis": axis}}
    paths = write_figure(output, head, growth_numbers(answer), options, growth_tables(answer))
    return replace(answer, files=paths)


def measure(
    names: Sequence[str],
    axis: str,
    channels: int,
    batch_size: int,
    settings: Settings,
    *,
    track: Track = silent,
    say: Say = hush,
) -> Growth:
    """Everything about growing maps but the files."""
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
    return Growth(machine=where, rows=rows, exponents=exponents, notes=notes)


def growth_row(point: Point) -> dict[str, Any]:
    """A point as plain numbers."""
    height, width = point.size
    sizes = {"N": height * width, "height": height, "width": width, "C": point.channels}
    return {"attention": point.name, **sizes, **point.cost.row()}


def growth_tables(answer: Growth) -> Tables:
    """The rows as CSV; times by size and exponents as LaTeX."""
    axis, rows = answer.machine["scale_with"], answer.rows
    sizes = sorted({row[axis] for row in rows})
    header = [
        f"ms at ${axis} =$",
        *map(str, sizes),
        f"time ${axis}^p$, $p$",
        f"memory ${axis}^p$, $p$",
    ]
    cells = []
    for name, exponents in answer.exponents.items():
        times = {row[axis]: row["latency_ms"] for row in rows if row["attention"] == name}
        line = [name, *(number(times.get(size), digits=3) for size in sizes)]
        cells.append([*line, *(number(value, 2) for value in exponents.values())])
    return {"csv": csv_table(answer), "tex": tex_table("growth", answer, header, cells)}


def growth_numbers(answer: Growth) -> dict[str, Rows]:
    """What the figure is drawn from: the points, and the exponents of each curve."""
    axis = answer.machine["scale_with"]
    figures = ("latency_ms", "latency_q1_ms", "latency_q3_ms", "memory_mib")
    points = [[row["attention"], row[axis], *(row[key] for key in figures)] for row in answer.rows]
    keys = ("latency_ms", "memory_mib")
    exponents = [[name, *(found[key] for key in keys)] for name, found in answer.exponents.items()]
    return {
        "growth": [["attention", "x", *figures], *points],
        "exponents": [["attention", *keys], *exponents],
    }

"""How the cost of attention modules grows with the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rgaviz.analysis.tables import Tables, csv_table, number, tex_table
from rgaviz.errors import RgavizError
from rgaviz.progress import Say, Track, hush, silent

if TYPE_CHECKING:
    from rgaviz.figures.style import FigureOptions
    from rgaviz.profiling.growth import Point
    from rgaviz.profiling.measure import Settings


def growth(
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


def growth_figure(answer: Mapping[str, Any], options: FigureOptions) -> Any:
    """Time and memory against N or C."""
    from rgaviz.figures.growth import draw_scaling

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

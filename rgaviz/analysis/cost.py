"""What attention costs a whole network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.analysis.tables import (
    OPENINGS,
    Costs,
    Rows,
    Tables,
    csv_table,
    error_text,
    number,
    tex_table,
    write_figure,
    write_tables,
)
from rgaviz.errors import OutputError, RgavizError, lookup
from rgaviz.outputs import claim, names_figure, output_place, with_suffix
from rgaviz.progress import Say, Track, hush, silent

if TYPE_CHECKING:
    from rgaviz.profiling.measure import Settings
    from rgaviz.runs.read import Row

# What the cost may be in the figure: key of a row, divisor, label.
COSTS = {
    "parameters": ("parameters", 1e6, "parameters (millions)"),
    "macs": ("macs", 1e9, "GMACs per image"),
    "latency": ("latency_ms", 1.0, "latency (ms per batch)"),
    "memory": ("memory_mib", 1.0, "peak memory (MiB)"),
}
RELATIVE = {key: f"{key.rpartition('_')[0] or key}_ratio" for key, *_ in COSTS.values()}


def profile(
    arch: str,
    attentions: Sequence[str],
    out: Path | str | None = None,
    *,
    image_size: tuple[int, int] = (256, 128),
    num_classes: int = 10,
    attention_layers: str | None = None,
    batch_size: int = 8,
    train: bool = False,
    precision: str = "fp32",
    repeats: int = 11,
    device: str = "auto",
    runs: Sequence[Path | str] = (),
    against: str = "macs",
    figure: Mapping[str, Any] | None = None,
    command_line: str = "",
    track: Track = silent,
    say: Say = hush,
) -> Costs:
    """Measure what attention costs a network, as ``rgaviz profile`` does: tables, and with ``runs`` a figure.

    Args:
        arch: a key of ``MODELS``.
        attentions: keys of ``ATTENTIONS``; the first is the baseline of the ratios.
        out: a folder, or with ``runs`` a figure; by default ``./rgaviz-profile/``.
        image_size: (height, width).
        num_classes: outputs of the network.
        attention_layers: stages that get the attention, with commas.
        batch_size: images in a batch.
        train: measure a training step, not inference.
        precision: ``fp32``, ``bf16`` or ``auto``.
        repeats: timed rounds.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        runs: folders of finished trainings of these networks, or checkpoints.
        against: the cost in the figure, a key of :data:`COSTS`.
        figure: fields of :class:`rgaviz.figures.style.FigureOptions` that shall not be the default.
        command_line: recorded in the results.
        track: shows a progress bar.
        say: is told what was left out.

    Returns:
        A row for each attention.

    Raises:
        RgavizError: unknown names, impossible numbers, runs of other networks, or a place that cannot be written.
    """
    from rgaviz.attention import check_attentions
    from rgaviz.figures.style import FigureOptions
    from rgaviz.profiling.measure import check_batch, choose_settings

    check_attentions(attentions)
    check_batch(batch_size)
    settings = choose_settings(device, precision, repeats, train=train)
    options = FigureOptions(**with_suffix(figure or {}, out))
    if names_figure(out) and not runs:
        raise OutputError(f"{out} names a figure, which needs --runs; name a folder with -o.")
    output = output_place(out, "profile")
    claim(output, options.formats if runs else (), tables=OPENINGS)
    cost = lookup(COSTS, against, "cost")
    builds = network_builds(arch, attentions, image_size, num_classes, attention_layers)
    folders = [Path(each) for each in runs]
    answer = networks(
        arch, builds, (batch_size, 3, *image_size), settings, folders, cost, track=track, say=say
    )
    more = {"num_classes": num_classes, "attention_layers": attention_layers or "default"}
    answer = replace(answer, machine={**answer.machine, **more})
    tables = network_tables(answer)
    if runs:
        head = {"command": "profile", "command_line": command_line, "texts": {"cost": cost[2]}}
        paths = write_figure(output, head, {"cost": cost_rows(answer, cost)}, options, tables)
    else:
        paths = write_tables(output, tables)
    return replace(answer, files=paths)


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
    *,
    track: Track = silent,
    say: Say = hush,
) -> Costs:
    """Everything about whole networks but the files: a row per attention."""
    from rgaviz.profiling.measure import machine, measure, parameters

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
    return Costs(machine=where, rows=rows, notes=notes)


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
    from rgaviz.runs.read import read_runs

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
    datasets = {name for row in ours.values() for name in row.values}
    if len(datasets) > 1:
        raise RgavizError(
            f"--runs holds trainings on {' and '.join(sorted(datasets))}; name the folders of one."
        )
    missing = [name for name in learned if name not in ours]
    notes += [f"no run of {name}; it is not in the figure." for name in missing]
    return {name: _error(row, learned[name]) for name, row in ours.items()}, notes


def _error(row: Row, learned: int) -> dict[str, Any]:
    """Mean and deviation of a row of one data set; the network must be the one that is measured."""
    from rgaviz.runs.read import mean_and_std

    ((dataset, errors),) = row.values.items()
    if row.parameters[dataset] != learned:
        raise RgavizError(
            f"The {row.arch} with {row.attention} of --runs has {row.parameters[dataset]:,} parameters, the measured "
            f"one {learned:,}; give the --image-size, --num-classes and --attention-layers of the runs."
        )
    mean, std = mean_and_std(errors)
    return {"test_error": mean, "test_error_std": std, "seeds": len(errors)}


def network_tables(answer: Costs) -> Tables:
    """The rows as CSV and LaTeX."""
    measured = any("test_error" in row for row in answer.rows)
    header = ["Attention", "Params (M)", "GMACs", "Latency (ms)", r"$\times$", "Memory (MiB)", r"$\times$"]
    header += [r"Error (\%)"] if measured else []
    cells = []
    for row in answer.rows:
        line = [row["attention"], f"{row['parameters'] / 1e6:.2f}", f"{row['macs'] / 1e9:.3g}"]
        line += [number(row["latency_ms"]), number(row["latency_ratio"], 2)]
        line += [number(row["memory_mib"]), number(row["memory_ratio"], 2)]
        cells.append([*line, error_text(row, r"$\pm$")] if measured else line)
    return {"csv": csv_table(answer), "tex": tex_table("profile", answer, header, cells)}


def cost_rows(answer: Costs, cost: tuple[str, float, str]) -> Rows:
    """What the figure is drawn from: a row per network with a known error, below the header."""
    key, unit, _ = cost
    rows = [
        [row["attention"], row[key] / unit, row["test_error"], row["test_error_std"]]
        for row in answer.rows
        if "test_error" in row
    ]
    return [["label", "cost", "error", "spread"], *rows]

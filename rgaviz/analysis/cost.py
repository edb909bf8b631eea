"""What attention costs a whole network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.analysis.tables import (
    OPENINGS,
    Costs,
    Rows,
    Tables,
    csv_table,
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
    from rgaviz.tasks import Measure

# What the cost may be in the figure: key of a row, divisor, label.
COSTS = {
    "parameters": ("parameters", 1e6, "parameters (millions)"),
    "macs": ("macs", 1e9, "GMACs per image"),
    "latency": ("latency_ms", 1.0, "latency (ms per batch)"),
    "memory": ("memory_mib", 1.0, "peak memory (MiB)"),
}
RELATIVE = {key: f"{key.rpartition('_')[0] or key}_ratio" for key, *_ in COSTS.values()}


@dataclass(frozen=True, kw_only=True)
class Profile(Costs):
    """What came of measuring networks, a row for each.

    Attributes:
        measure: what finished trainings tell of the networks, by ``keys`` in a row; None without them.
    """

    measure: Measure | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {key: value for key, value in super().to_dict().items() if key != "measure"}

    def measured(self, row: Mapping[str, Any], sign: str) -> str:
        """Mean and deviation over seeds in a row, as far as there are."""
        if self.measure is None or keys(self.measure)[0] not in row:
            return "--"
        values = (row[key] for key in keys(self.measure))
        return f" {sign} ".join(self.measure.number(value) for value in values if value is not None)


def keys(measure: Measure) -> tuple[str, str]:
    """What mean and deviation over seeds are called in a row."""
    return f"test_{measure.key}", f"test_{measure.key}_std"


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
) -> Profile:
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
    from rgaviz.figures.style import options_of
    from rgaviz.profiling.measure import check_batch, choose_settings

    check_attentions(attentions)
    check_batch(batch_size)
    settings = choose_settings(device, precision, repeats, train=train)
    options = options_of(with_suffix(figure or {}, out))
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
        numbers, texts = cost_figure(answer, cost)
        head = {"command": "profile", "command_line": command_line, "texts": texts}
        paths = write_figure(output, head, numbers, options, tables)
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
) -> Profile:
    """Everything about whole networks but the files: a row per attention."""
    from rgaviz.profiling.measure import machine, measure, parameters

    learned = {name: parameters(build) for name, build in builds.items()}  # all can be built
    found, notes = rows_of_runs(runs, arch, learned) if runs else ({}, [])
    for note in notes:
        say(f"Note: {note}")
    if found and cost[0] == "memory_mib" and settings.device.type not in ("cpu", "cuda"):
        raise RgavizError(f"Memory is not measured on {settings.device.type}; choose another --against.")
    costs = measure(builds, shape, settings, track)
    values = {name: _values(row) for name, row in found.items()}
    rows = [{"attention": name, **each.row(), **values.get(name, {})} for name, each in costs.items()]
    for row in rows:
        row |= {RELATIVE[key]: ratio(row[key], rows[0][key]) for key in RELATIVE}
    batch, _, height, width = shape
    where = {**machine(settings), "arch": arch, "image_size": f"{height}x{width}", "batch_size": batch}
    measure_of_runs = next((row.measure for row in found.values()), None)
    return Profile(machine=where, rows=rows, notes=notes, measure=measure_of_runs)


def ratio(value: float | None, baseline: float | None) -> float | None:
    """How many times the baseline; None where either is unknown."""
    return value / baseline if value is not None and baseline else None


def rows_of_runs(
    runs: Sequence[Path], arch: str, learned: Mapping[str, int]
) -> tuple[dict[str, Row], list[str]]:
    """What folders of runs tell of each measured network, and what was left out.

    Args:
        runs: folders or checkpoints.
        arch: the measured network's.
        learned: its parameters with each attention.

    Returns:
        attention -> row, all of one data set and with one measure.

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
    titles = dict.fromkeys(row.measure.title for row in ours.values())
    if len(titles) > 1:
        raise RgavizError(
            f"--runs holds networks measured by their {' and '.join(titles)}; name the folders of one task."
        )
    for name, row in ours.items():
        (dataset,) = row.values
        if row.parameters[dataset] != learned[name]:
            raise RgavizError(
                f"The {arch} with {name} of --runs has {row.parameters[dataset]:,} parameters, the measured one "
                f"{learned[name]:,}; give the --image-size, --num-classes and --attention-layers of the runs."
            )
    missing = [name for name in learned if name not in ours]
    notes += [f"no run of {name}; it is not in the figure." for name in missing]
    return ours, notes


def _values(row: Row) -> dict[str, Any]:
    """Mean, deviation and number of seeds of a row of one data set."""
    from rgaviz.runs.read import mean_and_std

    (by_seed,) = row.values.values()
    return {**dict(zip(keys(row.measure), mean_and_std(by_seed), strict=True)), "seeds": len(by_seed)}


def network_tables(answer: Profile) -> Tables:
    """The rows as CSV and LaTeX."""
    from rgaviz.runs.table import tex

    header = ["Attention", "Params (M)", "GMACs", "Latency (ms)", r"$\times$", "Memory (MiB)", r"$\times$"]
    if answer.measure:
        label = answer.measure.label
        header.append(tex(label[:1].upper() + label[1:]))
    cells = []
    for row in answer.rows:
        line = [row["attention"], f"{row['parameters'] / 1e6:.2f}", f"{row['macs'] / 1e9:.3g}"]
        line += [number(row["latency_ms"]), number(row["latency_ratio"], 2)]
        line += [number(row["memory_mib"]), number(row["memory_ratio"], 2)]
        cells.append([*line, answer.measured(row, r"$\pm$")] if answer.measure else line)
    return {"csv": csv_table(answer), "tex": tex_table("profile", answer, header, cells)}


def cost_figure(answer: Profile, cost: tuple[str, float, str]) -> tuple[dict[str, Rows], dict[str, str]]:
    """What the figure is drawn from, a row per network with a known value below the header, and its texts."""
    key, unit, label = cost
    measure = answer.measure
    if measure is None:
        raise RgavizError("There is nothing to draw against the cost; give folders of trainings with --runs.")
    mean, spread = keys(measure)
    rows = [[row["attention"], row[key] / unit, row[mean], row[spread]] for row in answer.rows if mean in row]
    texts = {"cost": label, "value": f"test {measure.label}"}
    texts["title"] = f"{measure.wanted or measure.title} against cost"
    return {"cost": [["label", "cost", "value", "spread"], *rows]}, texts

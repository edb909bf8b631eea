"""Tables of a paper from finished runs: a row per network, a column per data set, means over seeds."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rgaviz.checkpoint import RESUME_SUFFIX, Checkpoint, load_checkpoint
from rgaviz.errors import CheckpointError, RgavizError, lookup
from rgaviz.models import count_parameters

# Settings that do not change what a network learns, or that are a row's own; "auto" precision is told by what it was.
SAME_RESULT = ("model.attention", "model.memory_efficient", "train.compile", "train.precision")
Key = tuple[str, str, str]  # arch, attention, settings
DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
FAMILIES = {"resnet": "ResNet", "densenet-bc": "DenseNet-BC", "densenet": "DenseNet"}  # the longer name first
ATTENTIONS = {
    "none": "",
    "rga-parallel": "RGA-S//C",
    "rga-s-norel": "RGA-S w/o Rel.",
    "rga-s-novis": "RGA-S w/o Vis.",
    "rga-c-norel": "RGA-C w/o Rel.",
    "rga-c-novis": "RGA-C w/o Vis.",
    "fc-parallel": "FC-S//C",
    "nl": "Non-local",
    "nl+rga-s": "Non-local + RGA-S",
}
RGA_LAYERS = 4  # embedding, varphi, W1, W2: how Table 7 counts the depth of a network with RGA-SC

# Error (%) by (arch, attention) and data set, arXiv 1904.02998v1.
PAPERS: dict[str, dict[tuple[str, str], dict[str, float]]] = {
    "table7": {
        ("resnet110", "none"): {"cifar10": 6.40, "cifar100": 27.62},
        ("resnet218", "none"): {"cifar10": 6.26, "cifar100": 25.71},
        ("resnet110", "rga-sc"): {"cifar10": 5.91, "cifar100": 25.36},
        ("densenet100", "none"): {"cifar10": 4.08, "cifar100": 20.97},
        ("densenet115", "none"): {"cifar10": 3.93, "cifar100": 20.5},
        ("densenet100", "rga-sc"): {"cifar10": 4.06, "cifar100": 20.15},
        ("densenet-bc100", "none"): {"cifar10": 4.47, "cifar100": 22.78},
        ("densenet-bc115", "none"): {"cifar10": 4.41, "cifar100": 22.13},
        ("densenet-bc100", "rga-sc"): {"cifar10": 4.32, "cifar100": 21.18},
    }
}


@dataclass
class Row:
    """One network of a table: everything but the seed and the data set is the same.

    Attributes:
        arch: of the backbone.
        attention: a key of ``rgaviz.attention.ATTENTIONS``.
        epochs: of the training.
        parameters: learned values, by data set.
        errors: test error (%) after the last epoch, by data set and seed.
        setting: what sets it apart from a row of the same name, e.g. ``"train.lr=0.1"``.
    """

    arch: str
    attention: str
    epochs: int
    parameters: dict[str, int] = field(default_factory=dict)
    errors: dict[str, dict[int, float]] = field(default_factory=dict)
    setting: str = ""

    @property
    def family(self) -> str:
        """The backbone without its depth, as a title."""
        before, _, after = self._parts
        title = next((title for name, title in FAMILIES.items() if before.startswith(name)), before)
        return f"{title}{after}"

    @property
    def depth(self) -> str:
        """Layers of the backbone, and those of RGA-SC as Table 7 counts them."""
        number = self._parts[1]
        return f"{number}+{RGA_LAYERS}" if number and self.attention == "rga-sc" else number

    @property
    def _parts(self) -> tuple[str, str, str]:
        """``"densenet-bc100"`` -> ``("densenet-bc", "100", "")``."""
        found = re.match(r"(.*?)(\d+)(.*)$", self.arch)
        return (found[1], found[2], found[3]) if found else (self.arch, "", "")

    @property
    def model(self) -> str:
        """Name of the network."""
        attention = ATTENTIONS.get(self.attention, self.attention.upper())
        name = f"{self.family} + {attention}" if attention else self.family
        return f"{name} ({self.setting})" if self.setting else name


def read_runs(paths: Sequence[Path]) -> tuple[list[Row], list[str]]:
    """Rows from checkpoints and folders of them, and a line for everything that was left out.

    Args:
        paths: checkpoints, or folders that are searched to any depth.

    Raises:
        RgavizError: nothing finished was found, or one seed twice in one cell.
    """
    notes: list[str] = []
    rows: dict[Key, Row] = {}
    settings: dict[Key, dict[str, Any]] = {}
    found: dict[tuple[Key, str, int], tuple[Path | str | None, str]] = {}  # cell -> path and hash
    for checkpoint in _finished(paths, notes):
        config, dataset = checkpoint.config, checkpoint.training["dataset"]
        setting = _setting(checkpoint)
        key = config["arch"], config["attention"], json.dumps(setting, sort_keys=True, default=str)
        cell = (key, dataset, checkpoint.seed)
        path, digest = found.setdefault(cell, (checkpoint.path, checkpoint.sha256))
        if digest != checkpoint.sha256:
            raise RgavizError(
                f"{path} and {checkpoint.path} are the same network with the same seed; name one of them."
            )
        settings[key] = setting
        row = rows.setdefault(key, Row(config["arch"], config["attention"], len(checkpoint.history)))
        row.parameters[dataset] = count_parameters(checkpoint.model)
        row.errors.setdefault(dataset, {})[checkpoint.seed] = checkpoint.history[-1]["test_error"]
    if not rows:
        more = f" {notes[0]}" if notes else ""
        raise RgavizError(
            f"No finished network in {', '.join(map(str, paths))}.{more} Train some: rgaviz sweep"
        )
    _tell_apart(rows, settings)
    return sorted(rows.values(), key=_order), notes


def _order(row: Row) -> tuple[Any, ...]:
    """Families together, shallow before deep, the baseline first."""
    parts = row._parts
    return (parts[0], parts[2], int(parts[1] or 0), row.attention != "none", row.attention, row.setting)


def _finished(paths: Sequence[Path], notes: list[str]) -> Iterator[Checkpoint]:
    """The checkpoints of finished trainings; a note for every other one."""
    for path in paths:
        if not path.exists():
            raise RgavizError(f"{path} does not exist. Name a folder of runs: rgaviz table runs/sweep")
        inside = path.is_dir()
        for file in sorted(path.rglob("*.pt")) if inside else [path]:
            whole = file.with_name(f"{file.name.removesuffix(RESUME_SUFFIX).removesuffix('.pt')}.pt")
            state = whole.with_name(f"{whole.stem}{RESUME_SUFFIX}")
            if state.exists():
                notes += [f"{whole} is not finished; left out."] if file == state or not inside else []
                continue
            try:
                checkpoint = load_checkpoint(file)
            except CheckpointError as error:
                if not inside:
                    raise
                notes.append(f"{error} Left out.")
                continue
            if _is_run(checkpoint):
                yield checkpoint
            else:
                notes.append(f"{file} was not written by rgaviz train; left out.")


def _is_run(checkpoint: Checkpoint) -> bool:
    """Whether the file tells what was trained and how wrong it is; a stranger's may hold anything there."""
    training, history = checkpoint.training, checkpoint.history
    recipe = training.get("recipe")
    if not (history and isinstance(history[-1], dict) and isinstance(recipe, dict)):
        return False
    error = history[-1].get("test_error")
    return (
        isinstance(error, int | float)
        and math.isfinite(error)
        and isinstance(training.get("dataset"), str)
        and all(isinstance(values, dict) for values in recipe.values())
    )


def _setting(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that must be the same for two seeds to be averaged, and for two data sets to share a row."""
    training = checkpoint.training
    recipe = {
        f"{table}.{key}": value
        for table, values in training["recipe"].items()
        for key, value in values.items()
        if value is not None  # the architecture's default, as a key that an older version did not have
    }
    more = {"source": training.get("source"), "precision": training.get("precision")}
    if training["dataset"] == "folder":
        more["classes"] = ", ".join(checkpoint.classes)  # anyone's folder is called so
    return {key: value for key, value in (recipe | more).items() if key not in SAME_RESULT}


def _tell_apart(rows: Mapping[Key, Row], settings: Mapping[Key, dict[str, Any]]) -> None:
    """Name in each row the settings in which it differs from others of the same network."""
    for key, row in rows.items():
        alike = [settings[other] for other in rows if other[:2] == key[:2]]
        names = {name for each in alike for name in each if any(each[name] != o.get(name) for o in alike)}
        names -= {"train.epochs"}  # a column of its own
        row.setting = ", ".join(f"{name}={_short(settings[key].get(name))}" for name in sorted(names))


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def paper_table(name: str) -> dict[tuple[str, str], dict[str, float]]:
    """The figures of a paper's table.

    Raises:
        UnknownNameError: no such table.
    """
    return lookup(PAPERS, name, "paper table")


Table = tuple[list[str], list[list[str]], set[tuple[int, int]]]  # header, cells, cells to print in bold


def _columns(rows: Sequence[Row], reported: Mapping[tuple[str, str], Mapping[str, float]]) -> dict[str, bool]:
    """The data sets of a table, and whether the paper has a figure of one of these networks for it."""
    names = sorted({name for row in rows for name in row.errors}, key=lambda name: (len(name), name))
    return {name: any(name in reported.get((row.arch, row.attention), {}) for row in rows) for name in names}


def lay_out(rows: Sequence[Row], paper: str | None = None) -> Table:
    """Cells of the table; the least error of each family and data set is to be bold.

    Args:
        rows: from :func:`read_runs`.
        paper: a key of ``PAPERS`` whose figures stand beside ours.
    """
    reported = paper_table(paper) if paper else {}
    columns = _columns(rows, reported)
    header = ["Model", "Depth", "Params", "Epochs", "Seeds"]
    for name, beside in columns.items():
        title = DATASETS.get(name, name)
        header += [f"{title} error (%)", *([f"{title}, paper"] if beside else [])]
    cells, bold = [], set()
    for number, row in enumerate(rows):
        line = [row.model, row.depth, _parameters(row), str(row.epochs), _seeds(row)]
        for name, beside in columns.items():
            if name in row.errors and _is_best(row, rows, name):
                bold.add((number, len(line)))
            line.append(_error(row.errors.get(name)))
            if beside:
                value = reported.get((row.arch, row.attention), {}).get(name)
                line.append("" if value is None else f"{value:.2f}")
        cells.append(line)
    return header, cells, bold


def _is_best(row: Row, rows: Sequence[Row], dataset: str) -> bool:
    """Whether no other of its family has a smaller mean, as printed; alone in its family nothing is best."""
    family = [each for each in rows if each.family == row.family and dataset in each.errors]
    means = [round(statistics.mean(each.errors[dataset].values()), 2) for each in family]
    return len(family) > 1 and round(statistics.mean(row.errors[dataset].values()), 2) == min(means)


def _error(errors: Mapping[int, float] | None) -> str:
    """Mean and sample standard deviation; of one seed the value alone."""
    mean, std = mean_and_std(errors or {})
    return "" if mean is None else f"{mean:.2f}" if std is None else f"{mean:.2f} ± {std:.2f}"


def _parameters(row: Row) -> str:
    """In millions; more than one where the number of classes shows."""
    counts = (count / 1e6 for _, count in sorted(row.parameters.items()))
    shown = dict.fromkeys(f"{count:.2f}M" if count >= 1 else f"{count:.3f}M" for count in counts)
    return " / ".join(shown)


def _seeds(row: Row) -> str:
    counts = sorted({len(errors) for errors in row.errors.values()})
    return "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


CAPTION = (
    "Test error (%) after the last epoch, mean ± standard deviation over seeds; "
    "the least error of each kind of network in bold."
)


def markdown(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a Markdown table."""
    header, cells, bold = lay_out(rows, paper)
    lines = [header, ["---"] * len(header), *_marked(cells, bold, "**{}**")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{CAPTION}\n"


def latex(rows: Sequence[Row], paper: str | None = None) -> str:
    """As a LaTeX ``table`` with the rules of booktabs."""
    header, cells, bold = lay_out(rows, paper)
    escaped = [[_tex(cell) for cell in line] for line in cells]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(CAPTION)}}}",
            *tabular([_tex(name) for name in header], _marked(escaped, bold, r"\textbf{{{}}}")),
            r"\end{table}",
            "",
        ]
    )


def tabular(header: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a LaTeX ``tabular`` with the rules of booktabs; the cells are TeX already."""
    return [
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"\toprule",
        " & ".join(header) + r" \\",
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in cells),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def comma_separated(rows: Sequence[Row], paper: str | None = None) -> str:
    """As CSV: numbers as they are, mean and standard deviation in columns of their own."""
    reported = paper_table(paper) if paper else {}
    columns = _columns(rows, reported)
    header = ["model", "depth", "epochs"]
    for name, beside in columns.items():
        header += [f"{name}_{what}" for what in ("parameters", "seeds", "error_mean", "error_std")]
        header += [f"{name}_paper"] if beside else []
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        line: list[Any] = [row.model, row.depth, row.epochs]
        for name, beside in columns.items():
            mean, std = mean_and_std(row.errors.get(name, {}))
            line += [row.parameters.get(name), len(row.errors.get(name, {})), mean, std]
            line += [reported.get((row.arch, row.attention), {}).get(name)] if beside else []
        writer.writerow(line)
    return text.getvalue()


def as_json(rows: Sequence[Row], paper: str | None = None) -> str:
    """As JSON, with the error of every seed."""
    reported = paper_table(paper) if paper else None
    return json.dumps([_plain(row, reported) for row in rows], indent=1) + "\n"


def _plain(row: Row, reported: Mapping[tuple[str, str], Mapping[str, float]] | None) -> dict[str, Any]:
    errors = {}
    for name, values in row.errors.items():
        mean, std = mean_and_std(values)
        seeds = {str(seed): error for seed, error in sorted(values.items())}
        errors[name] = {"mean": mean, "std": std, "by_seed": seeds}
    return {
        "model": row.model,
        "arch": row.arch,
        "attention": row.attention,
        "depth": row.depth,
        "epochs": row.epochs,
        "parameters": row.parameters,
        "error": errors,
        **({} if reported is None else {"paper": dict(reported.get((row.arch, row.attention), {}))}),
    }


def mean_and_std(errors: Mapping[int, float]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation over seeds, None where there are too few."""
    values = list(errors.values())
    return (
        statistics.mean(values) if values else None,
        statistics.stdev(values) if len(values) > 1 else None,
    )


FORMATS = {"markdown": markdown, "latex": latex, "csv": comma_separated, "json": as_json}
# How a file of each format begins: what begins otherwise was not written here.
OPENINGS = {"markdown": "| Model |", "latex": "% needs", "csv": "model,depth", "json": "["}


def _marked(cells: Sequence[Sequence[str]], bold: set[tuple[int, int]], mark: str) -> list[list[str]]:
    return [
        [mark.format(cell) if (number, column) in bold else cell for column, cell in enumerate(line)]
        for number, line in enumerate(cells)
    ]


def _tex(text: str) -> str:
    """Text with TeX's special characters escaped."""
    for sign in "&%_#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("±", r"$\pm$").replace("–", "--")

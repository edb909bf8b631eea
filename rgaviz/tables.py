"""Tables of a paper from finished runs: a row per network, a column per data set, means over seeds."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rgaviz.checkpoint import Checkpoint, load_checkpoint
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import count_parameters

RESUME_SUFFIX = ".resume.pt"  # beside a network that is not finished
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
    rows: dict[tuple[str, ...], Row] = {}
    settings: dict[tuple[str, ...], dict[str, Any]] = {}
    found: dict[tuple[tuple[str, ...], str, int], Checkpoint] = {}
    for checkpoint in _finished(paths, notes):
        config, training = checkpoint.config, checkpoint.training
        recipe = _flat(training["recipe"])
        key = (config["arch"], config["attention"], json.dumps(recipe, sort_keys=True))
        cell = (key, training["dataset"], checkpoint.seed)
        if cell in found and found[cell].sha256 != checkpoint.sha256:
            raise RgavizError(
                f"{found[cell].path} and {checkpoint.path} are the same network with the same seed; name one of them."
            )
        found[cell] = checkpoint
        settings[key] = recipe
        row = rows.setdefault(key, Row(config["arch"], config["attention"], len(checkpoint.history)))
        row.parameters[training["dataset"]] = count_parameters(checkpoint.model)
        error = checkpoint.history[-1]["test_error"]
        row.errors.setdefault(training["dataset"], {})[checkpoint.seed] = error
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


def _finished(paths: Sequence[Path], notes: list[str]) -> Iterable[Checkpoint]:
    """The checkpoints of finished trainings; a note for every other one."""
    for path in paths:
        if not path.exists():
            raise RgavizError(f"{path} does not exist. Name a folder of runs: rgaviz table runs/sweep")
        inside = path.is_dir()
        files = sorted(path.rglob("*.pt")) if inside else [path]
        for file in files:
            if file.name.endswith(RESUME_SUFFIX):
                continue
            if file.with_name(f"{file.stem}{RESUME_SUFFIX}").exists():
                notes.append(f"{file} is not finished; left out.")
                continue
            try:
                checkpoint = load_checkpoint(file)
            except CheckpointError as error:
                if not inside:
                    raise
                notes.append(f"{error} Left out.")
                continue
            if checkpoint.history and {"recipe", "dataset"} <= checkpoint.training.keys():
                yield checkpoint
            else:
                notes.append(f"{file} was not written by rgaviz train; left out.")


def _tell_apart(
    rows: Mapping[tuple[str, ...], Row], settings: Mapping[tuple[str, ...], dict[str, Any]]
) -> None:
    """Name in each row the settings in which it differs from others of the same network."""
    for key, row in rows.items():
        alike = [settings[other] for other in rows if other[:2] == key[:2]]
        names = {name for each in alike for name in each if each.get(name) != alike[0].get(name)}
        names -= {"train.epochs"}  # a column of its own
        row.setting = ", ".join(f"{name}={settings[key].get(name)}" for name in sorted(names))


def _flat(recipe: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A recipe's tables as one dictionary, without what differs between networks that belong together."""
    flat = {f"{table}.{key}": value for table, values in recipe.items() for key, value in values.items()}
    return {key: value for key, value in flat.items() if key != "model.attention"}


def paper_table(name: str) -> dict[tuple[str, str], dict[str, float]]:
    """The figures of a paper's table.

    Raises:
        UnknownNameError: no such table.
    """
    from rgaviz.errors import lookup

    return lookup(PAPERS, name, "paper table")


Table = tuple[list[str], list[list[str]], set[tuple[int, int]]]  # header, cells, cells to print in bold


def lay_out(rows: Sequence[Row], paper: str | None = None) -> Table:
    """Cells of the table; the least error of each family and data set is to be bold.

    Args:
        rows: from :func:`read_runs`.
        paper: a key of ``PAPERS`` whose figures stand beside ours.
    """
    reported = paper_table(paper) if paper else {}
    datasets = sorted({name for row in rows for name in row.errors}, key=lambda n: (len(n), n))
    header = ["Model", "Depth", "Params", "Epochs", "Seeds"]
    for name in datasets:
        header.append(f"{DATASETS.get(name, name)} error (%)")
        header += [f"{DATASETS.get(name, name)}, paper"] if paper else []
    cells, bold = [], set()
    for number, row in enumerate(rows):
        line = [row.model, row.depth, _parameters(row), str(row.epochs), _seeds(row)]
        for name in datasets:
            if name in row.errors and _is_best(row, rows, name):
                bold.add((number, len(line)))
            line.append(_error(row.errors.get(name)))
            if paper:
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
    if not errors:
        return ""
    values = list(errors.values())
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def _parameters(row: Row) -> str:
    """In millions; more than one where the number of classes shows."""
    shown = dict.fromkeys(f"{count / 1e6:.2f}M" for _, count in sorted(row.parameters.items()))
    return " / ".join(shown)


def _seeds(row: Row) -> str:
    counts = sorted({len(errors) for errors in row.errors.values()})
    return "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


CAPTION = (
    "Test error (%) after the last epoch, mean ± standard deviation over seeds; "
    "the least error of each kind of network in bold."
)


def markdown(table: Table) -> str:
    """As a Markdown table."""
    header, cells, bold = table
    lines = [header, ["---"] * len(header), *_marked(cells, bold, "**{}**")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{CAPTION}\n"


def latex(table: Table) -> str:
    """As a LaTeX ``table`` with the rules of booktabs."""
    header, cells, bold = table
    lines = [
        " & ".join(line) + r" \\"
        for line in _marked([[_tex(c) for c in r] for r in cells], bold, r"\textbf{{{}}}")
    ]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(CAPTION)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            r"\toprule",
            " & ".join(_tex(name) for name in header) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def comma_separated(table: Table) -> str:
    """As CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([table[0], *table[1]])
    return text.getvalue()


FORMATS = {"markdown": markdown, "latex": latex, "csv": comma_separated}


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

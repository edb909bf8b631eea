"""Finished trainings as rows: a row per network, its task's headline by data set and seed."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rgaviz.checkpoint import RESUME_SUFFIX, Checkpoint, load_checkpoint
from rgaviz.errors import CheckpointError, RgavizError, clipped
from rgaviz.models import count_parameters
from rgaviz.tasks import TASKS, Measure
from rgaviz.tasks.task import headline

# Settings that do not change what a network learns, or that are a row's own; "auto" precision is told by what it was.
SAME_RESULT = (
    "model.attention",
    "model.num_classes",
    "model.image_size",  # as data.image_size
    "model.memory_efficient",
    "data.workers",
    "train.compile",
    "train.precision",
    "train.evaluate_every",
    "train.save_minutes",
)
# Settings that older checkpoints do not have, and what was done then.
ALWAYS = {
    "model.pretrained": "none",
    "data.augment": "shift-mirror",
    "train.accumulate": 1,
    "train.optimizer": "sgd",
    "train.gamma": 0.1,
}
Key = tuple[str, str, str]  # arch, attention, settings

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


@dataclass
class Row:
    """One network of a table: everything but the seed and the data set is the same.

    Attributes:
        arch: of the backbone.
        attention: a key of ``rgaviz.attention.ATTENTIONS``.
        epochs: of the training.
        parameters: learned values, by data set.
        measure: the headline of the network's task.
        values: that of the test images after the last epoch, by data set and seed.
        setting: what sets it apart from a row of the same name, e.g. ``"train.lr=0.1"``.
    """

    arch: str
    attention: str
    epochs: int
    measure: Measure
    parameters: dict[str, int] = field(default_factory=dict)
    values: dict[str, dict[int, float]] = field(default_factory=dict)
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
        config, dataset = checkpoint.config, clipped(checkpoint.dataset)
        setting = _setting(checkpoint)
        key = config["arch"], config["attention"], json.dumps(setting, sort_keys=True, default=str)
        cell = (key, dataset, checkpoint.seed)
        path, digest = found.setdefault(cell, (checkpoint.path, checkpoint.sha256))
        if digest != checkpoint.sha256:
            raise RgavizError(
                f"{path} and {checkpoint.path} are the same network with the same seed; name one of them."
            )
        settings[key] = setting
        measure = _measure(checkpoint)
        row = rows.setdefault(key, Row(config["arch"], config["attention"], len(checkpoint.history), measure))
        row.parameters[dataset] = count_parameters(checkpoint.model)
        row.values.setdefault(dataset, {})[checkpoint.seed] = checkpoint.history[-1][f"test_{measure.key}"]
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
    """Whether the file tells what was trained and how good it is; a stranger's may hold anything there."""
    training, history = checkpoint.training, checkpoint.history
    if not (history and checkpoint.recipe and checkpoint.recipe == training.get("recipe")):
        return False
    value = history[-1].get(f"test_{_measure(checkpoint).key}")
    return isinstance(value, int | float) and math.isfinite(value) and checkpoint.dataset is not None


def _measure(checkpoint: Checkpoint) -> Measure:
    return headline(TASKS[str(checkpoint.model.task)])


def _setting(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that must be the same for two seeds to be averaged, and for two data sets to share a row."""
    training = checkpoint.training
    built: Any = checkpoint.model.config
    tables = dict(checkpoint.recipe)
    # As the network was built: what a recipe leaves open depends on the image and on the version.
    tables["model"] = {**tables.get("model", {}), **built}
    recipe = {
        f"{table}.{key}": float(value) if type(value) is int else value  # 1 and 1.0 are one setting
        for table, values in tables.items()
        for key, value in values.items()
        if value is not None  # the default, as a key that an older version did not have
        and value != ALWAYS.get(f"{table}.{key}")
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
        row.setting = ", ".join(
            f"{clipped(name)}={_short(settings[key].get(name))}" for name in sorted(names)
        )


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else clipped(value)


def mean_and_std(by_seed: Mapping[int, float]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation over seeds, None where there are too few."""
    values = list(by_seed.values())
    return (
        statistics.mean(values) if values else None,
        statistics.stdev(values) if len(values) > 1 else None,
    )

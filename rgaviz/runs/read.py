"""Finished trainings as rows: a row per network, what its task tabulates by data set and seed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rgaviz.checkpoint import KEPT, RESUME_SUFFIX, Checkpoint, load_record
from rgaviz.errors import CheckpointError, RgavizError, clipped
from rgaviz.runs.row import HEADS, Row
from rgaviz.tasks import Measure
from rgaviz.tasks.task import afterwards, in_tables, measured_part

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
    "train.keep_every",
)
# Settings that older checkpoints do not have, and what was done then.
ALWAYS = {
    "model.pretrained": "none",
    "data.augment": "shift-mirror",
    "train.accumulate": 1,
    "train.optimizer": "sgd",
    "train.gamma": 0.1,
}
OWN_FOLDERS = ("folder", "reid-folder", "scenes")  # data sets that are someone's own
Key = tuple[str, str, str, str]  # arch, attention, head, settings


class Network(NamedTuple):
    """What a finished training tells of one network, with one seed on one data set."""

    path: Path | str | None
    sha256: str
    arch: str
    attention: str
    head: str
    dataset: str
    seed: int
    epochs: int
    parameters: int
    measures: tuple[Measure, ...]
    figures: dict[str, float]
    setting: dict[str, Any]

    @property
    def key(self) -> Key:
        """That of its row."""
        return self.arch, self.attention, self.head, _text(self.setting)


def read_runs(paths: Sequence[Path]) -> tuple[list[Row], list[str]]:
    """Rows from checkpoints and folders of them, and a line for everything that was left out.

    Args:
        paths: checkpoints, or folders that are searched to any depth.

    Raises:
        RgavizError: nothing finished was found, or one seed twice in one cell.
    """
    notes: list[str] = []
    networks = [_network(checkpoint) for checkpoint in _finished(paths, notes)]
    if not networks:
        more = f" {notes[0]}" if notes else ""
        raise RgavizError(
            f"No finished network in {', '.join(map(str, paths))}.{more} Train some: rgaviz sweep"
        )
    _join_data_sets(networks)
    rows: dict[Key, Row] = {}
    settings: dict[Key, dict[str, Any]] = {}
    seen: dict[tuple[Key, str, int], Network] = {}
    for each in networks:
        first = seen.setdefault((each.key, each.dataset, each.seed), each)
        if first.sha256 != each.sha256:
            raise RgavizError(
                f"{first.path} and {each.path} are the same network with the same seed; name one of them."
            )
        settings[each.key] = each.setting
        row = rows.setdefault(
            each.key, Row(each.arch, each.attention, each.epochs, each.measures, head=each.head)
        )
        row.parameters[each.dataset] = each.parameters
        row.values.setdefault(each.dataset, {})[each.seed] = each.figures
    _tell_apart(rows, settings)
    return sorted(rows.values(), key=_order), notes


def _network(checkpoint: Checkpoint) -> Network:
    """What a table needs of a finished training; not its weights, for there may be hundreds."""
    last, measures = checkpoint.history[-1], _measures(checkpoint)
    figures = {each.key: last[f"test_{each.key}"] for each in measures}
    if other := afterwards(checkpoint.task):
        first, *others = measures
        measures = (
            other,
            first._replace(title=f"{first.title} on {measured_part(checkpoint.task)}"),
            *others,
        )
        figures |= {other.key: last[other.key]} if other.key in last else {}
    setting = _setting(checkpoint)
    head = str(checkpoint.config.get("head"))
    if head in HEADS:
        del setting["model.head"]
    return Network(
        checkpoint.path,
        checkpoint.sha256,
        checkpoint.config["arch"],
        checkpoint.config["attention"],
        head if head in HEADS else "",
        clipped(checkpoint.dataset),
        checkpoint.seed,
        len(checkpoint.history),
        checkpoint.parameters,
        measures,
        figures,
        setting,
    )


def _join_data_sets(networks: Sequence[Network]) -> None:
    """Drop from the settings the copy of the images, where only the copies of different data sets differ.

    One set has a release in one file and another has folders of pictures; that parts no row.
    """
    alike: dict[str, list[Network]] = {}
    for each in networks:
        others = {name: value for name, value in each.setting.items() if name != "source"}
        alike.setdefault(_text([each.arch, each.attention, each.head, others]), []).append(each)
    for group in alike.values():
        copies = {(each.dataset, _text(each.setting["source"])) for each in group}
        sources = {source for _, source in copies}
        if len(sources) > 1 and len(copies) == len({dataset for dataset, _ in copies}):
            for each in group:
                del each.setting["source"]


def _text(value: Any) -> str:
    """Plain values as one that can be compared."""
    return json.dumps(value, sort_keys=True, default=str)


def _order(row: Row) -> tuple[Any, ...]:
    """Families together, shallow before deep, the baseline first."""
    parts = row.parts
    return (
        parts[0],
        parts[2],
        int(parts[1] or 0),
        row.head,
        row.attention != "none",
        row.attention,
        row.setting,
    )


def _finished(paths: Sequence[Path], notes: list[str]) -> Iterator[Checkpoint]:
    """The checkpoints of finished trainings; a note for every other one."""
    for path in paths:
        if not path.exists():
            raise RgavizError(f"{path} does not exist. Name a folder of runs: rgaviz table runs/sweep")
        inside = path.is_dir()
        for file in sorted(path.rglob("*.pt")) if inside else [path]:
            if inside and KEPT in file.relative_to(path).parts[:-1]:  # of a network on its way
                continue
            whole = file.with_name(f"{file.name.removesuffix(RESUME_SUFFIX).removesuffix('.pt')}.pt")
            state = whole.with_name(f"{whole.stem}{RESUME_SUFFIX}")
            if state.exists():
                notes += [f"{whole} is not finished; left out."] if file == state or not inside else []
                continue
            try:
                checkpoint = load_record(file)
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
    values = [history[-1].get(f"test_{each.key}") for each in _measures(checkpoint)]
    measured = all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    return measured and checkpoint.dataset is not None


def _measures(checkpoint: Checkpoint) -> tuple[Measure, ...]:
    return in_tables(checkpoint.task)


def _setting(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that must be the same for two seeds to be averaged, and for two data sets to share a row."""
    training = checkpoint.training
    built = checkpoint.config
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
    if training["dataset"] in OWN_FOLDERS:
        more["classes"] = ", ".join(checkpoint.classes)  # anyone's folder is called so
    return {key: value for key, value in (recipe | more).items() if key not in SAME_RESULT}


def _tell_apart(rows: Mapping[Key, Row], settings: Mapping[Key, dict[str, Any]]) -> None:
    """Name in each row the settings in which it differs from others of the same network."""
    for key, row in rows.items():
        alike = [settings[other] for other in rows if other[:3] == key[:3]]
        names = {name for each in alike for name in each if any(each[name] != o.get(name) for o in alike)}
        names -= {"train.epochs"}  # a column of its own
        row.setting = ", ".join(
            f"{clipped(name)}={_short(settings[key].get(name))}" for name in sorted(names)
        )


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else clipped(value)

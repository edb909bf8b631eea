"""What lies in folders of trainings and results, and what each says of itself, as texts."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import CheckpointError, RgavizError, clipped, printable
from rgaviz.progress import Say

if TYPE_CHECKING:
    from rgaviz.checkpoint import Checkpoint
    from rgaviz.figures.report import Grid
    from rgaviz.results.reader import Results

DEEPEST = 6  # folders within the one that is named
MOST = 200  # runs and results of one report
INSIDE = ("pictures", "overlays", "tables", "tensorboard", "epochs")  # of ours, that hold neither
LONG = 160  # letters of a setting
SETTINGS = ("command", "dataset", "source", "seed", "precision", "processes")  # of a training, first
NO_SETTINGS = ("colours", "ids")  # what a checkpoint has of labels
LARGEST = 1e100  # of a measure: beyond, an axis has no room


@dataclass
class Found:
    """What lies in the folders of a report, each by the name it has there.

    Attributes:
        runs: folder -> the networks trained in it.
        results: folder -> the results in it.
    """

    runs: dict[Path, list[Checkpoint]] = field(default_factory=dict)
    results: dict[Path, Results] = field(default_factory=dict)


def look_into(paths: Sequence[Path], say: Say) -> Found:
    """The trainings and results in some folders, at any usual depth.

    Args:
        paths: the folders.
        say: is told what is left out.

    Raises:
        RgavizError: no such folder, or neither is in it; the results of a folder that was named cannot be read.
    """
    from rgaviz.outputs import read_ledger
    from rgaviz.results.reader import read_results

    found = Found()
    for path in paths:
        if not path.is_dir():
            what = "is a file" if path.exists() else "does not exist"
            raise RgavizError(
                f"{path} {what}: name the folder of a training, or of results (one with a manifest.json)."
            )
        before = len(found.runs) + len(found.results)
        for folder in _folders(path):
            if len(found.runs) + len(found.results) >= MOST:
                say(f"Note: {path} has more than {MOST} runs and results; the others are left out.")
                break
            if networks := _networks(folder, say):
                found.runs[folder] = networks
            if read_ledger(folder) is None or (folder.parent in found.runs and _is_curves(folder)):
                continue
            try:
                found.results[folder] = read_results(folder)
            except RgavizError as error:
                if folder == path:
                    raise
                say(f"Note: {error} Left out.")
        if len(found.runs) + len(found.results) == before:
            raise RgavizError(
                f"{path} holds neither a training nor results: name a folder that rgaviz train, compare, evaluate or "
                "another command wrote."
            )
    return found


def _folders(path: Path) -> Iterator[Path]:
    """A folder and those in it, in the order of their names; of links none, nor what is hidden."""
    for folder, inside, _ in os.walk(path):
        here = Path(folder)
        depth = len(here.relative_to(path).parts)
        usual = (name for name in sorted(inside) if not name.startswith(".") and name not in INSIDE)
        inside[:] = usual if depth < DEEPEST else []
        yield here


def _is_curves(folder: Path) -> bool:
    """Whether it holds what the curves of a training are drawn from, which the training itself tells, too."""
    from rgaviz.outputs import read_ledger

    return (read_ledger(folder) or {}).get("command") == "train"


def _networks(folder: Path, say: Say) -> list[Checkpoint]:
    """The networks that were trained into a folder."""
    files = sorted(folder.glob("*.pt"))
    if not files:
        return []
    from rgaviz.checkpoint import RESUME_SUFFIX, load_record

    found = []
    for path in files:
        if path.name.endswith(RESUME_SUFFIX):
            continue
        try:
            checkpoint = load_record(path)
        except CheckpointError as error:
            say(f"Note: {error} Left out.")
            continue
        if checkpoint.history:
            found.append(checkpoint)
    return found


def settings_of_run(networks: Sequence[Checkpoint]) -> Grid:
    """What networks were trained with, a column each; what is the same of all stands once."""
    from rgaviz.figures.report import Grid
    from rgaviz.training.state import flat

    told: list[dict[str, Any]] = []
    for each in networks:
        training = {key: value for key, value in each.training.items() if key not in NO_SETTINGS}
        tables = flat({key: value for key, value in each.recipe.items() if key != "model"})
        first = {key: training[key] for key in SETTINGS if key in training}
        built = {f"model.{key}": value for key, value in each.config.items() if key != "num_classes"}
        about = {
            "classes": len(each.classes),
            "parameters": f"{each.parameters:,}",
            "sha256": each.sha256[:16],
        }
        versions = {f"version of {name}": version for name, version in each.versions.items()}
        told.append({**first, "seed": each.seed, **built, **tables, **about, **versions})
    names = [Path(str(each.path)).stem for each in networks]
    return Grid("settings", ["", *names], _lines(told), open=False)


def _lines(told: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row for each key that any has a value of, and a cell for each of them."""
    keys = dict.fromkeys(key for each in told for key, value in each.items() if value is not None)
    return [[clipped(key), *(text(each.get(key)) for each in told)] for key in keys]


def text(value: Any) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return clipped(", ".join(map(str, value)), LONG)
    return clipped(f"{value:.6g}" if isinstance(value, float) else value, LONG)


def measures_of_run(networks: Sequence[Checkpoint]) -> Grid:
    """What was measured after the last epoch, a row for each network."""
    from rgaviz.figures.report import Grid

    lasts = [each.history[-1] for each in networks]
    keys = dict.fromkeys(key for last in lasts for key in last if _measured(last.get(key)))
    rows = []
    for each, last in zip(networks, lasts, strict=True):
        done, planned = len(each.history), each.recipe.get("train", {}).get("epochs")
        unfinished = isinstance(planned, int) and done < planned
        name = Path(str(each.path)).stem + (
            f" (unfinished: {done} of {planned} epochs)" if unfinished else ""
        )
        rows.append(
            [printable(name), *(text(last[key] if _measured(last.get(key)) else None) for key in keys)]
        )
    return Grid("after the last epoch", ["network", *(clipped(key.replace("_", " ")) for key in keys)], rows)


def curves_of_run(networks: Sequence[Checkpoint]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What was measured over the epochs: a row for each network and epoch, and what the axes are called."""
    rows = []
    for each in networks:
        name = printable(Path(str(each.path)).stem)
        for number, row in enumerate(each.history, start=1):
            values = {key: value for key, value in row.items() if _measured(value)}
            rows.append({**values, "network": name, "epoch": number})
    measures = {measure.key: measure.label for each in networks for measure in each.task.measures}
    return rows, {"loss": "loss", **measures}


def _measured(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value) and abs(value) <= LARGEST


def settings_of_results(results: Results) -> list[Grid]:
    """What results were made with: the command, then the networks, a column each."""
    from rgaviz.figures.report import Grid

    manifest = results.manifest
    said = {"command": manifest.command_line or f"rgaviz {manifest.command}", "target": manifest.target}
    said["pictures"] = manifest.texts.get("picked")
    about = {**said, "seed": manifest.seed, **{f"version of {k}": v for k, v in manifest.versions.items()}}
    grids = [Grid("command", ["", ""], _lines([about]), open=False)]
    told = [{key: _short(key, value) for key, value in each.items()} for each in manifest.checkpoints]
    if told:
        names = [text(each.get("id")) for each in told]
        kept = [{key: value for key, value in each.items() if key != "id"} for each in told]
        grids.append(Grid("networks", ["", *names], _lines(kept), open=False))
    return grids


def _short(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name} {text(each)}" for name, each in value.items())
    if value in ([], ""):
        return None
    return str(value)[:16] if key == "sha256" else value

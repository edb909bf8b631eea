"""A baseline and an attention network, alike in all else, and the curves of their training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import RgavizError
from rgaviz.progress import is_main_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgaviz.data.splits import Dataset
    from rgaviz.tasks import Task
    from rgaviz.training.config import Recipe
    from rgaviz.training.report import Report


@dataclass(frozen=True)
class Trained:
    """What a training left behind.

    Attributes:
        out: the folder of the checkpoints and of ``metrics.csv``.
        networks: the last row of each network.
        files: of the figure of the curves.
    """

    out: Path
    networks: list[dict[str, Any]]
    files: list[Path]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"out": str(self.out), "networks": self.networks}


def train(
    dataset: str,
    recipe: Recipe | Path | str | None = None,
    out: Path | str | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    data_dir: Path | str | None = None,
    pattern: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    tensorboard: bool = False,
    command_line: str = "",
    again: str = "",
    report: Report | None = None,
    load: Callable[..., Dataset] | None = None,
) -> Trained:
    """Train the networks of a recipe on a data set and draw their curves, as ``rgaviz train`` does.

    Args:
        dataset: a key of ``rgaviz.data.sets.DATASETS``.
        recipe: a name, a ``.toml`` file, or what :func:`rgaviz.training.start.recipe_settings` makes of one and of
            changes; by default the data set's own.
        out: folder; by default ``runs/<dataset>-<arch>``.
        seed: of weights, order and augmentation.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        data_dir: where the images are.
        pattern: for ``reid-folder``, a regular expression with groups ``id`` and ``camera`` for the names of files.
        resume: go on where the run in ``out`` stopped; with nothing there, start.
        overwrite: replace the run in ``out``.
        tensorboard: also log to ``out/tensorboard``, which the report does.
        command_line: recorded in the checkpoints.
        again: the command that goes on with this one, told when it is stopped.
        report: who listens; nobody by default.
        load: in place of ``rgaviz.data.sets.load_dataset``, where the images are there already.

    Raises:
        RgavizError: an unknown name, a fault of the recipe, an earlier run in the way, or images that cannot be read.
    """
    from rgaviz.analysis.curves import claim_curves
    from rgaviz.locks import alone
    from rgaviz.tasks import TASKS
    from rgaviz.training.report import Silent
    from rgaviz.training.signals import nothing_lost
    from rgaviz.training.start import (
        check_dataset,
        run_folder,
        run_training,
        settings_of,
        stop_told,
        usual_recipe,
    )
    from rgaviz.training.sweep import checked_seeds

    check_dataset(dataset)
    (seed,) = checked_seeds([seed], "seed")
    settings = settings_of(usual_recipe(dataset) if recipe is None else recipe)
    folder, listener = run_folder(dataset, settings, out), report or Silent()
    main = is_main_process()
    with stop_told(settings, again, listener), alone(folder):
        with nothing_lost():
            if main:
                claim_curves(folder)
        rows, task = run_training(
            dataset,
            settings,
            folder,
            seed=seed,
            device=device,
            data_dir=None if data_dir is None else Path(data_dir),
            pattern=pattern,
            resume=resume,
            overwrite=overwrite,
            tensorboard=tensorboard,
            command_line=command_line,
            report=listener,
            load=load,
        )
        with nothing_lost():
            files = drawn_curves(folder, TASKS[task], listener) if main else []
    return Trained(folder, rows, files)


def drawn_curves(folder: Path, task: Task, report: Report) -> list[Path]:
    """The curves of a training, whose networks are not lost where these cannot be drawn."""
    from rgaviz.analysis.curves import write_curves

    try:
        return write_curves(folder, task.measures)
    except RgavizError as error:
        report.say(f"Note: no curves were drawn: {error}")
        return []

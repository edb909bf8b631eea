"""The training loop: one CPU, one GPU, or many processes; it is saved as it goes, and a resumed run is exact.

Files in the output folder, for a network called NAME:

- ``NAME.pt``: the checkpoint of the end of an epoch.
- ``NAME.resume.pt``: all that a later run needs to go on; gone when the network is finished.
- ``epochs/NAME-010.pt``: with ``train.keep_every`` the checkpoint of every so many epochs, which stays.
- ``metrics.csv``: a row per network and epoch, rebuilt from the histories.

All are written at the end of the first epoch, and of every other unless less than ``train.save_minutes`` have passed
since they last were; within a longer epoch the state alone is. So a killed run loses these minutes or one epoch.

The state to resume is written first, then the checkpoint, then the row: whatever moment a run is killed at,
the later files can be made again from the earlier ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.checkpoint import initialise
from rgaviz.checkpoint.schema import plain_values
from rgaviz.data.order import epoch_generator, even_shares
from rgaviz.data.splits import Dataset
from rgaviz.devices import keep_freed_memory, memory_told
from rgaviz.errors import RgavizError, lookup
from rgaviz.models import foreign
from rgaviz.models.foreign import from_own
from rgaviz.models.network import Network, shapes_only
from rgaviz.own_code import is_own_code
from rgaviz.tasks import TASKS, Task
from rgaviz.training.checked import plain
from rgaviz.training.config import OF_TASKS, Recipe
from rgaviz.training.fitting import announced, busy, doubts, fitted
from rgaviz.training.network import build_model, refuse_too_large
from rgaviz.training.plan import Plan
from rgaviz.training.processes import Processes
from rgaviz.training.report import Report, Silent
from rgaviz.training.run import Run
from rgaviz.training.signals import nothing_lost, stop_signals
from rgaviz.training.state import clear, network_name, other_histories, refuse_earlier_run, refuse_gone
from rgaviz.writing import atomic_write, csv_bytes

CHECK_EVERY = 20  # steps between looks at the loss: each look waits for the device
COMPILES_RECOMPUTATION = "2.9"  # the first PyTorch whose compiler computes again without side effects


def train(
    dataset: Dataset,
    recipe: Recipe,
    attentions: Sequence[str],
    out: Path,
    *,
    device: torch.device,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    settings: dict[str, Any] | None = None,
    report: Report | None = None,
    task: Task | None = None,
    check_every: int = CHECK_EVERY,
    clock: Callable[[], float] = time.monotonic,
) -> list[dict[str, Any]]:
    """Train one network per attention, alike in seed, initial backbone and order of the data.

    Args:
        dataset: the images.
        recipe: all settings.
        attentions: keys of ``ATTENTIONS``.
        out: folder for checkpoints and metrics.
        device: what to compute on; under ``torchrun`` accelerate picks each process's own.
        seed: of weights, order and augmentation.
        resume: go on where an earlier run in ``out`` stopped; with nothing there, start.
        overwrite: replace an earlier run in ``out``.
        settings: more to record in the checkpoints, e.g. the command line.
        report: who listens.
        task: what the networks are for; by default what the data set is for.
        check_every: steps between looks at the loss, at the clock and at whether to stop.
        clock: seconds, from any moment on; when to save.

    Returns:
        The last row of each network.

    Raises:
        RgavizError: a loss that is not finite, another recipe than the run to resume, an earlier run in
            the way, an unwritable folder, or one that was removed in the meantime.
        Interrupted: stopped by Ctrl-C or SIGTERM; the state is saved.
    """
    networks = [network_name(attention) for attention in attentions]
    with nothing_lost():
        processes = Processes(device)
        task = task or lookup(TASKS, dataset.task, "task")
        refuse_unrecordable(recipe, settings or {})
        listener = report or Silent()
        recipe = fit(recipe, dataset, attentions, task, processes, resume, listener)
        if processes.device.type == "cpu":
            keep_freed_memory()
        if not resume and processes.writes:
            if not overwrite:
                refuse_earlier_run(out, attentions)
            clear(out, networks)
        listener.plan(networks, recipe.train.epochs)
        histories = {**other_histories(out, networks), **{name: [] for name in networks}}
    with stop_signals() as stopped:
        plan = Plan(
            processes,
            dataset,
            task,
            recipe,
            out,
            seed,
            settings or {},
            listener,
            stopped,
            check_every,
            clock,
        )
        for attention, name in zip(attentions, networks, strict=True):
            size = recipe.train.batch_size
            with memory_told(
                f"A batch of {size} images of {name}", f"try --set train.batch_size={size // 2 or 1}"
            ):
                for history in Run(plan, attention).epochs(resume):
                    histories[name] = history
                    if processes.writes:
                        write_metrics(out / "metrics.csv", histories)
            processes.wait()
    if processes.writes:
        refuse_gone(out, networks)
    return [{"network": name, **histories[name][-1]} for name in networks]


def fit(
    recipe: Recipe,
    dataset: Dataset,
    attentions: Sequence[str],
    task: Task,
    processes: Processes,
    resume: bool,
    report: Report,
) -> Recipe:
    """The recipe with a batch that fits the images; the report is told what is going to be done, and doubts.

    Refused are, before anything is written, settings that do not fit, networks that cannot be built, unreadable images.

    Raises:
        RgavizError: there are such.
    """
    refuse_unused(recipe, task)
    refuse_weights(recipe, dataset)
    own, classes = is_own_code(recipe.model.arch), len(dataset.classes)
    networks: list[nn.Module] = []
    for attention in attentions:
        with foreign.fresh_weights() if own else shapes_only():
            model = build_model(recipe, attention, task, classes)
        refuse_too_large(model, processes.device)
        if own:  # of which only its user knows what it does
            from_own.refuse_unfit(model, classes, recipe.data.image_size)
        networks.append(model)
    recipe = fitted(recipe, len(dataset.part("train")), processes.count)  # reads the images
    order = check(recipe, dataset, task, processes)
    least = min(map(len, order)) // (processes.count * recipe.train.accumulate)
    for network in (each for each in networks if isinstance(each, Network)):
        if not recipe.train.sync_batchnorm or processes.count == 1:
            network.refuse_part(least, recipe.data.image_size)
    if not resume and recipe.model.pretrained != "none":
        with processes.one_first():  # it downloads
            first = build_model(recipe, attentions[0], task, len(dataset.classes))
            initialise(first, recipe.model.pretrained)
    for part in ("train", *task.tested):
        task.check(dataset.part(part), dataset.classes)
    report.say(announced(recipe, dataset, task, order, len(attentions)))
    for doubt in (*doubts(recipe, dataset, task, len(order)), *filter(None, [busy(processes.device)])):
        report.say(f"Note: {doubt}")
    return recipe


def refuse_unrecordable(recipe: Recipe, settings: Mapping[str, Any]) -> None:
    """Refuse, before an epoch is lost, what a checkpoint cannot hold, such as a command line of a million letters.

    Raises:
        RgavizError: there is such.
    """
    try:
        plain_values({**settings, "recipe": recipe.to_dict()})
    except ValueError as error:
        raise RgavizError(
            "A checkpoint cannot record the settings or the command line of this training: give shorter texts, and "
            "put settings into a recipe (rgaviz recipe cifar10)."
        ) from error


def refuse_unused(recipe: Recipe, task: Task) -> None:
    """Refuse what is set for a task that does not read it.

    Raises:
        RgavizError: it was set.
    """
    for key in OF_TASKS:
        value = getattr(recipe.train, key)
        if key not in task.settings and value != type(recipe.train).model_fields[key].default:
            raise RgavizError(
                f"train.{key} = {plain(value)} has no effect on networks for {task.name}; leave it out."
            )


def refuse_weights(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse weights of other classes than there are, before the images are read.

    Raises:
        RgavizError: there are more or fewer.
    """
    weights = recipe.train.class_weights
    if weights is not None and len(weights) != len(dataset.classes):
        raise RgavizError(
            f"train.class_weights has {len(weights)} weights for the {len(dataset.classes)} classes of "
            f"{dataset.name}; give one for each."
        )


def check(recipe: Recipe, dataset: Dataset, task: Task, processes: Processes) -> list[Tensor]:
    """Refuse settings that do not fit the images, the processes or this PyTorch; the batches of an epoch.

    Raises:
        RgavizError: they do not.
    """
    train, options = recipe.train, recipe.model.options
    if recipe.data.augment not in dataset.augmentations:
        raise RgavizError(
            f"data.augment = {recipe.data.augment!r} would make labels of {dataset.name} wrong; choose one of: "
            f"{', '.join(dataset.augmentations)}."
        )
    if train.sync_batchnorm and processes.count > 1 and processes.device.type != "cuda":
        raise RgavizError(
            "train.sync_batchnorm works on NVIDIA's GPUs alone; set it to false, or train in one process."
        )
    split, together = dataset.part("train"), task.together(train)
    processes.share_batches(train.batch_size, len(split))
    shares = processes.count * train.accumulate
    if together > 1 and (train.batch_size % (shares * together) or train.batch_size < 2 * shares * together):
        raise RgavizError(
            f"train.batch_size = {train.batch_size} does not make {shares} parts, one for each process and part, of at "
            f"least 2 groups of {together} images that stay together; choose a multiple of {2 * shares * together}."
        )
    order = even_shares(
        task.order(split, train, epoch_generator(0, 0)), shares
    )  # refuses what makes no batch
    if train.compile and options.get("memory_efficient") and torch.__version__ < COMPILES_RECOMPUTATION:
        raise RgavizError(
            f"The compiler of PyTorch {torch.__version__} spoils the running statistics of a network that computes "
            f"twice to save memory; take {COMPILES_RECOMPUTATION}, or leave out --compile or model.memory_efficient."
        )
    return order


def write_metrics(path: Path, histories: dict[str, list[dict[str, Any]]]) -> None:
    """A row per network and epoch; columns without a value are empty."""
    rows = [{"network": name, **row} for name, history in histories.items() for row in history]
    columns = dict.fromkeys(key for row in sorted(rows, key=len, reverse=True) for key in row)
    atomic_write(path, csv_bytes([list(columns), *([row.get(key) for key in columns] for row in rows)]))

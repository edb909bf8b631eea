"""The training loop: one CPU, one GPU, or many processes; every epoch is saved, and a resumed run is exact.

Files in the output folder, for a network called NAME:

- ``NAME.pt``: the checkpoint, after every epoch.
- ``NAME.resume.pt``: all that a later run needs to go on; gone when the network is finished.
- ``metrics.csv``: a row per network and epoch, rebuilt from the histories.

The state to resume is written first, then the checkpoint, then the row: whatever moment a run is killed at,
the later files can be made again from the earlier ones.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from rgaviz.data.splits import Dataset
from rgaviz.devices import keep_freed_memory, memory_told
from rgaviz.errors import RgavizError
from rgaviz.models.network import shapes_only
from rgaviz.outputs import atomic_write
from rgaviz.training.config import Recipe
from rgaviz.training.report import Report, Silent
from rgaviz.training.run import Run, build_model
from rgaviz.training.state import clear, network_name, other_histories, refuse_earlier_run

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

    Returns:
        The last row of each network.

    Raises:
        RgavizError: a loss that is not finite, another recipe than the run to resume, an earlier run in
            the way, an unwritable folder.
        Interrupted: stopped by Ctrl-C or SIGTERM; the state is saved.
    """
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no")  # autocast is ours, below
    if recipe.train.batch_size % accelerator.num_processes:
        raise RgavizError(
            f"train.batch_size = {recipe.train.batch_size} cannot be shared by {accelerator.num_processes} "
            "processes alike; choose a multiple."
        )
    if accelerator.num_processes > 1 and len(dataset.part("train")) < recipe.train.batch_size:
        raise RgavizError(
            f"{len(dataset.part('train'))} training images are less than one batch of {recipe.train.batch_size}, which "
            "several processes cannot share; use one process, or a smaller train.batch_size."
        )
    if recipe.train.compile and recipe.model.memory_efficient and torch.__version__ < COMPILES_RECOMPUTATION:
        raise RgavizError(
            f"The compiler of PyTorch {torch.__version__} spoils the running statistics of a network that computes "
            f"twice to save memory; take {COMPILES_RECOMPUTATION}, or leave out --compile or model.memory_efficient."
        )
    for attention in attentions:
        with shapes_only():  # a network that cannot be built is refused before the first is trained
            build_model(recipe, attention, len(dataset.classes))
    for part in ("train", "test"):
        dataset.part(part)  # what cannot be read is refused before anything is written
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    networks = [network_name(attention) for attention in attentions]
    if not resume and accelerator.is_main_process:
        if not overwrite:
            refuse_earlier_run(out, attentions)
        clear(out, networks)
    histories = {**other_histories(out, networks), **{name: [] for name in networks}}
    for attention, name in zip(attentions, networks, strict=True):
        run = Run(
            accelerator, dataset, recipe, attention, name, out, seed, settings or {}, report or Silent()
        )
        size = recipe.train.batch_size
        with memory_told(
            f"A batch of {size} images of {name}", f"try --set train.batch_size={size // 2 or 1}"
        ):
            for history in run.epochs(resume):
                histories[name] = history
                if accelerator.is_main_process:
                    write_metrics(out / "metrics.csv", histories)
        accelerator.wait_for_everyone()
    return [{"network": name, **histories[name][-1]} for name in networks]


def write_metrics(path: Path, histories: dict[str, list[dict[str, Any]]]) -> None:
    """A row per network and epoch."""
    rows = [{"network": name, **row} for name, history in histories.items() for row in history]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue().encode())

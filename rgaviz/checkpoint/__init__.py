"""One self-describing file per network, safe to load from a stranger."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rgaviz import __version__
from rgaviz.checkpoint.checkpoint import Checkpoint, Prediction
from rgaviz.checkpoint.elsewhere import build_network, from_library, from_weights
from rgaviz.checkpoint.given import SMALLEST_STD, Given, parse_channels
from rgaviz.checkpoint.pretrained import initialise
from rgaviz.checkpoint.reading import file_sha256, read, weights_sha256
from rgaviz.checkpoint.schema import FORMAT, arguments, read_header
from rgaviz.models import foreign
from rgaviz.models.foreign import bare
from rgaviz.outputs import atomic_write

__all__ = [
    "RESUME_SUFFIX",
    "Checkpoint",
    "Prediction",
    "initialise",
    "load_checkpoint",
    "save_checkpoint",
    "weights_sha256",
]

RESUME_SUFFIX = ".resume.pt"  # of the state beside a network that is not finished, which is no checkpoint


def save_checkpoint(
    path: Path | str,
    model: nn.Module,
    *,
    classes: Sequence[str],
    mean: Sequence[float],
    std: Sequence[float],
    metrics: Mapping[str, float] | None = None,
    training: Mapping[str, Any] | None = None,
    seed: int = 0,
    history: Sequence[Mapping[str, Any]] = (),
    notes: Sequence[str] = (),
) -> None:
    """Write ``model`` so that :func:`load_checkpoint` needs nothing else.

    Args:
        path: where; written under a temporary name, then renamed.
        model: from :func:`rgaviz.create_model`.
        classes: names of the outputs.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        metrics: what was measured.
        training: data set, recipe and settings, plain values only.
        seed: of the training.
        history: one row per epoch.
        notes: what must be known before believing it, a line each; told whenever it is used.

    Raises:
        RgavizError: a mean or deviation that cannot be.
        OutputError: it cannot be written.
    """
    document = {
        "format": FORMAT,
        "config": model.config,
        "model": {name: value.cpu() for name, value in model.state_dict().items()},
        "classes": list(classes),
        "normalisation": {
            "mean": list(parse_channels("mean", mean, 0)),
            "std": list(parse_channels("std", std, SMALLEST_STD)),
        },
        "task": model.task,
        "metrics": dict(metrics or {}),
        "training": dict(training or {}),
        "history": [dict(row) for row in history],
        "seed": seed,
        "notes": list(notes),
        "versions": _versions(),
        "git_commit": _git_commit(),
    }
    atomic_write(Path(path), lambda file: torch.save(document, file))


def load_checkpoint(
    source: Path | str,
    arch: str | None = None,
    num_classes: int | None = None,
    image_size: tuple[int, int] | None = None,
    mean: str | Sequence[float] | None = None,
    std: str | Sequence[float] | None = None,
    classes: Path | str | Sequence[str] | None = None,
) -> Checkpoint:
    """Read a checkpoint of ours, or a network from elsewhere. Nothing in a file is ever executed.

    Args:
        source: one of

            - a checkpoint of ours, or of the RGA authors' code;
            - a bare state_dict, with ``arch``;
            - ``torchvision:NAME``, ``torchvision:NAME@WEIGHTS`` or ``timm:NAME``, weights of these libraries, from
              their caches or downloaded; ``@none`` for fresh ones. A file of that name comes first.
        arch: the network of a bare state_dict: a key of ``MODELS``, ``torchvision:NAME`` or ``timm:NAME``. Files that
            name their network need none and keep theirs.
        num_classes: outputs of a bare state_dict's network; by default those of the head in the file.
        image_size: (H, W) in pixels of a bare state_dict's network; by default what its kind usually takes.
        mean: of the images a bare state_dict was trained with, values in [0, 1] for red, green and blue; by default
            what its library's networks take, else ImageNet's.
        std: their standard deviation, likewise.
        classes: names of a bare state_dict's outputs, or a text file with a name per line; by default ImageNet's where
            there are 1000, else numbers.

    What of a bare state_dict is assumed stands in the ``notes`` of the answer.

    Raises:
        CheckpointError: missing, damaged, not ours, from a newer version, of another shape, not finite, or a
            pickle that would run code; weights that are neither here nor can be downloaded.
        UnknownNameError: no such network or weights.
    """
    if foreign.is_foreign(source) and not Path(source).exists():
        return from_library(str(source))
    path = Path(source)
    document = read(path)
    state = bare.unwrap(document)
    if state is not None:
        return from_weights(path, state, Given(arch, num_classes, image_size, mean, std, classes))
    header = read_header(document, path)
    config = arguments(document["config"])
    model = build_network(path, config, header.model)
    vars(model)["task"] = header.task
    return Checkpoint(
        model=model,
        config=config,
        classes=header.classes,
        mean=tuple(header.normalisation.mean),
        std=tuple(header.normalisation.std),
        metrics=header.metrics,
        training=header.training,
        seed=header.seed,
        versions=header.versions,
        history=header.history,
        path=path,
        sha256=file_sha256(path),
        notes=tuple(header.notes),
    )


def _versions() -> dict[str, str]:
    return {"rgaviz": __version__, "torch": str(torch.__version__), "python": platform.python_version()}


def _git_commit() -> str | None:
    """Commit of the working folder, if it is a repository."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

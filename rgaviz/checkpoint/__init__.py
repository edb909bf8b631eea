"""One self-describing file per network, safe to load from a stranger."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rgaviz import __version__
from rgaviz.checkpoint.checkpoint import Checkpoint, Prediction
from rgaviz.checkpoint.elsewhere import build_network, from_library, from_weights
from rgaviz.checkpoint.given import SMALLEST_STD, Given, parse_channels
from rgaviz.checkpoint.own import in_memory, named_again, split_arch, with_factory
from rgaviz.checkpoint.pretrained import initialise
from rgaviz.checkpoint.reading import file_sha256, read, weights_sha256
from rgaviz.checkpoint.schema import FORMAT, Header, arguments, check_written, plain_values, read_header
from rgaviz.ends import input_channels
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import foreign
from rgaviz.models.foreign import bare
from rgaviz.models.network import config_of, count_parameters, set_task, sides, task_of
from rgaviz.outputs import claim_file
from rgaviz.own_code import is_own_code
from rgaviz.writing import atomic_write

__all__ = [
    "RESUME_SUFFIX",
    "Checkpoint",
    "Prediction",
    "initialise",
    "is_checkpoint",
    "load_checkpoint",
    "load_record",
    "save_checkpoint",
    "weights_sha256",
]

RESUME_SUFFIX = ".resume.pt"  # of the state beside a network that is not finished, which is no checkpoint
KEPT = "epochs"  # the folder within that of a training with checkpoints of networks on their way


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
    factory: str | None = None,
    image_size: tuple[int, int] | int | None = None,
    output: str | int | None = None,
    outputs: str | None = None,
) -> None:
    """Write ``model`` so that :func:`load_checkpoint` needs nothing else.

    Args:
        path: where; written under a temporary name, then renamed.
        model: from :func:`rgaviz.create_model`, or any other with ``factory``.
        classes: names of the outputs.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        metrics: what was measured.
        training: data set, recipe and settings, plain values only.
        seed: of the training.
        history: one row per epoch.
        notes: what must be known before believing it, a line each; told whenever it is used.
        factory: the function or class that makes a network of your own, ``FILE.py:NAME`` or ``package.module:NAME``;
            who loads the file names it again, for no code runs because a file says so.
        image_size: (H, W) in pixels of such a network's images, or one number for both.
        output: as :func:`load_checkpoint` takes it.
        outputs: likewise.

    Raises:
        RgavizError: a mean or deviation that cannot be, names for another number of outputs, values that are not
            plain, or a network that does not say how it is built.
        OutputError: it cannot be written, or a file is there that is no checkpoint.
    """
    path = Path(path)
    if factory is not None:
        with_factory(model, factory, len(classes), image_size)
    try:
        config = config_of(model)
    except KeyError:
        config = None
    if not isinstance(config, dict):
        raise RgavizError(
            f"{type(model).__name__} does not say how it is built; save a network of rgaviz.create_model, or name the "
            'function that makes it and the size of its images: factory="net.py:make", image_size=224.'
        )
    channels = input_channels(model)
    document = {
        "format": FORMAT,
        "config": config,
        "model": {name: value.cpu() for name, value in model.state_dict().items()},
        "classes": list(classes),
        "normalisation": {
            "mean": list(parse_channels("mean", mean, 0, channels)),
            "std": list(parse_channels("std", std, SMALLEST_STD, channels)),
        },
        "task": task_of(model),
        "metrics": dict(metrics or {}),
        "training": dict(training or {}),
        "history": [dict(row) if isinstance(row, Mapping) else row for row in history],
        "seed": seed,
        "notes": list(notes),
        "parameters": count_parameters(model),
        "answer": {
            name: value for name, value in (("output", output), ("outputs", outputs)) if value is not None
        },
        "versions": _versions(),
        "git_commit": _git_commit(),
    }
    check_written(document, path)
    count = getattr(getattr(model, "head", None), "out_features", len(classes))
    if count != len(classes):
        raise RgavizError(f"{path} was not written: {len(classes)} class names for {count} outputs.")
    claim_file(path, is_checkpoint)
    atomic_write(path, lambda file: torch.save(document, file))


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of ours, sound or not."""
    try:
        document = read(path)
    except CheckpointError:
        return False
    return isinstance(document, dict) and isinstance(document.get("format"), int)


def load_checkpoint(
    source: Path | str,
    arch: str | Callable[..., nn.Module] | nn.Module | None = None,
    num_classes: int | None = None,
    image_size: tuple[int, int] | int | None = None,
    mean: str | Sequence[float] | None = None,
    std: str | Sequence[float] | None = None,
    classes: Path | str | Sequence[str] | None = None,
    output: str | int | None = None,
    outputs: str | None = None,
    show_channels: str | Sequence[int] | None = None,
    attention: str | None = None,
) -> Checkpoint:
    """Read a checkpoint of ours, or a network from elsewhere. Nothing in a file is ever executed.

    Args:
        source: one of

            - a checkpoint of ours, or of the RGA authors' code;
            - a bare state_dict, with ``arch``, or ``FILE@ARCH``;
            - ``torchvision:NAME``, ``torchvision:NAME@WEIGHTS`` or ``timm:NAME``, weights of these libraries, from
              their caches or downloaded; ``@none`` for fresh ones. A file of that name comes first.
        arch: the network of a bare state_dict: a key of ``MODELS``, ``torchvision:NAME``, ``timm:NAME``, or your own
            code, ``FILE.py:NAME`` or ``package.module:NAME``, a function or class that makes it; it runs only when
            named here. Also that function or class itself, or a network, of which a copy gets the weights. Files that
            name their network need none and keep theirs, but for those of your own code.
        num_classes: outputs of a bare state_dict's network; by default those of the head in the file.
        image_size: (H, W) in pixels, or one number for both, of a bare state_dict's network; by default what its kind
            usually takes.
        mean: of the images a bare state_dict was trained with, values in [0, 1] for red, green and blue; by default
            what its library's networks take, else ImageNet's.
        std: their standard deviation, likewise.
        classes: names of a bare state_dict's outputs, or a text file with a name per line; by default ImageNet's where
            there are 1000, else numbers.
        output: which output of a network that gives several is meant: the key of a dictionary, the name in a dataclass,
            the place in a tuple.
        show_channels: of pictures of more than three channels those that are shown as red, green and blue, from 1.
        outputs: what they are: ``softmax``, ``sigmoid``, ``multilabel`` or ``value``; by default what they look like.

        attention: of your own code, ``FILE.py:NAME``, where a checkpoint has such; it runs only when named here, or
            when this process has trained with it.

    What of a bare state_dict is assumed stands in the ``notes`` of the answer.

    Raises:
        CheckpointError: missing, damaged, not ours, from a newer version, of another shape, not finite, or a
            pickle that would run code; weights that are neither here nor can be downloaded.
        UnknownNameError: no such network or weights.
    """
    size = None if image_size is None else sides(image_size)
    source, own_arch = split_arch(source)
    if not isinstance(arch, str | None):
        arch = in_memory(arch)
    given = Given(
        own_arch or arch, num_classes, size, mean, std, classes, output, outputs, show_channels, attention
    )
    if foreign.is_library(source) and not Path(source).exists():
        return replace(from_library(str(source)), outputs=outputs)
    return _loaded(Path(source), read(Path(source)), given)


def _loaded(path: Path, document: Any, given: Given) -> Checkpoint:
    state = bare.unwrap(document)
    if state is not None:
        return from_weights(path, state, given)
    header = read_header(document, path)
    model = build_network(path, arguments(named_again(path, document["config"], given)), header.model)
    set_task(model, header.task)
    found = _told_by(header, path, model, dict(config_of(model)))  # complete, whatever the file leaves open
    return replace(
        found,
        output=found.output if given.output is None else given.output,
        outputs=given.outputs or found.outputs,
        shown=given.shown(found.channels),
    )


def load_record(path: Path) -> Checkpoint:
    """A checkpoint for what it says of its training: own code that its network or its attention has does not run.

    The ``model`` of such a one is empty; ``parameters`` are counted all the same.

    Raises:
        CheckpointError: as :func:`load_checkpoint`.
    """
    document = read(path)
    config = document.get("config") if isinstance(document, dict) else None
    if not (isinstance(config, dict) and any(is_own_code(config.get(key)) for key in ("arch", "attention"))):
        return _loaded(path, document, Given())
    header = read_header(document, path)
    try:
        told = plain_values({"attention": "none", **config})
        found = _told_by(header, path, nn.Module(), {**told, "attention": str(told["attention"])})
    except ValueError as error:
        raise CheckpointError(
            f"{path} is damaged: its 'config' holds no plain values. Copy it again."
        ) from error
    return replace(found, of_task=header.task)


def _told_by(header: Header, path: Path, model: nn.Module, config: dict[str, Any]) -> Checkpoint:
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
        output=header.answer.get("output"),
        outputs=header.answer.get("outputs"),
        counted=header.parameters,
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

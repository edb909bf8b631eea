"""A fresh network begins with the backbone of a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from rgaviz.checkpoint.reading import read, weight_fault
from rgaviz.checkpoint.schema import read_header
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import foreign
from rgaviz.models.foreign import bare, misfits, official
from rgaviz.models.network import config_of

OF_TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101")  # networks of ours that it has, too
DILATED = "dilated-"  # before the name of the network whose weights it takes
AS_THERE = {"width": 64, "stem": "imagenet"}  # options with which they have its weights
OF_HEADS = ("neck.", "projection.", "auxiliary.")  # beside the layer that gives the logits
FRESH = "none"
LOGITS = ("fc.", "classifier.")  # of the weights, whatever the network calls its own
ATTENTION = "attention."


def initialise(model: nn.Module, pretrained: str) -> list[str]:
    """Load the weights of a backbone into a fresh network of ours.

    The attention keeps its weights, and so does a head that has no counterpart of its shape.

    Args:
        model: from :func:`rgaviz.create_model`, a key of ``MODELS``.
        pretrained: ``none``; ``torchvision``, the library's default ImageNet weights of the network of that name, from
            its cache or downloaded; or a file, a checkpoint or a state_dict of the same backbone.

    Returns:
        What the user must know, a line each.

    Raises:
        CheckpointError: the weights are not here and cannot be downloaded, are damaged, or do not fit.
        RgavizError: no weights for such a network.
    """
    if pretrained == FRESH:
        return []
    config = config_of(model)
    arch = config["arch"]
    if foreign.is_foreign(arch):
        raise RgavizError(
            f"{arch} begins with fresh weights; set pretrained=none, or train a network of ours (rgaviz list models)."
        )
    state = _of_torchvision(config) if pretrained == "torchvision" else _of_file(Path(pretrained))
    own = {key: value for key, value in model.state_dict().items() if not key.startswith(ATTENTION)}
    state = bare.shortened_to_fit(state, set(own))
    state = {key: value for key, value in state.items() if not key.startswith(ATTENTION)}
    stem = bare.stem_of(state)
    own_stem = config.get("stem", "imagenet")  # what a dilated network has
    if stem not in ("auto", own_stem):
        raise CheckpointError(
            f"{pretrained} has the stem {stem}, this {arch} {own_stem}; set stem={stem}, or choose other weights."
        )
    faults, fitting = misfits.compared(own, state)
    head = next(name for name, module in model.named_modules() if module is model.head)

    def of_head(fault: str) -> bool:
        return fault.startswith((f"{head}.", *OF_HEADS, *LOGITS))

    if told := {kind: kept for kind, keys in faults.items() if (kept := [k for k in keys if not of_head(k)])}:
        raise CheckpointError(
            f"{pretrained} does not fit {arch}: {misfits.told_together(told)}. Choose weights of the same network."
        )
    model.load_state_dict({**model.state_dict(), **fitting})
    fresh = [fault for kept in faults.values() for fault in kept]
    return (
        [f"the head of {pretrained} does not fit ({misfits.few(fresh)}): it begins fresh."] if fresh else []
    )


def _of_torchvision(config: dict[str, Any]) -> dict[str, Tensor]:
    arch = config["arch"].removeprefix(DILATED)
    if arch not in OF_TORCHVISION:
        raise RgavizError(
            f"torchvision has no weights for {arch}, only for {', '.join(OF_TORCHVISION)}; take one of these, a "
            "file of weights, or pretrained=none."
        )
    if other := [
        f"{name}={config[name]}" for name, value in AS_THERE.items() if config.get(name, value) != value
    ]:
        wanted = ", ".join(f"{name}={value}" for name, value in AS_THERE.items())
        raise RgavizError(
            f"torchvision's weights of {arch} are for {wanted}, not {', '.join(other)}; set that, or pretrained=none."
        )
    loaded = foreign.load(f"torchvision:{arch}", "pretrained=none (fresh weights)")
    return loaded.model.state_dict()


def _of_file(path: Path) -> dict[str, Tensor]:
    document = read(path)
    state = bare.unwrap(document)
    if state is None:
        return read_header(document, path).model
    if fault := next((fault for each in state.items() if (fault := weight_fault(*each))), None):
        raise CheckpointError(f"{path}: {fault.what}. {fault.step}")
    return official.convert(state)[1] if official.recognise(state) else state

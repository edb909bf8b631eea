"""A fresh network begins with the backbone of a trained one."""

from __future__ import annotations

from collections.abc import Mapping
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


def initialise(model: nn.Module, pretrained: str) -> list[str]:
    """Load the weights of a backbone into a fresh network.

    The attention keeps its weights, and so does a head that has no counterpart of its shape.

    Args:
        model: from :func:`rgaviz.create_model`.
        pretrained: ``none``; ``torchvision``, the library's default ImageNet weights of the network of that name, from
            its cache or downloaded; ``torchvision:NAME``, ``torchvision:NAME@WEIGHTS`` or ``timm:NAME``, those weights
            of a network of the same shapes; or a file, a checkpoint or a state_dict of the same backbone.

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
    state = _weights(config, pretrained)
    slots = foreign.slots_of(model)
    own = {key: value for key, value in model.state_dict().items() if not key.startswith(slots)}
    state = bare.shortened_to_fit(state, set(own))
    if foreign.is_library(arch):
        state = foreign.adapted(arch, state)
    state = {key: value for key, value in state.items() if not key.startswith(slots)}
    stem = "auto" if foreign.is_foreign(arch) else bare.stem_of(state)
    own_stem = config.get("stem", "imagenet")  # what a dilated network has
    if stem not in ("auto", own_stem):
        raise CheckpointError(
            f"{pretrained} has the stem {stem}, this {arch} {own_stem}; set stem={stem}, or choose other weights."
        )
    faults, fitting = misfits.compared(own, state)
    last = getattr(model, "head", None)
    heads = [f"{name}." for name, module in model.named_modules() if name and module is last]

    def of_head(fault: str) -> bool:
        return fault.startswith((*heads, *OF_HEADS, *LOGITS))

    if told := {kind: kept for kind, keys in faults.items() if (kept := [k for k in keys if not of_head(k)])}:
        raise CheckpointError(
            f"{pretrained} does not fit {arch}: {misfits.told_together(told)}. Choose weights of the same network."
        )
    model.load_state_dict({**model.state_dict(), **fitting})
    notes = [_taken(model, pretrained, fitting, slots)]
    if fresh := [fault for kept in faults.values() for fault in kept]:
        notes.append(f"the head of {pretrained} does not fit ({misfits.few(fresh)}): it begins fresh.")
    return notes


def _taken(model: nn.Module, pretrained: str, fitting: Mapping[str, Tensor], slots: str) -> str:
    """How much of a network was begun with, and whether its attention is fresh."""
    names = dict(model.named_parameters())
    taken = sum(value.numel() for name, value in names.items() if name in fitting)
    attention = sum(value.numel() for name, value in names.items() if name.startswith(slots))
    fresh = f"; the {attention:,} of its attention begin fresh" if attention else ""
    total = sum(value.numel() for value in names.values())
    return f"{taken:,} of its {total:,} weights are those of {pretrained}{fresh}."


def _weights(config: dict[str, Any], pretrained: str) -> dict[str, Tensor]:
    """The state_dict that is begun with; a file comes before a library's network of that name."""
    arch = config["arch"]
    if foreign.is_library(pretrained) and not Path(pretrained).exists():
        return foreign.load(pretrained, "pretrained=none (fresh weights)").model.state_dict()
    if pretrained != "torchvision":
        return _of_file(Path(pretrained))
    if foreign.is_library(arch):
        return foreign.load(arch, "pretrained=none (fresh weights)").model.state_dict()
    return _of_torchvision(config)


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

"""Attention behind the stages of another library's network, whose modules and names stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from rgaviz.attention import build_attention, working_ratio
from rgaviz.attention.slot import Slot
from rgaviz.errors import RgavizError, clipped, unknown_name
from rgaviz.models.foreign.building import STAGES
from rgaviz.models.foreign.source import Source
from rgaviz.models.foreign.stages import Stage, find_stages
from rgaviz.models.network import config_of, count_parameters, describe, shape_text

ALL = "all"  # stages, where there are any
# Of the slots; the other where a network has its own of that name.
HOME, INSTEAD = "attention", "rgaviz_attention"
USUAL_RATIO = 8
LARGEST = 2**28  # weights of one module: 1 GiB


def slot_options(*, attention_layers: Sequence[str] | None = None, s1: int = 8, s2: int = 8) -> None:
    """The options that a network of another library takes; without ratios each stage has the largest that works."""
    del attention_layers, s1, s2


def add_slots(
    model: nn.Module,
    source: Source,
    usual: tuple[int, int],
    attention: str,
    layers: Sequence[str] | None,
    ratios: tuple[int | None, int | None],
) -> None:
    """Put attention behind stages of a fresh network, and tell its ``stages`` and ``config``.

    Where timm has modules called ``stages``, the names of ours are ``named_stages``. The slots are added last, so that
    under one seed the networks of a pair start from identical backbone weights.

    Args:
        model: as :func:`rgaviz.models.foreign.building.described` left it.
        source: what it is.
        usual: (H, W) in pixels of the library's own weights.
        attention: a key of ``ATTENTIONS``.
        layers: the stages that get it; None or ``["all"]`` for all of them.
        ratios: s1 and s2; None for the largest up to 8 that works at a stage.

    Raises:
        UnknownNameError: no such attention or stage.
        RgavizError: the network has no stages, or a map is too small or too large.
    """
    config = config_of(model)
    height, width = config["image_size"]
    stages = find_stages(model, (height, width), usual, told_by_library(model))
    every = layers is None or list(layers) == [ALL]
    if not stages:
        if attention == "none":  # a recipe names the stages of other networks
            return
        raise RgavizError(
            f"{clipped(source.arch)} has no stages to put attention behind: that takes a network of convolutions "
            "whose maps shrink step by step, such as torchvision:resnet18 or timm:convnext_tiny."
        )
    attended = list(stages) if layers is None or every else list(layers)
    for name in attended:
        if name not in stages:
            raise unknown_name(name, stages, f"stage of {clipped(source.arch)}")
    slots, home = {}, INSTEAD if hasattr(model, "attention") else HOME
    if attention != "none":
        slots = {name: _attention(source, stages, name, attention, ratios) for name in attended}
        model.add_module(home, nn.ModuleDict(slots))
    for name, slot in slots.items():
        model.get_submodule(stages[name].module).register_forward_hook(Slot(slot))
    # By timm, for a part of its network.
    taken = hasattr(model, "stages") and vars(model).get("stages") != STAGES
    vars(model)["named_stages" if taken else "stages"] = {
        name: f"{home}.{name}" if name in slots else stage.module for name, stage in stages.items()
    }
    given = {name: value for name, value in zip(("s1", "s2"), ratios, strict=True) if value is not None}
    describe(model, {**config, "attention": attention, "attention_layers": attended, **given})


def slots_of(model: nn.Module) -> str:
    """What the names of a network's weights in its slots begin with."""
    return f"{INSTEAD if hasattr(model, INSTEAD) else HOME}."


def told_by_library(model: nn.Module) -> list[str]:
    """The modules that timm says its stages end with."""
    told: Any = getattr(model, "feature_info", None)
    rows = getattr(told, "info", told)
    rows = rows if isinstance(rows, list | tuple) else []
    return [row["module"] for row in rows if isinstance(row, dict) and row.get("module")]


def _attention(
    source: Source,
    stages: dict[str, Stage],
    name: str,
    attention: str,
    ratios: tuple[int | None, int | None],
) -> nn.Module:
    """The attention of one stage."""
    _, channels, size = stages[name]
    if size == (1, 1):
        fitting = [each for each, stage in stages.items() if stage.size != (1, 1)]
        others = f", or name others as attention layers ({','.join(fitting)})" if fitting else ""
        raise RgavizError(
            f"{name} of {clipped(source.arch)} is a single position at this image size: no place for attention; "
            f"take larger images{others}."
        )
    largest = working_ratio(attention, channels, size, USUAL_RATIO)
    s1, s2 = (largest if each is None else each for each in ratios)
    try:
        with torch.device("meta"):
            count = count_parameters(build_attention(attention, channels, size, s1, s2))
        if count > LARGEST:
            raise RgavizError(
                f"{attention} there has {count:,} weights; take smaller images, or leave it out of the "
                "attention layers."
            )
        return build_attention(attention, channels, size, s1, s2)
    except RgavizError as error:
        raise RgavizError(
            f"{name} of {clipped(source.arch)}, {channels} channels of {shape_text(size)}: {error}"
        ) from error

"""Networks that are not ours: of torchvision and timm, with their weights or with fresh ones, and of the user's code.

They are written ``torchvision:NAME``, ``timm:NAME`` and ``FILE.py:NAME``. Nothing of them is imported before such a
name is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from rgaviz.errors import RgavizError, clipped
from rgaviz.models.foreign import from_own, from_timm, from_torchvision
from rgaviz.models.foreign.building import fresh_weights, undrawn
from rgaviz.models.foreign.classes import IMAGENET_CLASSES, class_names, numbered_classes
from rgaviz.models.foreign.slots import add_slots, slot_options, slots_of
from rgaviz.models.foreign.source import FRESH, OWN, Loaded, Preset, Source, is_foreign, is_library, parse

__all__ = [
    "FRESH",
    "IMAGENET_CLASSES",
    "Loaded",
    "Preset",
    "Source",
    "adapted",
    "build",
    "class_names",
    "fresh_weights",
    "is_foreign",
    "is_library",
    "load",
    "numbered_classes",
    "parse",
    "preset",
    "slot_options",
    "slots_of",
    "undrawn",
]

MODULES: dict[str, Any] = {"torchvision": from_torchvision, "timm": from_timm, OWN: from_own}


def build(
    arch: str,
    *,
    num_classes: int,
    image_size: tuple[int, int],
    attention: str = "none",
    attention_layers: Sequence[str] | None = None,
    s1: int | None = None,
    s2: int | None = None,
) -> nn.Module:
    """A network of a library with fresh weights from the global random state.

    Args:
        arch: ``torchvision:NAME``, ``timm:NAME`` or ``FILE.py:NAME``, whose code then runs.
        num_classes: outputs.
        image_size: (H, W) in pixels; given to the constructor where that asks for it, as those of transformers do.
        attention: a key of ``ATTENTIONS``, put behind stages of a network that has any.
        attention_layers: those stages; None for all, ``["all"]`` for all where there are any.
        s1: reduction ratio of the embeddings; None for the largest up to 8 that works at a stage.
        s2: that of W1, likewise.

    Returns:
        The network with ``config`` and ``task``, as :func:`rgaviz.create_model` gives them, and with ``stages``, if it
        has the modules ``layer1`` to ``layer4`` or attention or attention layers are named.

    Raises:
        UnknownNameError: the library has no such image classifier; no such attention or stage.
        RgavizError: the library refuses the size or the number of classes, or is not installed; the network has no
            stages, or their maps do not suit the attention.
    """
    source = parse(arch)
    if source.weights:
        raise RgavizError(
            f"create_model builds fresh weights, so {clipped(arch)} asks too much: "
            f"take {clipped(source.arch)}, or load_checkpoint."
        )
    library = MODULES[source.library]
    model = library.build(source, num_classes, image_size)
    if attention != "none" or attention_layers is not None:
        usual = library.preset(source).image_size
        add_slots(model, source, usual, attention, attention_layers, (s1, s2))
    return model


def preset(arch: str) -> Preset:
    """How the library feeds this network by default.

    Raises:
        UnknownNameError: the library has no such image classifier.
    """
    return MODULES[parse(arch).library].preset(parse(arch))


def load(text: str, instead: str | None = None) -> Loaded:
    """A network of a library with its weights: from the library's cache, else downloaded into it.

    A progress bar is shown for a download where the standard error output is a terminal.

    Args:
        text: ``torchvision:NAME`` with the default weights, ``torchvision:NAME@WEIGHTS``, ``timm:NAME`` or
            ``timm:NAME.TAG``; ``@none`` behind either gives fresh weights, always the same.
        instead: what the message names where there is no network; by default the fresh weights.

    Raises:
        UnknownNameError: no such network or weights.
        CheckpointError: the weights are not here and cannot be downloaded, or are damaged.
    """
    source = parse(text)
    return MODULES[source.library].load(source, instead or f"{source.network}@{FRESH} (untrained)")


def adapted(arch: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state_dict as the network built here takes it: without heads for training only, old names renewed."""
    source = parse(arch)
    return from_torchvision.adapted(source, state) if source.library == "torchvision" else dict(state)

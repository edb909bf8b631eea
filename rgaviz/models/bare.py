"""Bare weights: a state_dict from anywhere, and a network that it is said to belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.errors import CheckpointError, lookup
from rgaviz.models import MODELS, create_model, foreign

# Names under which training scripts keep a state_dict, and prefixes that wrappers of networks put before every key.
WRAPPERS = ("state_dict", "model", "model_state", "model_state_dict", "net")
PREFIXES = ("module.", "_orig_mod.", "model.")
DEEPEST = 4  # wrappers within wrappers
PROBE = 997  # outputs of a network built to find its head: a number that no other layer has
NAMED = 3  # names told of each kind of fault


def unwrap(document: Any) -> dict[str, Tensor] | None:
    """The state_dict in what a file holds, without wrappers and prefixes; None if there is none.

    A prefix is dropped only where every key has it. A document with a ``format`` is a checkpoint of ours.
    """
    for _ in range(DEEPEST):
        if not isinstance(document, dict) or not document or "format" in document:
            return None
        if all(isinstance(key, str) and isinstance(value, Tensor) for key, value in document.items()):
            return _without_prefixes(document)
        document = next((document[name] for name in WRAPPERS if isinstance(document.get(name), dict)), None)
    return None


def _without_prefixes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = dict(state)
    while shared := [prefix for prefix in PREFIXES if all(key.startswith(prefix) for key in found)]:
        found = {key.removeprefix(shared[0]): value for key, value in found.items()}
    return found


def fit(
    state: Mapping[str, Tensor], arch: str, num_classes: int | None = None
) -> tuple[nn.Module, list[str]]:
    """The network ``arch`` with these weights.

    Only the head may be missing or of another shape: it then keeps fresh weights, and a note says so. Counters of
    batches, which older files lack, may be missing.

    Args:
        state: names as in the network.
        arch: a key of ``MODELS``, ``torchvision:NAME`` or ``timm:NAME``.
        num_classes: outputs; by default those of the head in ``state``, 1000 where there is none.

    Returns:
        The network, and what its user must know.

    Raises:
        UnknownNameError: no such network.
        CheckpointError: weights that the network lacks, that it does not have, or of another shape.
    """
    if foreign.is_foreign(arch):
        state, size = foreign.adapted(arch, state), foreign.preset(arch).image_size
    else:
        lookup(MODELS, arch, "arch")
        state, size = dict(state), _image_size(state)
    heads = _heads(arch, size)
    inferred = next(
        (len(state[key]) for key in (f"{head}.weight" for head in heads) if _has_rows(state, key)), None
    )
    with foreign.fresh_weights():
        model = create_model(
            arch, num_classes=num_classes or inferred or foreign.IMAGENET_CLASSES, image_size=size
        )
    own = model.state_dict()
    misshaped = {key for key, value in state.items() if key in own and own[key].shape != value.shape}

    def of_head(key: str) -> bool:
        return key.startswith(tuple(f"{head}." for head in heads))

    faults = {
        "missing": [key for key in own if key not in state and not key.endswith("num_batches_tracked")],
        "unexpected": [key for key in state if key not in own],
        "of another shape": [
            f"{key} {shape_text(state[key].shape)} instead of {shape_text(own[key].shape)}"
            for key in own
            if key in misshaped
        ],
    }
    told = {
        kind: kept for kind, keys in faults.items() if (kept := [key for key in keys if not of_head(key)])
    }
    if told:
        raise CheckpointError(
            f"its weights do not fit {arch}: {'; '.join(f'{kind} {few(keys)}' for kind, keys in told.items())}. "
            "Name their network with --arch."
        )
    fitting = {key: value for key, value in state.items() if key in own and key not in misshaped}
    model.load_state_dict({**own, **fitting})
    differs = [key for keys in faults.values() for key in keys]
    notes = (
        [] if not differs else [f"its head does not fit ({few(differs)}): what it predicts means nothing."]
    )
    return model, notes


def _heads(arch: str, size: tuple[int, int]) -> list[str]:
    """Dotted names of the layers that give the logits."""
    # Networks of ours need no memory for this; those of the libraries may compute with values as they are built.
    where = "cpu" if foreign.is_foreign(arch) else "meta"
    with foreign.fresh_weights(), torch.device(where):
        modules = create_model(arch, num_classes=PROBE, image_size=size).named_modules()
    return [
        name
        for name, module in modules
        if PROBE in (getattr(module, "out_features", None), getattr(module, "out_channels", None))
    ]


def _image_size(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """The size that goes with the stem of a network of ours: its first convolution is 3x3 for small pictures."""
    stem = next((value for value in state.values() if value.ndim == 4), None)
    return (32, 32) if stem is not None and stem.shape[-1] == 3 else (224, 224)


def _has_rows(state: Mapping[str, Tensor], key: str) -> bool:
    return key in state and state[key].ndim > 0 and len(state[key]) > 0


def shape_text(sizes: Sequence[int]) -> str:
    """A tensor's shape for people, e.g. ``"64x3x7x7"``."""
    return "x".join(map(str, sizes)) or "a number"


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

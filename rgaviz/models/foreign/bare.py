"""Bare weights: a state_dict from anywhere, and a network that it is said to belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rgaviz.ends import input_channels, the_output
from rgaviz.errors import CheckpointError, RgavizError, clipped, lookup, one_line
from rgaviz.models import MODELS, create_model, foreign, model_options
from rgaviz.models.foreign import from_own
from rgaviz.models.foreign.misfits import LETTERS, compared, few, next_step, told_together
from rgaviz.models.network import config_of, describe, shape_text
from rgaviz.models.stem import CONVOLUTIONS
from rgaviz.own_code import is_own_code

# Names under which training scripts keep a state_dict: of several the first, so averages only where nothing else is.
WRAPPERS = (
    "state_dict",
    "model",
    "model_state",
    "model_state_dict",
    "net",
    "weights",
    "state_dict_ema",
    "model_ema",
)
PREFIXES = ("module.", "_orig_mod.")  # that PyTorch's wrappers of networks put before every key
PREFIX = re.compile("|".join(map(re.escape, (*PREFIXES, "model.", "net.", "network.", "backbone."))))
# What the last layer is called.
HEADS = re.compile(r"(fc|classifier|head|linear|last_linear|output)(\.\d+|\.fc)?")
AVERAGED = "n_averaged"  # a counter that PyTorch's AveragedModel keeps beside the network
DEEPEST = 4  # wrappers within wrappers
PROBE = 997  # outputs of a network built to find its head: a number that no other layer has
CONTENTS = 8  # names told of a file in which no weights are found


def unwrap(document: Any, depth: int = DEEPEST) -> dict[str, Tensor] | None:
    """The state_dict in what a file holds, without wrappers and PyTorch's own prefixes; None if there is none.

    A prefix is dropped only where every key has it; those that people give are left to :func:`fit`, which tells. A
    document with a ``format`` is a checkpoint of ours.
    """
    if not depth or not isinstance(document, dict) or not document or "format" in document:
        return None
    if all(isinstance(key, str) and isinstance(value, Tensor) for key, value in document.items()):
        return without_prefixes(document)
    inner = (unwrap(document[name], depth - 1) for name in WRAPPERS if name in document)
    return next((state for state in inner if state is not None), None)


def contents(document: Any) -> str:
    """What is in a file in which :func:`unwrap` finds nothing, and where it has looked."""
    if not isinstance(document, dict) or not document:
        return f"it holds {'nothing' if document == {} else type(document).__name__}"
    for each in (document, *(document.get(name) for name in WRAPPERS)):
        values = each if isinstance(each, dict) else {}
        strangers = [str(key) for key, value in values.items() if not isinstance(value, Tensor)]
        if 0 < len(strangers) < len(values):
            return f"beside tensors it holds what is none ({few(strangers)})"
    names = few([str(key) for key in document], most=CONTENTS, letters=LETTERS // 2)
    return f"it holds {names}, and no weights under {', '.join(WRAPPERS)}"


def without_prefixes(state: Mapping[str, Tensor], prefixes: Sequence[str] = PREFIXES) -> dict[str, Tensor]:
    """The state_dict without the prefixes that every key has."""
    found = dict(state)
    if all(key == AVERAGED or key.startswith("module.") for key in found):
        found.pop(AVERAGED, None)
    while found and (
        shared := [prefix for prefix in prefixes if all(key.startswith(prefix) for key in found)]
    ):
        found = {key.removeprefix(shared[0]): value for key, value in found.items()}
    return found


class Fitted(NamedTuple):
    """A network with weights from a file, what its user must know, and whether its head has fresh weights."""

    model: nn.Module
    notes: list[str]
    fresh_head: bool


def fit(
    state: Mapping[str, Tensor],
    arch: str,
    num_classes: int | None = None,
    image_size: tuple[int, int] | None = None,
    output: str | int | None = None,
) -> Fitted:
    """The network ``arch`` with these weights.

    Only the head may be missing or of another shape: it then keeps fresh weights, and a note says so. Counters of
    batches, which older files lack, may be missing. Prefixes that only some of the keys have are dropped where more of
    them fit without.

    Args:
        state: names as in the network.
        arch: a key of ``MODELS``, ``torchvision:NAME``, ``timm:NAME`` or ``FILE.py:NAME``.
        num_classes: outputs; by default those of the head in ``state``, 1000 where there is none. Those of an own
            network are counted.
        image_size: (H, W) in pixels; by default that of the library's own weights, 32x32 for a network of ours with a
            3x3 stem, else 224x224. The stem is that of the weights, whatever the size.
        output: which of several outputs of an own network is explained.

    Returns:
        The network, and how it was fitted.

    Raises:
        UnknownNameError: no such network.
        CheckpointError: weights that the network lacks, that it does not have, or of another shape.
        RgavizError: the network cannot be built for that size, or cannot take such images.
    """
    options: dict[str, str] = {}
    if foreign.is_foreign(arch):
        size = image_size or foreign.preset(arch).image_size
    else:
        lookup(MODELS, arch, "arch")
        stem = stem_of(state)
        if "stem" in model_options(arch):
            options["stem"] = stem
        size = image_size or ((32, 32) if stem == "small" else (224, 224))
    names, heads = _probed(arch, size, options)
    given, state = state, shortened_to_fit(state, names)
    notes = dropped(given, state)
    if foreign.is_foreign(arch):
        state = foreign.adapted(arch, state)
    for head in heads:
        if (called := _head_in(state, head, names)) is not None:
            state = {_renamed(key, called, head): value for key, value in state.items()}
            notes.append(f"its head, called {called} in the file, was taken as {head}.")
    inferred = next(
        (len(state[key]) for key in (f"{head}.weight" for head in heads) if _has_rows(state, key)), None
    )
    with foreign.fresh_weights():
        model = create_model(
            arch, num_classes=num_classes or inferred or foreign.IMAGENET_CLASSES, image_size=size, **options
        )
    own = model.state_dict()

    def of_head(key: str) -> bool:
        return key.startswith(tuple(f"{head}." for head in heads))

    faults, fitting = compared(own, state)
    told = {
        kind: kept for kind, keys in faults.items() if (kept := [key for key in keys if not of_head(key)])
    }
    if told:
        raise CheckpointError(
            f"its weights do not fit {arch}: {told_together(told)}. "
            f"{next_step(told, len(fitting), len(own), arch, size)}"
        )
    model.load_state_dict({**own, **fitting})
    if is_own_code(arch):
        _count(model, size, output)
    elif image_size:
        _try(model, size)
    differs = [key for keys in faults.values() for key in keys]
    if differs:
        notes.append(f"its head does not fit ({few(differs)}): what it predicts means nothing.")
    return Fitted(model, notes, bool(differs))


def _count(model: nn.Module, size: tuple[int, int], output: str | int | None) -> None:
    """Note how many outputs an own network has, which is known when it has been used."""
    config = config_of(model)
    found = the_output(from_own.tried(model, input_channels(model), size, "(--image-size)"), output)
    if found.ndim != 2:
        raise RgavizError(
            f"{clipped(config['arch'])} gives {shape_text(found.shape)} for one image, where a classifier gives 1x10, "
            "say; name another --output, or wrap it."
        )
    describe(model, {**config, "num_classes": found.shape[1]})


def _try(model: nn.Module, size: tuple[int, int]) -> None:
    """Refuse a size at which the network can be built but not used."""
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, 3, *size))
    except Exception as error:  # every network refuses in its own way
        arch = config_of(model)["arch"]
        raise RgavizError(
            f"{arch} cannot take images of {shape_text(size)} ({one_line(error)}); give the size it was trained with."
        ) from error


def _probed(arch: str, size: tuple[int, int], options: Mapping[str, str]) -> tuple[set[str], list[str]]:
    """Names of the network's weights, and dotted names of the layers that give the logits."""
    with foreign.undrawn(arch):
        model = create_model(arch, num_classes=PROBE, image_size=size, **options)
    heads = [
        name
        for name, module in model.named_modules()
        if PROBE in (getattr(module, "out_features", None), getattr(module, "out_channels", None))
    ]
    return set(model.state_dict()), heads


def shortened_to_fit(state: Mapping[str, Tensor], names: set[str]) -> dict[str, Tensor]:
    """The state_dict without prefixes, as far as more of its keys fit then: a loss may lie beside the network."""
    shortened = [dict(state)]
    for _ in range(DEEPEST):
        short = {
            key[len(found[0]) :] if (found := PREFIX.match(key)) else key: v
            for key, v in shortened[-1].items()
        }
        if len(short) < len(state):  # two networks in one file
            break
        shortened.append(short)
    return max(shortened, key=lambda each: len(names & each.keys()))


def dropped(given: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """The note of prefixes that are gone, as far as the first names tell; none where all are there."""
    pairs = zip(given, state, strict=True)
    gone = dict.fromkeys(old.removesuffix(new) for old, new in pairs if old != new)
    return [f"names were taken without a prefix ({few(list(gone))})."] if gone else []


def _head_in(state: Mapping[str, Tensor], head: str, names: set[str]) -> str | None:
    """What a file calls a head that it does not have by its own name: one layer more or less, another usual name."""
    if f"{head}.weight" in state:
        return None
    stems = [key.removesuffix(".weight") for key in state if key.endswith(".weight") and key not in names]
    found = [stem for stem in stems if HEADS.fullmatch(stem)]
    return found[0] if len(found) == 1 else None


def _renamed(key: str, called: str, head: str) -> str:
    return head + key.removeprefix(called) if key in (f"{called}.weight", f"{called}.bias") else key


def stem_of(state: Mapping[str, Tensor]) -> str:
    """The stem of a network of ours, by the kernel of its first convolution."""
    first = next((value for value in state.values() if value.ndim == 4), None)
    kernels = {kernel: stem for stem, (kernel, _, _) in CONVOLUTIONS.items()}
    return "auto" if first is None else kernels.get(first.shape[-1], "auto")


def _has_rows(state: Mapping[str, Tensor], key: str) -> bool:
    return key in state and state[key].ndim > 0 and len(state[key]) > 0

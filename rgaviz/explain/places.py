"""Where a layer lies among the masks of a network: what it gives is before or after they are applied."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from rgaviz.explain.gates import gated_layers
from rgaviz.explain.layers import find_layer, in_order


def mask_place(model: nn.Module, layer: str, image_size: Sequence[int]) -> str:
    """Which masks the output of a layer has passed, and which are still to come, in words.

    Known from a forward pass on zeros, by the order in which modules finish.

    Args:
        model: a network; not changed.
        layer: a stage or dotted module name.
        image_size: (H, W) of its input.

    Returns:
        ``"after the mask of conv4, before that of conv5"``, either half alone, or ``"no mask"``.

    Raises:
        UnknownNameError: no such layer.
    """
    shown = find_layer(model, layer)
    gated = {name: find_layer(model, name) for name in gated_layers(model)}
    if not gated:
        return "no mask"
    finished = [module for module, _ in in_order(model, [*gated.values(), shown], image_size)]
    if shown not in finished:
        return ""  # not used: explaining it refuses it with the reason
    names = {module: name for name, module in gated.items()}
    here = finished.index(shown)
    before = [names[module] for module in finished[: here + 1] if module in names]
    after = [names[module] for module in finished[here + 1 :] if module in names]
    passed = [f"after the mask of {before[-1]}"] if before else []
    coming = [f"before {'that' if before else 'the mask'} of {after[0]}"] if after else []
    return ", ".join([*passed, *coming])

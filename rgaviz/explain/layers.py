"""Layers by name, and the one that a class activation map is taken at by default."""

from __future__ import annotations

import difflib
import math
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.attention.slot import hook_before_slot
from rgaviz.ends import input_channels, main_output, passed, the_output
from rgaviz.errors import LONGEST_PART, RgavizError, UnknownNameError, first_that_fit, kind_of, quoted
from rgaviz.explain.lending import lent
from rgaviz.explain.maps import map_size

TRIED = 30  # layers at most, from behind, each by a forward pass
NORMS = ("norm1", "ln_1")  # before the attention of a block: timm's, torchvision's


def find_layer(model: nn.Module, name: str | nn.Module) -> nn.Module:
    """The module called ``name``.

    Args:
        model: a network.
        name: a stage (``"conv5"``: the output of its attention slot, what the next layer sees) or any dotted
            module name (``"layer4"``: the map before the attention); or the module itself.

    Raises:
        UnknownNameError: no such layer; the message lists what exists.
    """
    if isinstance(name, nn.Module):
        return find_layer(model, layer_name(model, name))
    if not isinstance(name, str):
        raise RgavizError(
            f"A layer is a name, not {kind_of(name)}; give {next(iter(stage_names(model)), 'layer4')!r}, say."
        )
    stages = stage_names(model)
    modules = dict(model.named_modules())
    path = stages.get(name, name)
    if path in modules and path:
        return modules[path]
    top = [each for each, _ in model.named_children() if each != "attention"]
    near = difflib.get_close_matches(name, [*stages, *modules], n=1)
    hint = f"Did you mean {quoted(near[0])}? " if near else ""
    named = f"Choose a stage ({', '.join(stages)}) or" if stages else "This network has no stages; choose"
    below = first_that_fit(top, LONGEST_PART)
    more = f" and {len(top) - len(below)} more" if len(top) > len(below) else ""
    raise UnknownNameError(
        f"Unknown layer {quoted(name)}. {hint}{named} a dotted module name below {', '.join(below)}{more}."
    )


def layer_name(model: nn.Module, layer: str | nn.Module) -> str:
    """The dotted name of a module of a network; a name stays what it is.

    Raises:
        RgavizError: the network does not have it.
    """
    if isinstance(layer, str):
        return layer
    found = next((name for name, module in model.named_modules() if module is layer), None)
    if not found:
        raise RgavizError(
            f"This network does not have that {type(layer).__name__}; give one of its own modules, or a name for "
            f"all networks."
        )
    return found


def stage_names(model: nn.Module) -> dict[str, str]:
    """Stage name -> dotted module name; empty for a network without stages."""
    stages = getattr(model, "stages", None)  # timm's networks have a Sequential of that name
    stages = getattr(model, "named_stages", stages)
    return stages if isinstance(stages, dict) else {}


def default_cam_layer(model: nn.Module, image_size: Sequence[int] | None = None) -> str:
    """The stage that the network names as its ``cam_stage``, else the last one, where maps are most about the class.

    Without stages it is the last layer with a map that all goes through: behind the layers of a gate, say, which is but
    one of two ways to the output, a map would not be about what the network sees.

    That layer is found by forward passes on zeros: of the modules with weights that give a map with more than one
    position the last to finish, which is the outermost of those that give the same map, without which nothing of the
    image reaches the output; where there is none such, the last of all. Where a network ends in
    tokens it is the norm before the last attention: behind it, often only the class token reaches the class.

    Args:
        model: a network; not changed.
        image_size: (H, W) of its input; by default ``model.config["image_size"]``.

    Raises:
        RgavizError: the network has no map, or ends in tokens without such a norm.
    """
    stages = stage_names(model)
    if stages:
        named = getattr(model, "cam_stage", "")
        return named if named in stages else list(stages)[-1]
    configured: Any = model  # a network of ours, or one from elsewhere that was given a configuration
    size: Sequence[int] = image_size or configured.config["image_size"]
    shapes = _output_shapes(model, size)
    spread = [name for name, shape in shapes if sum(n > 1 for n in shape[1:]) > 1]  # else it is one vector
    grids = [(name, len(shape)) for name, shape in shapes if math.prod(map_size(shape, size) or [0]) > 1]
    maps = [name for name, axes in grids if axes == 4]
    norms = [name for name, axes in grids if axes == 3 and name.rpartition(".")[2] in NORMS]
    if not maps and not norms:
        raise RgavizError(
            "This network has no layer with a map (B, C, h, w); there is nothing to explain it by."
        )
    if maps and spread[-1] == maps[-1]:
        return _passed_by_all(model, maps, size) or maps[-1]
    if norms:
        return norms[-1]
    raise RgavizError(
        f"This network ends in {spread[-1]!r}, which is no map (B, C, h, w), and has no norm before an attention "
        f"({', '.join(NORMS)}) that gives tokens: name a layer with --layer (the last map is {maps[-1]!r})."
    )


def _passed_by_all(model: nn.Module, names: Sequence[str], size: Sequence[int]) -> str | None:
    """The last of some layers, in order, without which the output would not depend on the image; None of no such."""
    modules = dict(model.named_modules())
    for name in list(dict.fromkeys(reversed(names)))[:TRIED]:
        with lent(model):
            handle = hook_before_slot(modules[name], lambda _, inputs, output: output.detach())
            try:
                found = model(_zeros(model, size).requires_grad_() * 1)  # a leaf may not be changed in place
            finally:
                handle.remove()
        if not main_output(found).requires_grad:
            return name
    return None


def ends_in_sigmoid(model: nn.Module, size: Sequence[int], output: str | int | None = None) -> bool:
    """Whether what a network gives for images (H, W) has been through a sigmoid.

    Args:
        model: a network; not changed.
        size: of its images.
        output: which of several outputs is meant.
    """
    with lent(model, trainable=True):
        found = the_output(model(_zeros(model, size)), output)
    return found.grad_fn is not None and found.grad_fn.name().startswith("SigmoidBackward")


def _zeros(model: nn.Module, size: Sequence[int]) -> Tensor:
    """An image (1, C, H, W) of nothing, as the network takes it."""
    first = next(model.parameters(), torch.zeros(()))
    return torch.zeros(1, input_channels(model), *size, device=first.device, dtype=first.dtype)


def _output_shapes(model: nn.Module, size: Sequence[int]) -> list[tuple[str, tuple[int, ...]]]:
    """Name and output shape of every module with weights, in the order they finish."""
    # Neither a pooling layer nor a dropout is where a network looks, though its output may have the form of a map.
    weighted = {
        m: name for name, m in model.named_modules() if name and next(m.parameters(), None) is not None
    }
    found = in_order(model, weighted, size)
    return [(weighted[module], shape) for module, shape in found if shape is not None]


def in_order(
    model: nn.Module, modules: Iterable[nn.Module], image_size: Sequence[int]
) -> list[tuple[nn.Module, tuple[int, ...] | None]]:
    """Modules of a network in the order in which they finish in a forward pass on zeros.

    Args:
        model: a network; not changed.
        modules: of it.
        image_size: (H, W) of its input.

    Returns:
        Each as often as it is used, with the shape of its output; None for what is no tensor.
    """
    order: list[tuple[nn.Module, tuple[int, ...] | None]] = []
    thread = threading.get_ident()

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            order.append((module, tuple(output.shape) if isinstance(output, Tensor) else None))

    with lent(model):
        handles = [hook_before_slot(module, note) for module in dict.fromkeys(modules)]
        try:
            passed(model, _zeros(model, image_size))
        finally:
            for handle in handles:
                handle.remove()
    return order

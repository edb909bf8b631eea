"""A network whose weights, or those of some of its parts, are what they were before it learnt anything.

Source: Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018: a map that stays the same is not about what the
network has learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from rgaviz.errors import RgavizError
from rgaviz.explain.layers import in_order

SEED = 0
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def parts_of(model: nn.Module, image_size: Sequence[int]) -> list[str]:
    """The parts of a network from its head down: its children with weights, of containers theirs.

    Args:
        model: a network; not changed.
        image_size: (H, W) of its input.

    Returns:
        Dotted names; what a forward pass does not use is not among them.
    """
    names: dict[nn.Module, str] = {}
    for name, child in model.named_children():
        within = child.named_children() if isinstance(child, CONTAINERS) else ()
        own = {each: f"{name}.{inner}" for inner, each in within} or {child: name}
        names |= {each: path for each, path in own.items() if next(each.parameters(), None) is not None}
    used = [module for module, _ in in_order(model, names, image_size)]
    return [names[module] for module in dict.fromkeys(reversed(used))]


@contextmanager
def randomized(model: nn.Module, parts: Sequence[str], see: Callable[[], None]) -> Iterator[None]:
    """Within the block these parts are as fresh ones; then they are as before, on error too.

    A layer draws its weights as PyTorch does when it is made (``reset_parameters``), by a seed of its own; of a module
    that cannot, the values of each parameter are shuffled. Batch normalisation gets the statistics of the pictures that
    ``see`` shows the network, as in a training's first steps: without them gates behind it would saturate.

    Call it inside :func:`rgaviz.explain.lending.lent`.

    Args:
        model: the network.
        parts: dotted names.
        see: sends pictures through the network, two at least at once.
    """
    modules = [(part, model.get_submodule(part)) for part in parts]
    before = [(each, [value.clone() for value in _values(each)]) for _, each in modules]
    try:
        for part, module in modules:
            _renew(module, SEED + sum(part.encode()))  # whichever other parts are
        _calibrate([module for _, module in modules], see)
        yield
    finally:
        with torch.no_grad():
            for module, values in before:
                for value, kept in zip(_values(module), values, strict=True):
                    value.copy_(kept)


def _values(module: nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


@torch.no_grad()
def _renew(module: nn.Module, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for each in module.modules():
            own = list(each.parameters(recurse=False))
            reset: Any = getattr(each, "reset_parameters", None)
            if own and callable(reset):
                reset()
                continue
            for parameter in own:
                flat = parameter.flatten()
                parameter.copy_(flat[torch.randperm(len(flat)).to(flat.device)].view_as(parameter))


def _calibrate(modules: Sequence[nn.Module], see: Callable[[], None]) -> None:
    """Give batch normalisation in these modules the statistics of what it sees."""
    found = [
        (each, each.momentum)
        for module in modules
        for each in module.modules()
        if isinstance(each, _BatchNorm) and each.track_running_stats
    ]
    if not found:
        return
    try:
        for norm, _ in found:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
            norm.train()
        with torch.no_grad():
            see()
    except ValueError as error:  # of PyTorch
        raise RgavizError(
            "Batch normalisation has one value to normalise by: give pictures of one size, two at least."
        ) from error
    finally:
        for norm, momentum in found:
            norm.momentum = momentum
            norm.eval()

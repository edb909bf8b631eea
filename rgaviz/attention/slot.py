"""Attention behind a module of a network that has no place for it: a forward hook, which leaves names as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class Slot:
    """A forward hook that sends a module's output through attention; copied and pickled together with its network.

    Args:
        attention: (B, C, H, W) -> (B, C, H, W), a module of the same network.
    """

    def __init__(self, attention: nn.Module) -> None:
        self.attention = attention

    def __call__(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return self.attention(output)


def hook_before_slot(module: nn.Module, hook: Any) -> RemovableHandle:
    """Register a forward hook on what a module itself gives: where a slot follows it, before that."""
    return module.register_forward_hook(hook, prepend=bool(_slots(module)))


@contextmanager
def slots_last(module: nn.Module) -> Iterator[None]:
    """Within the block the hooks that others have registered on a module see what it itself gives."""
    hooks, order = module._forward_hooks, list(module._forward_hooks)
    for key in _slots(module):
        hooks[key] = hooks.pop(key)
    try:
        yield
    finally:
        for key in order:
            if key in hooks:
                hooks[key] = hooks.pop(key)


def _slots(module: nn.Module) -> list[int]:
    return [key for key, hook in module._forward_hooks.items() if isinstance(hook, Slot)]

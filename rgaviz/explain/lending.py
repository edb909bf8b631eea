"""A network is lent to one thread at a time, and given back as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import nn

from rgaviz.errors import RgavizError

_turns: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()  # module -> whose turn it is
_turns_guard = threading.Lock()


def _turn_of(modules: Iterable[nn.Module]) -> ExitStack:
    """The locks of modules, taken: always in one order, so that no two threads wait for each other."""
    with _turns_guard:
        turns = [_turns.setdefault(each, threading.RLock()) for each in sorted(modules, key=id)]
    stack = ExitStack()
    for turn in turns:
        stack.enter_context(turn)
    return stack


@contextmanager
def lent(model: nn.Module, *, trainable: bool = False) -> Iterator[None]:
    """Lend a network in eval mode, with autograd on and autocast off; whatever happens, it comes back as it was.

    Another thread that wants the same network, or one that shares modules with it, waits; networks side by side do not.

    Args:
        model: the network.
        trainable: whether its parameters ask for gradients meanwhile.

    Raises:
        RgavizError: weights that autograd cannot work with, or modules that cannot be watched.
    """
    if any(isinstance(each, torch.jit.ScriptModule) for each in model.modules()):
        raise RgavizError(
            "The network is TorchScript, whose modules cannot be watched: explain the module that it was made from."
        )
    with _turn_of(model.modules()):
        # Children too: an interrupt in the middle of an exchange would leave it so.
        modules = [
            (each, each.training, dict(each._modules), each._compiled_call_impl) for each in model.modules()
        ]
        parameters = [(each, each.requires_grad, each.grad) for each in model.parameters()]
        if any(each.is_inference() for each in model.parameters()):
            raise RgavizError(
                "The network was built in torch.inference_mode, so nothing can be differentiated: build it outside, or "
                "explain copy.deepcopy(network)."
            )
        device = parameters[0][0].device.type if parameters else "cpu"
        try:
            model.eval()
            for module, *_, compiled in modules:
                if compiled is not None:  # by module.compile(): hooks would not be called
                    module._compiled_call_impl = None
            for parameter, _, _ in parameters:
                parameter.requires_grad_(trainable)
            # The caller may have turned autograd off, or half precision on.
            with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device, enabled=False):
                yield
        finally:
            for module, mode, children, compiled in modules:
                module.training = mode
                module._modules.update(children)
                if compiled is not None:
                    module._compiled_call_impl = compiled
            for parameter, wanted, gradient in parameters:
                parameter.requires_grad_(wanted)
                parameter.grad = gradient

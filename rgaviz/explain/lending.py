"""A network is lent to one thread at a time, and given back as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import nn

from rgaviz.errors import RgavizError

_turns: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()  # network -> whose turn it is
_turns_guard = threading.Lock()


def _turn(model: nn.Module) -> threading.RLock:
    with _turns_guard:
        return _turns.setdefault(model, threading.RLock())


@contextmanager
def lent(model: nn.Module, *, trainable: bool = False) -> Iterator[None]:
    """Lend a network in eval mode, with autograd on and autocast off; whatever happens, it comes back as it was.

    Another thread that wants the same network waits; networks side by side do not.

    Args:
        model: the network.
        trainable: whether its parameters ask for gradients meanwhile.

    Raises:
        RgavizError: weights that autograd cannot work with.
    """
    with _turn(model):
        # Children too: an interrupt in the middle of an exchange would leave it so.
        modules = [(module, module.training, dict(module._modules)) for module in model.modules()]
        parameters = [(each, each.requires_grad, each.grad) for each in model.parameters()]
        if any(each.is_inference() for each in model.parameters()):
            raise RgavizError(
                "The network was built in torch.inference_mode, so nothing can be differentiated: build it outside, or "
                "explain copy.deepcopy(network)."
            )
        device = parameters[0][0].device.type if parameters else "cpu"
        try:
            model.eval()
            for parameter, _, _ in parameters:
                parameter.requires_grad_(trainable)
            # The caller may have turned autograd off, or half precision on.
            with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device, enabled=False):
                yield
        finally:
            for module, mode, children in modules:
                module.training = mode
                module._modules.update(children)
            for parameter, wanted, gradient in parameters:
                parameter.requires_grad_(wanted)
                parameter.grad = gradient

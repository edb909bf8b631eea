"""A module beside its equations: outputs, gradients and running statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from parametrised import rare
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

EXACT = {"rtol": 1e-10, "atol": 1e-10}
WAYS = [  # training or not, and how a map lies in memory
    (True, torch.channels_last),
    (False, torch.contiguous_format),
    rare((True, torch.contiguous_format)),
    rare((False, torch.channels_last)),
]


def settled(module: nn.Module) -> nn.Module:
    """The module in float64, no normalisation with a default value."""
    for each in module.double().modules():
        if isinstance(each, _BatchNorm):
            for key, value in each.state_dict().items():
                if key in ("weight", "running_var"):
                    value.uniform_(0.5, 2)
                elif value.is_floating_point():
                    value.normal_(std=0.5)
    return module


def features(shape, layout=torch.contiguous_format, seed=1) -> Tensor:
    """A map that takes gradients."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).to(memory_format=layout)
    return x.requires_grad_()


def leaves(module: nn.Module) -> dict[str, Tensor]:
    """A copy of the state whose parameters take gradients."""
    learned = dict(module.named_parameters())
    return {
        key: value.detach().clone().requires_grad_(key in learned)
        for key, value in module.state_dict().items()
    }


def check_equations(module: nn.Module, reference: Callable[..., Any], name: str, shape, layout) -> None:
    """Assert that ``module`` is what ``reference(state, training=...)(name, x)`` computes.

    The reference keeps the running statistics it would have after the step in ``running``.
    """
    x, weights = features(shape, layout), torch.randn(shape, dtype=torch.float64)
    state, reference_x = leaves(module), features(shape)
    equations = reference(state, training=module.training)
    expected = equations(name, reference_x)
    (expected * weights).sum().backward()

    output = module(x)
    (output * weights).sum().backward()

    torch.testing.assert_close(output, expected, **EXACT)
    torch.testing.assert_close(x.grad, reference_x.grad, **EXACT)
    for key, parameter in module.named_parameters():
        torch.testing.assert_close(
            parameter.grad, state[key].grad, msg=lambda m, key=key: f"{key}: {m}", **EXACT
        )
    for key, value in module.named_buffers():
        if "num_batches" in key:
            assert value == int(module.training)
        else:
            torch.testing.assert_close(value, equations.running.get(key, state[key]), **EXACT)
    assert bool(equations.running) == (module.training and bool(list(module.buffers())))


def half_and_full(module: nn.Module, dtype: torch.dtype, *, training: bool, scale: float, settle: bool):
    """Outputs (autocast, float32) of a module for the same maps (8, 32, 9, 8) of about ``scale``, divided by it."""
    x = (torch.randn(8, 32, 9, 8) + 0.5).relu() * scale
    with torch.no_grad():
        for _ in range(100 if settle else 0):  # running statistics of such features
            module(x)
        module.train(training)
        expected = module(x)
        with torch.autocast("cpu", dtype=dtype):
            output = module(x)
    assert torch.isfinite(output).all()
    return output.float() / scale, expected / scale

"""All that explaining must give back."""

from __future__ import annotations

import torch


def snapshot(model):
    """Weights, flags, gradients, hooks, modules and attributes of a network."""
    return {
        "state": {key: value.clone() for key, value in model.state_dict().items()},
        "modules": dict(model.named_modules()),
        "modes": {name: module.training for name, module in model.named_modules()},
        "wanted": {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        "gradients": {name: parameter.grad for name, parameter in model.named_parameters()},
        "values": {n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()},
        "hooks": {n: (len(m._forward_hooks), len(m._backward_hooks)) for n, m in model.named_modules()},
        "attributes": {name: set(vars(module)) for name, module in model.named_modules()},
    }


def assert_same(model, before):
    after = snapshot(model)
    for key in ("modules", "modes", "wanted", "hooks", "attributes"):
        assert after[key] == before[key], key
    for key, value in before["state"].items():
        assert torch.equal(after["state"][key], value), key
    for key, gradient in before["gradients"].items():
        assert after["gradients"][key] is gradient, key
        if gradient is not None:
            assert torch.equal(gradient, before["values"][key]), key

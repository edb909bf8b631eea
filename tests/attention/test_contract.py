"""What every attention promises to the networks and to whoever reads its masks."""

from __future__ import annotations

import pytest
import torch

from rgaviz.attention import ATTENTIONS, Gate, build_attention
from rgaviz.explain.capture import capture
from rgaviz.explain.gates import gates

SHAPE = (4, 64, 6, 5)  # B, C, H, W
MASK = {"spatial": (4, 1, 6, 5), "channel": (4, 64, 1, 1), "joint": (4, 64, 6, 5)}
KINDS = {"none": [], "rga-sc": ["spatial", "channel"], "rga-cs": ["channel", "spatial"]}
KINDS |= {"rga-parallel": ["spatial", "channel"]}
KINDS |= {f"rga-{k[0]}{suffix}": [k] for k in ("spatial", "channel") for suffix in ("", "-norel", "-novis")}
KINDS |= {"se": ["channel"], "cbam-c": ["channel"], "cbam-s": ["spatial"], "cbam-cs": ["channel", "spatial"]}
KINDS |= {"fc-s": ["spatial"], "fc-c": ["channel"], "fc-parallel": ["joint"]}
KINDS |= {"nl": [], "nl+rga-s": ["spatial"]}
RESIDUAL = {"nl": "", "nl+rga-s": "nonlocal_block."}  # block that adds to the map -> where its weights are


def build(name, seed=0):
    torch.manual_seed(seed)
    module = build_attention(name, SHAPE[1], SHAPE[2:], 2, 2)
    if name in RESIDUAL:  # its gain starts at zero, so nothing before it would have a gradient
        torch.nn.init.ones_(module.get_parameter(f"{RESIDUAL[name]}output_bn.weight"))
    return module


def attributes(module):
    return {path: set(vars(each)) for path, each in module.named_modules()}


@pytest.mark.parametrize("name", ATTENTIONS)
def test_contract(name):
    module = build(name)
    found = [each for each in module.modules() if isinstance(each, Gate)]
    assert [gate.kind for gate in found] == KINDS[name]
    assert not any(list(gate.parameters()) for gate in found)

    watched = {str(index): gate for index, gate in enumerate(found)}
    x = torch.randn(SHAPE, requires_grad=True)
    before = attributes(module)
    with capture(watched=watched) as caught:
        output = module(x)
    assert attributes(module) == before
    assert isinstance(output, torch.Tensor)
    assert output.shape == x.shape
    (output * torch.randn(SHAPE)).sum().backward()
    assert x.grad is not None
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None, key
        if key != f"{RESIDUAL.get(name)}output.bias":  # which the normalisation behind it takes away again
            assert parameter.grad.abs().max() > 1e-6, key

    product = torch.ones(())
    for index, gate in enumerate(found):
        mask = caught.masks[str(index)]
        assert mask.shape == MASK[gate.kind]
        assert mask.min() >= 0
        assert mask.max() <= 1
        assert mask.std() > 0
        product = product * mask
    modulated = x if name not in RESIDUAL else output if name == "nl" else module.nonlocal_block(x)
    torch.testing.assert_close(output, modulated * product)  # by its masks, and by nothing else

    other = build(name, seed=1)
    if name != "none":
        assert not torch.equal(other.eval()(x), module.eval()(x))
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.eval()(x), module.eval()(x))


@pytest.mark.parametrize("name", ATTENTIONS)
def test_one_image_in_eval_mode_is_one_of_a_batch(name):
    module, x = build(name).eval(), torch.randn(SHAPE)
    torch.testing.assert_close(module(x[1:2]), module(x)[1:2])


def test_gates_of_a_module_by_kind():
    model = torch.nn.ModuleDict(
        {"a": build("rga-sc"), "b": torch.nn.Sequential(build("rga-s"), build("rga-s"))}
    )
    assert list(gates(model, "a")) == ["a/spatial", "a/channel"]
    assert list(gates(model, "b")) == ["b.0.gate/spatial", "b.1.gate/spatial"]

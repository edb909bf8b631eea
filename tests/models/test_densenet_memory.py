"""DenseNet in little memory: what is computed twice is the same to the last bit."""

from __future__ import annotations

import pytest
import torch
from dense import KINDS, SMALL, outcome
from torch import nn

from rgaviz.explain.capture import capture
from rgaviz.explain.gates import gates
from rgaviz.explain.layers import find_layer
from rgaviz.models import create_model
from rgaviz.models.densenet import DenseBlock, DenseNet
from rgaviz.training.loop import COMPILES_RECOMPUTATION


@pytest.mark.parametrize("autocast", [False, True], ids=["float64", "bf16"])
@KINDS
def test_memory_efficient_training_is_the_same_to_the_last_bit(bc, autocast):
    """Two steps, the second with the weights and statistics that the first one left."""
    found = []
    for efficient in (False, True):
        torch.manual_seed(3)
        model = DenseNet(4, bc=bc, attention="rga-sc", **SMALL, memory_efficient=efficient)
        model = model if autocast else model.double()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        images = torch.randn(4, 3, 16, 14, dtype=next(model.parameters()).dtype)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found.append(outcome(model, images))
            optimizer.step()
            found.append(outcome(model, images))
    plain, efficient = found[:2], found[2:]
    for before, after in zip(plain, efficient, strict=True):
        assert before.keys() == after.keys()
        for name, value in before.items():
            assert torch.equal(value, after[name]), name
    assert efficient[1]["features.denseblock1.denselayer1.norm1.num_batches_tracked"] == 2


def kept_bytes(model: nn.Module, images: torch.Tensor) -> int:
    """What a forward pass keeps for the backward pass, besides weights and statistics."""
    weights = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()  # held, or its address would be used again
        kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(images)
    return sum(storage.nbytes() for address, storage in kept.items() if address not in weights)


@pytest.mark.parametrize(("arch", "share"), [("densenet100", 0.2), ("densenet-bc100", 0.25)])
def test_memory_efficient_training_keeps_less(arch, share):
    images = torch.randn(2, 3, 16, 16)
    plain, efficient = (
        kept_bytes(create_model(arch, image_size=(16, 16), memory_efficient=each).train(), images)
        for each in (False, True)
    )
    assert efficient < share * plain


def test_only_training_computes_twice():
    model = create_model("densenet-bc100", **SMALL, memory_efficient=True)
    layer = model.features.denseblock2.denselayer4.norm1
    calls = []
    layer.register_forward_hook(lambda *_: calls.append(1))
    images = torch.randn(2, 3, 16, 14)
    for train, gradients, expected in ((True, True, 2), (False, True, 1), (True, False, 1)):
        calls.clear()
        with torch.set_grad_enabled(gradients):
            total = model.train(train)(images).sum()
        if gradients:
            total.backward()
        assert len(calls) == expected
    assert layer.num_batches_tracked == 2


def test_statistics_are_restored_when_recomputation_fails():
    block = DenseBlock(2, 4, bottleneck=False, memory_efficient=True).train()
    total = block(torch.randn(2, 4, 5, 5)).sum()
    before = {name: value.clone() for name, value in block.named_buffers()}

    def fail(*_):
        raise RuntimeError("out of memory")

    block.denselayer2.norm1.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        total.backward()
    for name, value in block.named_buffers():
        assert torch.equal(value, before[name]), name


@pytest.mark.skipif(torch.__version__ < COMPILES_RECOMPUTATION, reason="training refuses it there")
def test_a_compiled_block_is_the_same():
    found = []
    for efficient in (False, True):
        torch.manual_seed(0)
        block = DenseBlock(2, 4, bottleneck=False, memory_efficient=efficient).double().train()
        run_block = torch.compile(block, backend="aot_eager", fullgraph=True) if efficient else block
        images = torch.randn(2, 4, 5, 5, dtype=torch.float64, requires_grad=True)
        run_block(images).square().sum().backward()
        found.append([images.grad, *(each.grad for each in block.parameters()), *block.buffers()])
    for eager, compiled in zip(*found, strict=True):
        torch.testing.assert_close(compiled, eager, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer", ["transition1", "features.denseblock2.denselayer3", "denseblock3"])
def test_a_layer_is_watched_in_training_too(layer):
    """What the hooks of the explanations catch, and the gradients that end there, do not depend on the option."""
    found = []
    for efficient in (False, True):
        torch.manual_seed(1)
        model = DenseNet(4, bc=True, attention="rga-sc", **SMALL, memory_efficient=efficient).double().train()
        images = torch.randn(2, 3, 16, 14, dtype=torch.float64)
        watched = gates(model, "transition1")
        with capture(layer=find_layer(model, layer), watched=watched) as caught:
            score = model(images)[:, 2].sum()
        (gradients,) = torch.autograd.grad(score, caught.activations)
        found.append([caught.activations, gradients, *caught.masks.values()])
    assert found[0][1].abs().max() > 0
    assert len(found[0]) == 4
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))

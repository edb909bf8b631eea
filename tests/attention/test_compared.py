"""The attentions of Tables 2 and 3 equal their papers' equations, with the parameters of the authors' codes."""

from __future__ import annotations

import re

import pytest
import torch
from comparison import EXACT, WAYS, check_equations, features, half_and_full, leaves, settled
from parametrised import rare
from reference_attention import Compared
from reference_rga import Reference, spatial_nodes

from rgaviz import create_model, masks
from rgaviz.attention import ATTENTIONS, Gate, build_attention
from rgaviz.attention.nonlocal_ import NonLocal
from rgaviz.errors import RgavizError

SHAPES = [(3, 10, 5, 4), (2, 33, 3, 6), (4, 9, 4, 4)]  # B, C, H, W
STAGES = [(256, (64, 32)), (512, (32, 16)), (1024, (16, 8)), (2048, (16, 8))]  # ResNet-50 at 256x128
COUNTS = {
    "se": [8_464, 33_312, 132_160, 526_464],
    "cbam-c": [8_464, 33_312, 132_160, 526_464],
    "cbam-s": [100, 100, 100, 100],
    "cbam-cs": [8_564, 33_412, 132_260, 526_564],
    "fc-s": [590_336, 262_656, 295_424, 557_568],
    "fc-c": [131_584, 262_656, 524_800, 1_049_088],
    # FC-S and FC-C share 256 C + 512 of the embedding
    "fc-parallel": [655_872, 393_728, 557_568, 1_081_856],
    "nl": [132_224, 526_592, 2_101_760, 8_397_824],
    # the block and RGA-S of test_rga.py
    "nl+rga-s": [132_224 + 1_082_178, 526_592 + 164_898, 2_101_760 + 398_154, 8_397_824 + 1_578_570],
}


def attention(name, shape, seed=0):
    """In float64, and with weights for which no part is as good as absent."""
    torch.manual_seed(seed)
    module = settled(build_attention(name, shape[1], shape[2:], 3, 2))
    for block in module.modules():
        if isinstance(block, NonLocal):  # it starts with small weights and no biases
            for parameter in (*block.embed.parameters(), *block.output.parameters()):
                torch.nn.init.normal_(parameter, std=shape[1] ** -0.5)
    return module


def test_every_row_of_the_tables():
    assert set(ATTENTIONS) == {"none", *COUNTS, *(name for name in ATTENTIONS if name.startswith("rga"))}
    for name in COUNTS:
        assert re.search(r"\bTable [23]\b", (ATTENTIONS[name].__doc__ or "").splitlines()[0]), name


@pytest.mark.parametrize(("training", "layout"), WAYS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", COUNTS)
def test_equals_the_equations(name, shape, training, layout):
    check_equations(attention(name, shape).train(training), Compared, name, shape, layout)


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    with torch.device("meta"):
        modules = [build_attention(name, *stage) for stage in STAGES]
    assert [sum(each.numel() for each in module.parameters()) for module in modules] == COUNTS[name]


@pytest.mark.parametrize("name", sorted({*COUNTS} - {"nl+rga-s"}))
def test_ratios_belong_to_the_relations(name):
    built = []
    for ratios in ((8, 8), (1, 3)):
        torch.manual_seed(0)
        built.append(
            build_attention(name, 4, (2, 3), *ratios).state_dict()
        )  # far too small for relations at 8
    for key, value in built[0].items():
        assert torch.equal(value, built[1][key]), key


def test_relations_behind_a_non_local_block_need_ratios_that_fit():
    with pytest.raises(RgavizError, match=r"too small for s1=8, s2=8.*s1=s2=3 works\.$"):
        build_attention("nl+rga-s", 4, (2, 3), 8, 8)
    with pytest.raises(RgavizError):
        build_attention("nl+rga-s", 4, (2, 3), 4, 4)
    assert build_attention("nl+rga-s", 4, (2, 3), 3, 3).eval()(torch.rand(1, 4, 2, 3)).shape == (1, 4, 2, 3)


@pytest.mark.parametrize("channels", [1, 2, 3, 15])
@pytest.mark.parametrize("name", COUNTS)
def test_few_channels(name, channels):
    module = build_attention(name, channels, (3, 2), 1, 1)
    assert module(torch.rand(2, channels, 3, 2)).shape == (2, channels, 3, 2)


@pytest.mark.parametrize("training", [True, False])
def test_a_fresh_non_local_block_is_the_identity(training):
    module, x = build_attention("nl", 12, (5, 3)).train(training), torch.randn(3, 12, 5, 3)
    for _ in range(3):  # running statistics, too
        assert torch.equal(module(x), x)
    both = build_attention("nl+rga-s", 12, (5, 3), 2, 2).train(training)
    torch.testing.assert_close(both(x), both.rga(x), rtol=0, atol=0)


def test_initial_values_of_the_non_local_block():
    torch.manual_seed(0)
    module = build_attention("nl", 256, (2, 2))
    for conv in (module.embed, module.output):
        assert conv.weight.std().item() == pytest.approx(0.01, rel=0.02)
        assert not conv.bias.any()


def test_a_non_local_block_keeps_no_weights_for_the_backward_pass():
    kept = []
    x = torch.randn(1, 4, 24, 20, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        build_attention("nl", 4, (24, 20))(x).sum().backward()
    assert 4 * 480 <= max(kept) < 480 * 480  # features, but not N x N


@pytest.mark.parametrize("shape", SHAPES)
def test_affinity_of_the_non_local_block_is_its_softmax(shape):
    module, x = attention("nl", shape).eval(), features(shape).detach()
    expected, _ = Compared(leaves(module), training=False).nl_weights(x)
    affinity = module.affinity(x)
    torch.testing.assert_close(affinity, expected.detach(), **EXACT)
    torch.testing.assert_close(affinity.sum(2), torch.ones_like(affinity[..., 0]), **EXACT)
    assert torch.equal(module.affinity(x, kind="spatial"), affinity)
    assert affinity.std() > 0.1 / affinity.shape[2]  # not merely the mean


def test_affinity_behind_a_non_local_block():
    shape = SHAPES[0]
    module, x = attention("nl+rga-s", shape).eval(), features(shape).detach()
    equations = Compared(leaves(module), training=False)
    rga = Reference(equations.state, training=False)
    nodes = spatial_nodes(equations.nl(x, "nonlocal_block."))
    torch.testing.assert_close(
        module.affinity(x, kind="spatial"), rga.relations(nodes, "rga.attend.").detach(), **EXACT
    )
    own, _ = equations.nl_weights(x, "nonlocal_block.")
    torch.testing.assert_close(module.nonlocal_block.affinity(x), own.detach(), **EXACT)


@pytest.mark.parametrize("name", ["nl", "nl+rga-s"])
def test_relations_that_do_not_exist(name):
    with pytest.raises(RgavizError, match=r"^[^\n]*spatial relations, not 'channel'[^\n]*$"):
        attention(name, SHAPES[0]).affinity(features(SHAPES[0]), "channel")


def fresh(name):
    torch.manual_seed(0)
    module = build_attention(name, 32, (9, 8), 4, 4)
    for each in module.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(each.weight)
    return module


@pytest.mark.parametrize("scale", [rare(1.0), 1e3])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", COUNTS)
def test_autocast(name, dtype, training, scale):
    output, expected = half_and_full(fresh(name), dtype, training=training, scale=scale, settle=not training)
    torch.testing.assert_close(output, expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", COUNTS)
def test_gradients_under_autocast_are_finite(name, dtype):
    module, x = fresh(name), (torch.randn(4, 32, 9, 8) * 1e3).requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        module(x).float().mean().backward()
    for tensor in (x, *module.parameters()):
        assert torch.isfinite(tensor.grad).all()


def test_scores_beyond_float16_do_not_overflow():
    module = fresh("nl").eval()
    with torch.no_grad():
        module.embed.weight.mul_(100)
    x = torch.randn(2, 32, 9, 8) * 300  # theta . phi reaches 1e7, float16 ends at 65504
    theta, phi, _ = module._embed(x)
    assert (theta @ phi.transpose(1, 2)).abs().max() > 1e7
    with torch.autocast("cpu", dtype=torch.float16):
        assert torch.isfinite(module(x)).all()


@pytest.mark.parametrize("arch", ["resnet20", "resnet50"])
@pytest.mark.parametrize("name", COUNTS)
def test_in_a_network(name, arch):
    torch.manual_seed(0)
    model = create_model(arch, name, num_classes=5, image_size=(16, 12), width=8, s1=2, s2=2)
    x = torch.randn(4, 3, 16, 12)
    model(x).square().sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
    kinds = [each.kind for each in model.modules() if isinstance(each, Gate)]
    if name == "nl":
        assert not kinds
        with pytest.raises(RgavizError, match="no masks"):
            masks(model, x)
        return
    found = masks(model, x)
    assert len(found) == len(kinds) > 0
    axes = {"spatial": 3, "channel": 2, "joint": 4}
    for key, values in found.items():
        assert values.ndim == axes[key.rpartition("/")[2]]
        assert 0 <= values.min() < values.max() <= 1

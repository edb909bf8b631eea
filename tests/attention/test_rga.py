"""RGA equals the paper's equations, and says no clearly where it cannot be built."""

from __future__ import annotations

import re

import pytest
import torch
from comparison import EXACT, WAYS, check_equations, features, half_and_full, leaves, settled
from parametrised import rare
from reference_rga import Reference, channel_nodes, spatial_nodes

from rgaviz.attention import ATTENTIONS, build_attention
from rgaviz.errors import RgavizError, UnknownNameError

RGA = [name for name in ATTENTIONS if name.startswith("rga")]
SHAPES = [(3, 10, 7, 5), (2, 13, 3, 6), (4, 9, 4, 4)]  # B, C, H, W


def attention(name, shape, seed=0, s1=3, s2=2):
    """A module in float64 none of whose weights and statistics has a default value."""
    torch.manual_seed(seed)
    return settled(build_attention(name, shape[1], shape[2:], s1, s2))


@pytest.mark.parametrize(("training", "layout"), WAYS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", RGA)
def test_equals_the_equations(name, shape, training, layout):
    check_equations(attention(name, shape).train(training), Reference, name, shape, layout)


@pytest.mark.parametrize("name", ["rga-s", "rga-c"])
def test_relations_have_a_direction(name):
    module = attention(name, SHAPES[0]).eval()
    x = features(SHAPES[0])
    before, relations = module(x), module.affinity(x)
    assert not torch.allclose(relations, relations.transpose(1, 2), atol=1e-2)
    with torch.no_grad():
        row, column = module.attend.relate.weight.chunk(2, dim=1)
        module.attend.relate.weight.copy_(torch.cat((column, row), dim=1))
    swapped = module(x)
    assert (swapped - before).abs().max() > 1e-3
    # Exchanging theta and phi as well transposes R: rows are columns again.
    for values in module.attend.state_dict().values():
        if values.ndim and len(values) == 3 * module.attend.width:
            theta, phi, psi = values.clone().chunk(3)
            values.copy_(torch.cat((phi, theta, psi)))
    torch.testing.assert_close(module.affinity(x), relations.transpose(1, 2), **EXACT)
    torch.testing.assert_close(module(x), before, **EXACT)


def test_permuted_positions_permute_the_relations():
    shape = SHAPES[0]
    module, x = attention("rga-s", shape).eval(), features(shape)
    order = torch.randperm(35, generator=torch.Generator().manual_seed(3))
    permuted = x.flatten(2)[:, :, order].view(shape)
    expected = module.affinity(x)[:, order][:, :, order]
    torch.testing.assert_close(module.affinity(permuted), expected, **EXACT)
    assert not torch.allclose(module.affinity(permuted), module.affinity(x), atol=1e-2)


def test_permuted_channels_permute_the_relations():
    module, x = attention("rga-c", SHAPES[0]).eval(), features(SHAPES[0])
    order = torch.randperm(10, generator=torch.Generator().manual_seed(3))
    expected = module.affinity(x)[:, order][:, :, order]
    torch.testing.assert_close(module.affinity(x[:, order]), expected, **EXACT)


@pytest.mark.parametrize(
    ("name", "kind", "prefix"),
    [
        ("rga-s", "spatial", ""),
        ("rga-c", "channel", ""),
        ("rga-sc", "spatial", "first."),
        ("rga-sc", "channel", "second."),
        ("rga-cs", "channel", "first."),
        ("rga-cs", "spatial", "second."),
        ("rga-parallel", "spatial", "spatial."),
        ("rga-parallel", "channel", "channel."),
    ],
)
def test_affinity_is_the_relations_of_the_equations(name, kind, prefix):
    shape = SHAPES[0]
    module, x = attention(name, shape).eval(), features(shape).detach()
    reference = Reference(leaves(module), training=False)
    nodes = {"spatial": spatial_nodes, "channel": channel_nodes}[kind]
    seen = x
    if prefix == "second.":  # derived from the map that the first attention has modulated
        first = reference.spatial if kind == "channel" else reference.channel
        seen = x * first(x, "first.")
        assert not torch.allclose(
            reference.relations(nodes(seen), f"{prefix}attend."),
            reference.relations(nodes(x), f"{prefix}attend."),
            atol=1e-2,
        )
    relations = module.affinity(x, kind)
    assert relations.shape == (shape[0], nodes(x).shape[1], nodes(x).shape[1])
    torch.testing.assert_close(
        relations, reference.relations(nodes(seen), f"{prefix}attend.").detach(), **EXACT
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rga-s", "channel"),
        ("rga-c", "spatial"),
        ("rga-sc", "joint"),
        ("rga-parallel", "joint"),
        ("rga-s-norel", "spatial"),
        ("rga-c-norel", "channel"),
    ],
)
def test_relations_that_do_not_exist(name, kind):
    with pytest.raises(RgavizError) as caught:
        attention(name, SHAPES[0]).affinity(features(SHAPES[0]), kind)
    assert "\n" not in str(caught.value)
    assert "relations" in str(caught.value)


def learned(name, channels, size, ratio):
    with torch.device("meta"):
        module = build_attention(name, channels, size, ratio, ratio)
    return sum(parameter.numel() for parameter in module.parameters())


STAGES = [(256, (64, 32)), (512, (32, 16)), (1024, (16, 8)), (2048, (16, 8))]  # ResNet-50 at 256x128


def test_parameter_counts_of_the_paper():
    spatial, channel = [1_082_178, 164_898, 398_154, 1_578_570], [1_590_994, 164_898, 270_754, 1_063_650]
    assert [learned("rga-s", *stage, 8) for stage in STAGES] == spatial
    assert [learned("rga-c", *stage, 8) for stage in STAGES] == channel
    for name in ("rga-sc", "rga-cs", "rga-parallel"):
        assert sum(learned(name, *stage, 8) for stage in STAGES) == 6_314_096
    assert learned("rga-sc", 16, (32, 32), 4) == 1_329_772
    assert learned("rga-sc", 108, (16, 16), 8) == 48_505
    assert learned("rga-sc", 400, (16, 16), 8) == 142_088


def test_default_ratios_are_eight():
    with torch.device("meta"):
        module = build_attention("rga-s", 256, (64, 32))
    assert sum(parameter.numel() for parameter in module.parameters()) == 1_082_178


@pytest.mark.parametrize(
    ("name", "channels", "size", "s1", "s2"),
    [
        ("rga-s", 64, (4, 4), 8, 8),  # the authors' code builds a convolution without outputs here
        ("rga-s", 4, (8, 8), 8, 8),
        ("rga-c", 4, (8, 8), 8, 2),
        ("rga-sc", 4, (8, 8), 8, 8),  # the spatial part would do with 4, the channel part needs 2
        ("rga-parallel", 4, (8, 8), 2, 8),
        ("rga-s-novis", 16, (3, 3), 4, 4),
        ("rga-s-norel", 2, (3, 5), 3, 1),
        ("rga-sc", 1, (1, 1), 8, 8),
    ],
)
def test_a_map_too_small_names_the_ratio_that_works(name, channels, size, s1, s2):
    with pytest.raises(RgavizError) as caught:
        build_attention(name, channels, size, s1, s2)
    message = str(caught.value)
    assert "\n" not in message
    assert f"s1={s1}, s2={s2}" in message
    assert re.search(rf"\b{channels}\b", message)
    assert re.search(rf"\b{size[0] * size[1]}\b", message)
    ratio = int(re.search(r"s1=s2=(\d+) works", message).group(1))
    module = build_attention(name, channels, size, ratio, ratio).eval()
    assert module(torch.rand(2, channels, *size)).shape == (2, channels, *size)
    with pytest.raises(RgavizError):
        build_attention(name, channels, size, max(ratio + 1, max(s1, s2)), max(ratio + 1, max(s1, s2)))


def test_without_relations_few_nodes_are_no_obstacle():
    module = build_attention("rga-s-norel", 16, (1, 2), 4, 4)
    assert module(torch.rand(2, 16, 1, 2)).shape == (2, 16, 1, 2)


@pytest.mark.parametrize("bad", [(0, (4, 4), 1, 1), (4, (0, 4), 1, 1), (4, (4, 4), 0, 1), (4, (4, 4), 1, -2)])
def test_impossible_sizes(bad):
    with pytest.raises(RgavizError, match="positive"):
        build_attention("rga-s", *bad)


def test_unknown_attention_is_suggested():
    with pytest.raises(UnknownNameError, match="Did you mean 'rga-sc'"):
        build_attention("rga_sc", 8, (4, 4))


def fresh(name):
    torch.manual_seed(0)
    return build_attention(name, 32, (9, 8), 4, 4)


@pytest.mark.parametrize("scale", [rare(1.0), 1e3])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", RGA)
def test_bfloat16_autocast(name, training, scale):
    output, expected = half_and_full(fresh(name), torch.bfloat16, training=training, scale=scale, settle=True)
    torch.testing.assert_close(output, expected, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("settle", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", RGA)
def test_float16_autocast_does_not_overflow(name, training, settle):
    output, expected = half_and_full(fresh(name), torch.float16, training=training, scale=1e3, settle=settle)
    torch.testing.assert_close(output, expected, rtol=0.01, atol=0.005)


def test_gradients_flow_under_float16_autocast():
    module = attention("rga-sc", SHAPES[0]).float()
    x = (features(SHAPES[0]) * 1e3).float().detach().requires_grad_()
    with torch.autocast("cpu", dtype=torch.float16):
        module(x).sum().backward()
    for tensor in (x, *module.parameters()):
        assert torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", RGA)
def test_second_derivatives(name, training):
    shape = (2, 6, 3, 2)
    module = attention(name, shape, s1=2, s2=1).train(training)
    for each in module.modules():
        if isinstance(each, torch.nn.BatchNorm1d):
            each.momentum = 0.0  # the check calls it many times
    x = features(shape)
    assert torch.autograd.gradgradcheck(module, (x,), atol=1e-5, rtol=1e-3, fast_mode=True)

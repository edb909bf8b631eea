"""Relations of single positions against the whole matrix, and against the equations as slow loops."""

import math

import numpy as np
import pytest
import torch

from rgaviz.attention import build_attention
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain import relations as module
from rgaviz.explain.relations import (
    alike,
    channel_relations,
    default_relation_layer,
    relation_doubts,
    relation_layers,
    relations,
)
from rgaviz.models import create_model

SHAPE = (2, 6, 5, 4)  # B, C, H, W
EVERYWHERE = {"attention_layers": ["conv2", "conv3", "conv4"]}


def settled(attention):
    """Statistics that are not those of a fresh network."""
    generator = torch.Generator().manual_seed(3)
    for name, buffer in attention.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator) / 4)
        if name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return attention.eval()


@pytest.mark.parametrize("block", [2**22, 7])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("rga-s", "spatial"), ("rga-sc", "spatial"), ("rga-cs", "channel"), ("rga-parallel", "channel"),
     ("nl", "spatial"), ("nl+rga-s", "spatial")],
)  # fmt: skip
def test_rows_and_columns_are_those_of_the_matrix(name, kind, block, monkeypatch):
    monkeypatch.setattr("rgaviz.attention.nonlocal_.BLOCK", block)
    torch.manual_seed(0)
    attention = settled(build_attention(name, SHAPE[1], SHAPE[2:], 2, 2)).double()
    x = torch.randn(SHAPE, dtype=torch.float64)
    whole = attention.affinity(x, kind)
    asked = torch.tensor([[0, 3, 5], [2, 2, 1]])
    found = attention.related(x, asked, kind)
    for image, nodes in enumerate(asked):
        torch.testing.assert_close(found.rows[image], whole[image][nodes])
        torch.testing.assert_close(found.columns[image], whole[image].T[nodes])


def test_what_a_non_local_block_receives_is_the_mean_of_its_rows():
    attention = build_attention("nl", 6, (5, 4))
    x = 50 * torch.randn(SHAPE)
    torch.testing.assert_close(attention.received(x), attention.affinity(x).mean(1))


def test_equation_1_as_loops():
    """R[i, j] = theta(x_i) . phi(x_j) of what a network really hands its attention."""
    torch.manual_seed(1)
    model = create_model("resnet20", "rga-s", image_size=(32, 16), attention_layers=["conv4"])
    slot = settled(model).attention["conv4"]
    image = torch.randn(1, 3, 32, 16)
    seen = []
    handle = slot.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    found = relations(model, image, "conv4", [[(0.0, 0.99), (0.6, 0.3)]])
    handle.remove()
    height, width = seen[0].shape[2:]
    cells = [(height - 1, 0), (int(0.3 * height), int(0.6 * width))]
    assert found.asked[0].tolist() == [list(cell) for cell in cells]
    attend = slot.attend
    weight = attend.embed.weight.detach()
    bn = attend.embed_bn
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)

    @torch.no_grad()
    def embedded(y, x):
        values = weight @ seen[0][0, :, y, x]
        values = torch.relu((values - bn.running_mean) * gain + bn.bias)
        return values[: attend.width], values[attend.width : 2 * attend.width]

    for place, cell in enumerate(cells):
        theta, phi = embedded(*cell)
        for y in range(height):
            for x in range(width):
                other_theta, other_phi = embedded(y, x)
                assert math.isclose(found.rows[0, place, y, x], float(theta @ other_phi), abs_tol=1e-4)
                assert math.isclose(found.columns[0, place, y, x], float(other_theta @ phi), abs_tol=1e-4)


def test_automatic_positions_are_the_centre_and_the_ends_of_the_mask():
    torch.manual_seed(2)
    model = settled(create_model("resnet20", "rga-sc", image_size=(32, 32), **EVERYWHERE))
    images = torch.randn(3, 3, 32, 32)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = relations(model.train(), images, "conv3")
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    from rgaviz.explain.masks import masks

    mask = masks(model, images, "conv3")["conv3/spatial"]
    for image in range(3):
        centre, most, least = map(tuple, found.asked[image])
        assert centre == (mask.shape[1] // 2, mask.shape[2] // 2)
        assert mask[image][most] == mask[image].max()
        assert mask[image][least] == mask[image].min()
    assert found.names == module.AUTO


def test_automatic_positions_without_a_mask_are_those_that_are_looked_at():
    torch.manual_seed(2)
    model = settled(create_model("resnet20", "nl", image_size=(16, 16), attention_layers=["conv4"]))
    found = relations(model, torch.randn(2, 3, 16, 16), "conv4")
    np.testing.assert_allclose(found.rows.sum((2, 3)), 1, rtol=1e-5)
    assert (found.columns[:, 1].sum((1, 2)) >= found.columns[:, 2].sum((1, 2))).all()


def test_channels():
    torch.manual_seed(0)
    model = settled(create_model("resnet20", "rga-sc", image_size=(16, 16), **EVERYWHERE))
    matrix, mask = channel_relations(model, torch.randn(2, 3, 16, 16), "conv4")
    assert matrix.shape == (2, 64, 64)
    assert mask.shape == (2, 64)
    assert ((mask >= 0) & (mask <= 1)).all()


def test_layers_with_relations():
    both = create_model("resnet20", "rga-sc", image_size=(32, 32), attention_layers=["conv3", "conv4"])
    assert relation_layers(both) == ["conv3", "conv4"] == relation_layers(both, "channel")
    assert default_relation_layer(create_model("resnet20", "nl", **EVERYWHERE)) == "conv4"
    assert relation_layers(create_model("resnet20", "nl"), "channel") == []
    for attention in ("none", "se", "rga-s-norel"):
        with pytest.raises(RgavizError, match=r"no spatial relations.*rga\.pt"):
            default_relation_layer(create_model("resnet20", attention))


def test_layers_without_are_refused():
    model = create_model("resnet20", "rga-s", attention_layers=["conv3"])
    x = torch.zeros(1, 3, 32, 32)
    with pytest.raises(RgavizError, match="conv4 has no spatial relations; choose conv3"):
        relations(model, x, "conv4")
    with pytest.raises(RgavizError, match="no channel relations; choose a network"):
        channel_relations(model, x, "conv3")
    with pytest.raises(UnknownNameError, match="conv3"):
        relations(model, x, "conv33")


def test_an_untrained_non_local_block_is_flat_and_a_sharp_row_is_not():
    torch.manual_seed(0)
    model = create_model("resnet20", "nl", image_size=(16, 16), attention_layers=["conv4"])
    found = relations(model, torch.randn(1, 3, 16, 16), "conv4")
    assert relation_doubts(found.rows[0, 0]) == ["flat relations"]
    assert relation_doubts(np.zeros((3, 3))) == ["flat relations"]
    assert relation_doubts(np.eye(3)) == []
    assert relation_doubts(np.full((2, 2), np.nan)) == ["not finite"]


def test_how_alike_rows_are():
    ramp = np.arange(6.0).reshape(2, 3)
    assert alike(np.stack([ramp, 2 * ramp + 1])) == pytest.approx(1)
    assert alike(np.stack([ramp, -ramp, ramp])) == pytest.approx(-1 / 3)
    assert np.isnan(alike(np.stack([ramp, np.ones((2, 3))])))

"""Masks are the gates' outputs, and taking them leaves the network as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from reference_rga import Reference

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.masks import map_warnings, masks
from rgaviz.models import create_model

SIZE = (12, 16)


def network(attention="rga-sc", layers=("conv3", "conv5")):
    torch.manual_seed(0)
    options = {"width": 4, "s1": 2, "s2": 2, "image_size": SIZE, "num_classes": 3}
    model = create_model("resnet18-w16", attention, attention_layers=layers, **options)
    model.train()
    with torch.no_grad():
        model(torch.randn(8, 3, *SIZE))
    return model.eval()


def test_masks_equal_the_equations():
    model = network().double()
    images = torch.randn(3, 3, *SIZE, dtype=torch.float64)
    found = masks(model, images)
    assert list(found) == ["conv3/spatial", "conv3/channel", "conv5/spatial", "conv5/channel"]
    with torch.no_grad():  # layer by layer, the attention by the reference
        x = torch.relu(model.bn1(model.conv1(images)))
        for index, stage in enumerate(("conv2", "conv3", "conv4", "conv5"), start=1):
            x = getattr(model, f"layer{index}")(x)
            if stage in ("conv2", "conv4"):
                continue
            reference = Reference(model.attention[stage].state_dict(), training=False)
            spatial = reference.spatial(x, "first.")
            x = x * spatial
            channel = reference.channel(x, "second.")
            x = x * channel
            np.testing.assert_allclose(found[f"{stage}/spatial"], spatial[:, 0].numpy(), rtol=1e-6)
            np.testing.assert_allclose(found[f"{stage}/channel"], channel[:, :, 0, 0].numpy(), rtol=1e-6)


@pytest.mark.parametrize("attention", ["rga-sc", "rga-cs", "rga-parallel"])
def test_shapes_and_types(attention):
    found = masks(network(attention), torch.randn(3, 3, *SIZE), "conv5")
    assert {key: value.shape for key, value in found.items()} == {
        "conv5/spatial": (3, 3, 4),
        "conv5/channel": (3, 32),
    }
    for value in found.values():
        assert value.dtype == np.float32
        assert 0 <= value.min() < value.max() <= 1


@pytest.mark.parametrize(
    ("layer", "keys"),
    [
        ("conv5", ["conv5/spatial", "conv5/channel"]),
        ("conv5,conv3", ["conv3/channel", "conv3/spatial", "conv5/channel", "conv5/spatial"]),
        ("all", ["conv3/channel", "conv3/spatial", "conv5/channel", "conv5/spatial"]),
        ("attention.conv3.second", ["attention.conv3.second/channel"]),
    ],
)
def test_layers(layer, keys):
    model, images = network(), torch.randn(2, 3, *SIZE)
    found, everything = masks(model, images, layer), masks(model, images)
    assert sorted(found) == sorted(keys)
    for key in keys:
        np.testing.assert_array_equal(found[key], everything[key.replace("attention.conv3.second", "conv3")])


def test_pictures_through_a_checkpoint(tmp_path):
    save_checkpoint(tmp_path / "a.pt", network(), classes=list("abc"), mean=[0.5] * 3, std=[0.25] * 3)
    checkpoint = load_checkpoint(tmp_path / "a.pt")
    pictures = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    tensor = (torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    expected = masks(checkpoint.model, tensor)
    for images in (tensor, pictures, list(pictures), paths, [str(path) for path in paths]):
        found = masks(checkpoint, images)
        assert list(found) == list(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, atol=1e-6)


def test_the_network_is_left_as_it_was():
    model, images = network().train(), torch.randn(4, 3, *SIZE)
    model(images).sum().backward()
    model.layer1.requires_grad_(False)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    first = masks(model, images)
    assert all(module.training for module in model.modules())
    assert [parameter.requires_grad for parameter in model.parameters()] == wanted
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert torch.equal(parameter.grad, gradient)
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key])
    assert not any(module._forward_hooks for module in model.modules())
    for key, value in masks(model.eval(), images).items():  # eval mode was used
        np.testing.assert_array_equal(value, first[key])


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_under_any_gradient_mode(context):
    model, images = network(), torch.randn(2, 3, *SIZE)
    expected = masks(model, images)
    with context():
        found = masks(model, images + 0)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


def test_errors_are_one_line():
    model, images = network(), torch.randn(2, 3, *SIZE)
    for call, kind, words in (
        (lambda: masks(model, images, "conv6"), UnknownNameError, "Unknown layer 'conv6'"),
        (lambda: masks(model, images, "conv4"), UnknownNameError, "layer with attention 'conv4'"),
        (lambda: masks(network("none", None), images), RgavizError, "no attention"),
        (lambda: masks(model, ["a.png"]), RgavizError, "normalised tensor"),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0, 0], [0, 0]], ["no positive evidence"]),
        ([[0.3, 0.3], [0.3, 0.3]], ["flat map"]),
        ([[1000.0, 1000.0001]], ["flat map"]),
        ([[0.3, 0.4]], []),
        ([[0.0, 1e-9]], []),
        ([[0.3, np.nan]], ["not finite"]),
        ([np.inf, 1.0], ["not finite"]),
        ([[0.5]], ["a single value"]),
    ],
)
def test_map_warnings(values, expected):
    assert map_warnings(np.array(values, dtype=np.float64)) == expected

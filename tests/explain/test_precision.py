"""Networks in half precision, spread over devices, compiled, or built without autograd: right maps, or one line."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from parametrised import rare
from torch import nn

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import cam
from rgaviz.explain.masks import masks
from rgaviz.explain.methods import METHODS

IMAGES = torch.randn(2, 3, 12, 16, generator=torch.Generator().manual_seed(1))
TARGETS = [4, 2]


@pytest.fixture
def network(model):
    model.train()
    for _ in range(5):
        model(torch.randn(8, 3, 12, 16))
    return model.eval()


def likeness(one, other):
    """Correlation of each picture's maps."""
    return [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize("dtype", [rare(torch.float16), torch.bfloat16])
@pytest.mark.parametrize("name", METHODS)
def test_half_precision(name, dtype, network):
    half = copy.deepcopy(network).to(dtype)
    if METHODS[name].library:
        with pytest.raises(RgavizError, match=r"float\(\) first"):
            cam(half, IMAGES, methods=[name], targets=TARGETS)
        return
    # The same rounded weights in float32 are the reference.
    expected = cam(half.to(torch.float32), IMAGES.to(dtype).float(), methods=[name], targets=TARGETS)[name]
    found = cam(half.to(dtype), IMAGES, methods=[name], targets=TARGETS)[name]
    assert found.dtype == np.float32
    if name != "fem":  # no outliers on so small a map
        assert min(likeness(found, expected)) > 0.95


def test_a_channel_without_contrast_in_half_precision():
    """Score-CAM divides by a channel's range, to which it adds what is 0 in half precision."""
    network = (
        nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).half().eval()
    )
    with torch.no_grad():
        network[0].weight[1] = 0
        network[0].bias[1] = -1  # behind the ReLU this channel is 0 everywhere
    found = cam(network, IMAGES, "1", methods=["scorecam"], targets=[0, 0])["scorecam"]
    assert np.isfinite(found).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_masks_in_half_precision(dtype, network):
    half = copy.deepcopy(network).to(dtype)
    expected = masks(half.to(torch.float32), IMAGES.to(dtype).float())
    found = masks(half.to(dtype), IMAGES)
    for key, mask in found.items():
        np.testing.assert_allclose(mask, expected[key], atol=0.05)


@pytest.mark.parametrize("name", METHODS)
def test_autocast_around_the_call_changes_nothing(name, network):
    expected = cam(network, IMAGES, methods=[name], targets=TARGETS)[name]
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(cam(network, IMAGES, methods=[name], targets=TARGETS)[name], expected)


def test_spread_or_compiled_networks_keep_their_names(network):
    expected = cam(network, IMAGES, "layer4", targets=TARGETS)["gradcam"]
    staged = cam(network, IMAGES, "conv5", targets=TARGETS)["gradcam"]
    for wrapped in (
        nn.DataParallel(network),
        torch.compile(network),
        torch.compile(nn.DataParallel(network)),
    ):
        np.testing.assert_array_equal(cam(wrapped, IMAGES, "layer4", targets=TARGETS)["gradcam"], expected)
        np.testing.assert_array_equal(cam(wrapped, IMAGES, targets=TARGETS)["gradcam"], staged)
        assert masks(wrapped, IMAGES, "conv5").keys() == masks(network, IMAGES, "conv5").keys()


def test_copies_on_several_devices_are_refused(network):
    wrapped = nn.DataParallel(network)
    wrapped.device_ids = [0, 1]  # as with two accelerators
    for each in (wrapped, torch.compile(wrapped)):
        for explained in (cam, masks):
            with pytest.raises(
                RgavizError, match=r"copies on 2 devices.* give the one inside, network\.module\.$"
            ):
                explained(each, IMAGES)
    expected = cam(network, IMAGES, targets=TARGETS)["gradcam"]
    for device_ids in ([0], []):
        wrapped.device_ids = device_ids
        np.testing.assert_array_equal(cam(wrapped, IMAGES, targets=TARGETS)["gradcam"], expected)


def test_a_network_built_in_inference_mode_is_refused_in_one_line(network):
    with torch.inference_mode():
        built = copy.deepcopy(network)
    with pytest.raises(RgavizError, match=r"copy\.deepcopy") as caught:
        cam(built, IMAGES)
    assert "\n" not in str(caught.value)
    expected = cam(network, IMAGES)["gradcam"]
    np.testing.assert_array_equal(cam(copy.deepcopy(built), IMAGES)["gradcam"], expected)


class Several(nn.Module):
    """Gives more than one tensor."""

    def __init__(self, form):
        super().__init__()
        self.conv, self.form = nn.Conv2d(3, 4, 3), form

    def forward(self, x):
        return self.form(self.conv(x).mean((2, 3)))


@pytest.mark.parametrize(
    ("form", "told", "key"),
    [
        (lambda x: (x, x), r"gives 0 \(.*, 1 \(.*which is to be explained: --output 0", 1),
        (lambda x: {"logits": x}, "--output logits", "logits"),
        (lambda x: [x], "--output 0", 0),
    ],
)
def test_an_output_of_several_is_refused_in_one_line_or_named(form, told, key):
    with pytest.raises(RgavizError, match=told):
        cam(Several(form), IMAGES, "conv")
    expected = cam(Several(lambda x: x), IMAGES, "conv")["gradcam"].shape
    assert cam(Several(form), IMAGES, "conv", output=key)["gradcam"].shape == expected

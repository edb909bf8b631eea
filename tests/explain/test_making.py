"""Maps of several layers, smoothed or signed, against pytorch-grad-cam and slow loops."""

import re

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.cam import explain
from rgaviz.explain.making import Making, box_above, check_together, fused, made
from rgaviz.explain.targets import given_classes, one_class, top_classes
from rgaviz.tasks.regions import RegionTarget

IMAGES = torch.randn(3, 3, 16, 24, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.Tanh())
        self.two = nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.Tanh())
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.two(self.one(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Net().eval()


def raw(net, method, layer, images, category):
    """pytorch-grad-cam's map before it rescales it, and before its ReLU."""
    with method(net, [layer]) as cam:
        found = []
        for image in images:
            cam.aggregate_multi_layers = lambda maps: maps
            cam.scale = None
            original = cam.compute_cam_per_layer

            def keep(inputs, targets, eigen, original=original):
                grads = cam.activations_and_grads
                activations, gradients = grads.activations[0].numpy(), grads.gradients[0].numpy()
                return cam.get_cam_image(inputs, layer, targets, activations, gradients, eigen)

            cam.compute_cam_per_layer = keep
            found.append(cam(image[None], [ClassifierOutputTarget(category)])[0])
            cam.compute_cam_per_layer = original
    return np.stack(found)


def maps(net, making, layer="two", method="gradcam", target=None):
    found = made(net, IMAGES, cam_layer=layer, methods=[method], target=target or one_class(2), making=making)
    return found.cams[method][:, 0]


@pytest.mark.parametrize(("method", "library"), [("gradcam", GradCAM), ("layercam", LayerCAM)])
def test_signed_maps_are_those_before_the_relu(net, method, library):
    expected = raw(net, library, net.two, IMAGES, 2)
    assert (expected < 0).any()
    np.testing.assert_allclose(maps(net, Making(signed=True), method=method), expected, atol=1e-6)
    np.testing.assert_allclose(maps(net, Making(), method=method), np.maximum(expected, 0), atol=1e-6)


def test_flip_is_the_mean_with_the_mirror_image(net):
    plain = np.maximum(raw(net, GradCAM, net.two, IMAGES, 2), 0)
    mirrored = np.maximum(raw(net, GradCAM, net.two, IMAGES.flip(3), 2), 0)[..., ::-1]
    np.testing.assert_allclose(maps(net, Making("flip")), (plain + mirrored) / 2, atol=1e-6)


def test_scales_are_the_mean_over_three_factors(net):
    each = [np.maximum(raw(net, GradCAM, net.two, IMAGES * factor, 2), 0) for factor in (0.9, 1.0, 1.1)]
    np.testing.assert_allclose(maps(net, Making("scales")), np.mean(each, axis=0), atol=1e-6)


def test_changed_pictures_are_asked_about_the_class_of_the_picture(net):
    """Not about what is predicted for the mirror image."""
    with torch.no_grad():
        best = net(IMAGES).argmax(1)
    expected = [
        (np.maximum(raw(net, GradCAM, net.two, each[None], int(which)), 0)
         + np.maximum(raw(net, GradCAM, net.two, each[None].flip(3), int(which)), 0)[..., ::-1]) / 2
        for each, which in zip(IMAGES, best, strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(
        maps(net, Making("flip"), target=top_classes(1)), np.concatenate(expected), atol=1e-6
    )


class Labelling(Net):
    def forward(self, x):
        labels = self.fc(self.two(self.one(x)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B, K, h, w)
        return nn.functional.interpolate(labels, x.shape[2:], mode="bilinear", align_corners=False)


@pytest.mark.parametrize("method", ["layercam", "scorecam"])
def test_a_place_in_the_mirror_image_is_the_mirrored_place(method):
    """A map of a network that does not know left from right is the same with the mirror image."""
    torch.manual_seed(0)
    net = Labelling().eval()
    with torch.no_grad():
        for layer in net.one[0], net.two[0]:
            layer.weight.copy_((layer.weight + layer.weight.flip(3)) / 2)
    images = IMAGES[..., :17]  # a stride of 2 twice meets an odd width alike from both sides
    target = RegionTarget([*"abcde"], 2, (3, 5)).placed([(16, 17)] * 3)
    asked = {"cam_layer": "two", "methods": [method], "target": target}
    plain, mean = (
        made(net, images, **asked, making=each).cams[method] for each in (Making(), Making("flip"))
    )
    assert np.argmax(plain.sum((0, 1, 2))) < plain.shape[3] // 2  # the place is on the left
    np.testing.assert_allclose(mean, plain, atol=1e-6)


@pytest.mark.parametrize(("layer", "smooth"), [("one+two", ""), ("two", "scales")])
def test_a_method_that_compares_classes_is_made_so_too(net, layer, smooth):
    def compared(images, layer):
        return explain(net, images, cam_layer=layer, methods=["finercam"], target=best).cams["finercam"]

    best = given_classes(net(IMAGES).argmax(1))
    several = [compared(IMAGES * factor, "two") for factor in (0.9, 1, 1.1)]
    together = fused([compared(IMAGES, "one"), compared(IMAGES, "two")])
    expected = np.mean(several, axis=0) if smooth else together
    found = maps(net, Making(smooth), layer, "finercam", top_classes(1))
    np.testing.assert_allclose(found, expected[:, 0], atol=1e-6)


def test_eigen_is_the_librarys_component_with_the_sign_of_the_sum(net):
    activations, gradients = {}, {}
    net.two.register_forward_hook(lambda m, i, o: activations.update(x=o))
    with torch.enable_grad():
        output = net(IMAGES.clone().requires_grad_())
        (gradients["x"],) = torch.autograd.grad(output[:, 2].sum(), activations["x"])
    net.two._forward_hooks.clear()
    whole = (gradients["x"].mean((2, 3), keepdim=True) * activations["x"]).detach().numpy()  # (B, K, h, w)
    expected = get_2d_projection(whole)
    signs = np.sign((expected * whole.sum(1)).sum((1, 2)))[:, None, None]
    np.testing.assert_allclose(maps(net, Making("eigen")), np.maximum(signs * expected, 0), atol=1e-5)


def test_layers_together_are_the_mean_of_scaled_maps(net):
    one, two = (maps(net, Making(), layer) for layer in ("one", "two"))
    expected = np.zeros_like(one)
    for image in range(len(one)):
        for each in (one, two):
            scaled = torch.from_numpy(each[image] / each[image].max())[None, None]
            wide = nn.functional.interpolate(scaled, one.shape[1:], mode="bilinear", align_corners=False)
            expected[image] += wide[0, 0].numpy() / 2
    np.testing.assert_allclose(maps(net, Making(), "one+two"), expected, atol=1e-6)


def test_a_map_without_evidence_does_not_spoil_the_other():
    zero, one = np.zeros((1, 1, 2, 2), np.float32), np.full((1, 1, 2, 2), 4, np.float32)
    np.testing.assert_array_equal(fused([zero, one]), np.full((1, 1, 2, 2), 0.5))
    assert fused([one]) is one


def test_the_usual_way_is_that_of_explain(net):
    expected = explain(net, IMAGES, cam_layer="two", methods=["gradcam"], target=top_classes(2))
    found = made(net, IMAGES, cam_layer="two", methods=["gradcam"], target=top_classes(2))
    np.testing.assert_array_equal(found.cams["gradcam"], expected.cams["gradcam"])


@pytest.mark.parametrize(
    ("making", "method", "told"),
    [
        (Making(signed=True), "eigencam", "no sign"),
        (Making(signed=True), "fullgrad", "no sign"),
        (Making("eigen"), "gradcamelementwise", "sums no channels"),
        (Making("eigen"), "fullgrad", "sums no channels"),
    ],
)
def test_methods_that_cannot_be_made_so(net, making, method, told):
    with pytest.raises(RgavizError, match=told):
        maps(net, making, method=method)


@pytest.mark.parametrize("layer", ["conv4+", "+", "conv4+conv4"])
def test_layers_that_cannot_be_put_together(layer):
    with pytest.raises(RgavizError, match=re.escape(f"--layer {layer} names no layer, or one twice")):
        check_together(layer)
    check_together("conv4+conv5")
    check_together(None)


def test_no_such_smoothing():
    with pytest.raises(UnknownNameError, match="Did you mean 'flip'"):
        Making("flp")


@pytest.mark.parametrize(
    ("values", "quantile", "expected"),
    [
        (np.pad(np.ones((2, 3)), ((1, 5), (2, 3))), 0.5, (2, 1, 5, 3)),
        (np.zeros((4, 4)), 0.5, None),
        (np.ones((4, 4)), 0.5, None),
        (np.full((4, 4), np.nan), 0.5, None),
        (-np.eye(4), 0.5, None),
    ],
)
def test_boxes_by_hand(values, quantile, expected):
    assert box_above(values, values.shape, quantile) == expected


def test_the_largest_part_counts_and_corners_connect():
    values = np.zeros((8, 8))
    values[0, 0] = 9
    values[4, 4] = values[5, 5] = values[6, 6] = 1
    assert box_above(values, (8, 8), 0.8) == (4, 4, 7, 7)

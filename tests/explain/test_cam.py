"""Maps equal pytorch-grad-cam's, before it rescales them, on the same network."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import tiny
import torch
from parametrised import rare
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from reference_cams import assert_close, library_maps
from snapshots import assert_same, snapshot
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.cam import cam, explain
from rgaviz.explain.gates import gates
from rgaviz.explain.layers import find_layer
from rgaviz.explain.masks import masks
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import given_classes, one_class, top_classes
from rgaviz.models import create_model

SIZE = (12, 16)
SHARED = [name for name, method in METHODS.items() if method.maps]
LIBRARY = [name for name, method in METHODS.items() if method.library]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    layers = ["conv3", "conv5"]
    options = {"width": 8, "s1": 2, "s2": 2, "image_size": SIZE, "num_classes": 6}
    with tiny.shallow():
        model = create_model("resnet18-w16", "rga-sc", attention_layers=layers, **options)
    with torch.no_grad():
        for _ in range(5):
            model(torch.randn(8, 3, *SIZE))
    return model.eval()


@pytest.fixture(scope="module")
def images():
    return torch.randn(3, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def theirs(method, model, layer, images, targets):
    """The library as its README shows it, on a copy, one backward pass through the whole network."""
    model, layer = copy.deepcopy((model, layer))
    about = targets if method == "finercam" else [ClassifierOutputTarget(target) for target in targets]
    return library_maps(method, model, layer, images, about)


@pytest.mark.parametrize("layer", ["conv5", rare("conv4"), "layer3.0.conv2"])
@pytest.mark.parametrize("method", METHODS)
def test_equals_the_library(method, layer, model, images, raw):
    targets = [4, 0, 2]
    expected = theirs(method, model, find_layer(model, layer), images, targets)
    maps = cam(model, images, layer, [method], targets)[method]
    assert_close(maps, expected)
    assert maps.shape[1:] == (SIZE if method == "fullgrad" else (3, 4))
    if method != "fem":  # which has channels without any outlier on so small a map
        assert (maps.max((1, 2)) > 0).any()


@pytest.mark.parametrize("method", ["gradcam", "layercam", "shapleycam", "finercam"])
def test_targets_are_each_image_s_own(method, model, images):
    maps = cam(model, images, methods=[method], targets=[4, 0, 2])[method]
    for index, target in enumerate([4, 0, 2]):
        alone = cam(model, images[index : index + 1], methods=[method], targets=[target])[method]
        assert_close(maps[index : index + 1], alone)
    assert not np.allclose(maps, cam(model, images, methods=[method], targets=[1, 1, 1])[method])


def test_one_pass_for_all_shared_methods(model, images):
    """One forward pass, and one backward pass for each score."""
    forward, backward = [], []
    handles = [
        model.conv1.register_forward_hook(lambda *call: forward.append(1)),
        model.fc.register_full_backward_hook(lambda *call: backward.append(1)),
    ]
    pairs = given_classes([[1, 0], [2, 5], [3, 3]])
    together = explain(model, images, cam_layer="conv5", methods=SHARED, target=pairs).cams
    for handle in handles:
        handle.remove()
    assert (len(forward), len(backward)) == (1, 2)
    assert list(together) == SHARED
    for method, maps in together.items():
        for column, targets in enumerate(([1, 2, 3], [0, 5, 3])):
            alone = cam(model, images, "conv5", [method], targets)[method]
            np.testing.assert_array_equal(maps[:, column], alone)


def test_the_default_is_grad_cam_of_the_predicted_class_at_the_last_stage(model, images):
    with torch.no_grad():
        predicted = model(images).argmax(1)
    expected = cam(model, images, "conv5", ["gradcam"], predicted.tolist())["gradcam"]
    assert list(cam(model, images)) == ["gradcam"]
    np.testing.assert_array_equal(cam(model, images)["gradcam"], expected)
    for targets in (predicted, predicted.numpy().astype(np.int32), tuple(predicted.tolist())):
        np.testing.assert_array_equal(cam(model, images, targets=targets)["gradcam"], expected)


def test_grad_cam_by_hand(model, images):
    kept = []
    twin = copy.deepcopy(model)
    twin.layer4.register_forward_hook(lambda module, inputs, output: kept.append(output))
    logits = twin(images)
    (gradient,) = torch.autograd.grad(logits[0, 4] + logits[1, 0] + logits[2, 2], kept[0])
    weights = gradient.mean((2, 3))  # (B, K)
    expected = torch.einsum("bk,bkhw->bhw", weights, kept[0]).relu().detach().numpy()
    assert_close(cam(model, images, "layer4", targets=[4, 0, 2])["gradcam"], expected)


def test_top5(model, images):
    with torch.no_grad():
        best = model(images).topk(5).indices
    found = explain(model, images, cam_layer="conv5", methods=["gradcam", "finercam"], target=top_classes(5))
    assert found.about == [[str(each) for each in row] for row in best.tolist()]
    for method, maps in found.cams.items():
        assert maps.shape == (3, 5, 3, 4)
        for place in range(5):
            expected = cam(model, images, "conv5", [method], best[:, place].tolist())[method]
            assert_close(maps[:, place], expected)


def test_explain_gives_output_and_masks_of_the_same_pass(model, images):
    options = {"target": one_class(2, "abcdef"), "watched": gates(model, "conv5")}
    found = explain(model, images, cam_layer="conv4", methods=["gradcam"], **options)
    with torch.no_grad():
        torch.testing.assert_close(found.output, model(images))
    assert not found.output.requires_grad
    assert found.about == [["c"], ["c"], ["c"]]
    for key, value in masks(model, images, "conv5").items():
        np.testing.assert_array_equal(found.masks[key], value)
    expected = cam(model, images, "conv4", targets=[2, 2, 2])["gradcam"]
    np.testing.assert_array_equal(found.cams["gradcam"][:, 0], expected)
    nothing = explain(model, images, target=top_classes(1))
    assert nothing.cams == {}
    assert nothing.masks == {}


class InPlace(nn.Module):
    """A layer followed by a ReLU that overwrites its output."""

    def __init__(self, inplace):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.conv = nn.Conv2d(6, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=inplace)
        self.fc = nn.Linear(8, 6)

    def forward(self, x):
        return self.fc(self.relu(self.bn(self.conv(self.first(x).tanh()))).mean((2, 3)))


@pytest.mark.parametrize("method", METHODS)
def test_an_in_place_relu_behind_the_layer(method, images, raw):
    torch.manual_seed(2)
    model, plain = InPlace(inplace=True).eval(), InPlace(inplace=False).eval()
    plain.load_state_dict(model.state_dict())
    maps = cam(model, images, "bn", [method], [1, 2, 3])[method]
    assert_close(maps, cam(plain, images, "bn", [method], [1, 2, 3])[method])
    assert_close(maps, theirs(method, plain, plain.bn, images, [1, 2, 3]))


@pytest.fixture
def lent(model, images):
    """In train mode, with gradients, and partly frozen."""
    model = copy.deepcopy(model).train()
    model(images).sum().backward()
    model.layer1.requires_grad_(False)
    model.layer2.eval()
    return model


@pytest.mark.parametrize("method", METHODS)
def test_the_network_is_left_as_it_was(method, lent, images):
    before = snapshot(lent)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    cam(lent, images, methods=[method])
    assert_same(lent, before)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


@pytest.mark.parametrize("method", METHODS)
def test_also_when_interrupted(method, lent, images):
    before, calls = snapshot(lent), []

    def interrupt(*call):
        calls.append(1)
        if len(calls) == (4 if method in ("ablationcam", "scorecam") else 1):
            raise KeyboardInterrupt

    handle = lent.fc.register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        cam(lent, images, methods=[method])
    handle.remove()
    assert_same(lent, before)


@pytest.mark.parametrize("method", ["gradcam", "shapleycam", "fullgrad", "ablationcam"])
def test_frozen_and_under_any_gradient_mode(method, model, images):
    expected = cam(model, images, methods=[method])[method]
    frozen = copy.deepcopy(model).requires_grad_(False)
    assert_close(cam(frozen, images, methods=[method])[method], expected)
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            assert_close(cam(frozen, images + 0, methods=[method])[method], expected)
    wanted = images.clone().requires_grad_()
    assert_close(cam(model, wanted, methods=[method])[method], expected)
    assert wanted.grad is None


def test_a_stage_is_the_map_behind_its_attention(model, images):
    stage = cam(model, images, "conv5", targets=[0, 0, 0])["gradcam"]
    np.testing.assert_array_equal(stage, cam(model, images, "attention.conv5", targets=[0, 0, 0])["gradcam"])
    before = cam(model, images, "layer4", targets=[0, 0, 0])["gradcam"]
    assert stage.shape == before.shape
    assert not np.allclose(stage, before, rtol=1e-2)


def test_random_cam_repeats_itself(model, images):
    first, second = (cam(model, images, methods=["randomcam"])["randomcam"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_nothing_is_printed(model, images, capfd):
    cam(model, images, methods=LIBRARY)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"layer": "conv6"}, UnknownNameError, "Did you mean"),
        ({"layer": "layer4.9"}, UnknownNameError, "Did you mean"),
        ({"methods": ["grad-cam"]}, UnknownNameError, "Did you mean 'gradcam'"),
        ({"targets": [1, 2]}, RgavizError, "2 targets for 3 images"),
        ({"targets": [1, 2, 6]}, RgavizError, "0 to 5"),
        ({"targets": [1, 2, -1]}, RgavizError, "0 to 5"),
        ({"layer": "fc"}, RgavizError, "convolutional"),
        ({"layer": "fc", "methods": ["scorecam"]}, RgavizError, "convolutional"),
    ],
)
def test_errors_are_one_line(options, kind, words, model, images):
    before = snapshot(model)
    with pytest.raises(kind) as caught:
        cam(model, images, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert_same(model, before)

"""Maps equal pytorch-grad-cam's, before it rescales them, on the same network."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import pytorch_grad_cam
import pytorch_grad_cam.base_cam
import pytorch_grad_cam.fullgrad_cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.cam import cam, explain
from rgaviz.explain.gates import gates
from rgaviz.explain.layers import find_layer
from rgaviz.explain.masks import masks
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import one_class, top_classes
from rgaviz.models import create_model

SIZE = (12, 16)
SHARED = [name for name, method in METHODS.items() if method.maps]
LIBRARY = {name: method.library for name, method in METHODS.items() if method.library}
THEIRS = LIBRARY | {
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "layercam": "LayerCAM",
    "hirescam": "HiResCAM",
    "xgradcam": "XGradCAM",
    "gradcamelementwise": "GradCAMElementWise",
    "eigengradcam": "EigenGradCAM",
    "eigencam": "EigenCAM",
    "segeigencam": "SegEigenCAM",
    "kpcacam": "KPCA_CAM",
    "fem": "FEM",
}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    layers = ["conv3", "conv5"]
    options = {"width": 8, "s1": 2, "s2": 2, "image_size": SIZE, "num_classes": 6}
    model = create_model("resnet18-w16", "rga-sc", attention_layers=layers, **options)
    with torch.no_grad():
        for _ in range(5):
            model(torch.randn(8, 3, *SIZE))
    return model.eval()


@pytest.fixture(scope="module")
def images():
    return torch.randn(3, 3, *SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def raw(monkeypatch):
    """Takes the rescaling out of the library, and nothing else."""
    for module in (pytorch_grad_cam.base_cam, pytorch_grad_cam.fullgrad_cam):
        monkeypatch.setattr(module, "scale_cam_image", lambda maps, size=None: maps)


def theirs(method, model, layer, images, targets):
    """The library as its README shows it, on a copy, one backward pass through the whole network."""
    model, layer = copy.deepcopy((model, layer))
    np.random.seed(0)  # noqa: NPY002 (Random-CAM)
    with getattr(pytorch_grad_cam, THEIRS[method])(model=model, target_layers=[layer]) as extract:
        if method == "finercam":
            each = [extract(image[None], target_idx=t) for image, t in zip(images, targets, strict=True)]
            return np.concatenate(each)
        return extract(images, [ClassifierOutputTarget(target) for target in targets])


def assert_close(maps, expected):
    """Within 1e-4 of the largest value of each map."""
    assert maps.shape == expected.shape
    assert maps.dtype == np.float32
    for one, other in zip(maps, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * other.max())


def test_every_method_is_known():
    assert set(METHODS) == set(THEIRS) == set(SHARED) | set(LIBRARY)
    assert not set(SHARED) & set(LIBRARY)


@pytest.mark.parametrize("layer", ["conv5", "conv4", "layer3.1.conv2"])
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


def test_one_pass_for_all_shared_methods(model, images, raw):
    calls = []
    handle = model.conv1.register_forward_hook(lambda *call: calls.append(1))
    together = cam(model, images, "conv5", SHARED, [1, 2, 3])
    handle.remove()
    assert len(calls) == 1
    assert list(together) == SHARED
    for method, maps in together.items():
        np.testing.assert_array_equal(maps, cam(model, images, "conv5", [method], [1, 2, 3])[method])


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


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("ablationcam", "randomcam")])
def test_an_in_place_relu_behind_the_layer(method, images, raw):
    torch.manual_seed(2)
    model, plain = InPlace(inplace=True).eval(), InPlace(inplace=False).eval()
    plain.load_state_dict(model.state_dict())
    maps = cam(model, images, "bn", [method], [1, 2, 3])[method]
    assert_close(maps, cam(plain, images, "bn", [method], [1, 2, 3])[method])
    assert_close(maps, theirs(method, plain, plain.bn, images, [1, 2, 3]))


def everything(model):
    return {
        "modules": dict(model.named_modules()),
        "modes": [module.training for module in model.modules()],
        "wanted": [parameter.requires_grad for parameter in model.parameters()],
        "gradients": [id(parameter.grad) for parameter in model.parameters()],
        "hooks": [(len(m._forward_hooks), len(m._backward_hooks)) for m in model.modules()],
        "attributes": [set(vars(module)) for module in model.modules()],
    }


def numbers(model):
    gradients = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    return [*gradients, *(value.clone() for value in model.state_dict().values())]


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
    before, values = everything(lent), numbers(lent)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    cam(lent, images, methods=[method])
    assert everything(lent) == before
    assert all(torch.equal(a, b) for a, b in zip(numbers(lent), values, strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


@pytest.mark.parametrize("method", METHODS)
def test_also_when_interrupted(method, lent, images):
    before, values, calls = everything(lent), numbers(lent), []

    def interrupt(*call):
        calls.append(1)
        if len(calls) == (4 if method in ("ablationcam", "scorecam") else 1):
            raise KeyboardInterrupt

    handle = lent.fc.register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        cam(lent, images, methods=[method])
    handle.remove()
    assert everything(lent) == before
    assert all(torch.equal(a, b) for a, b in zip(numbers(lent), values, strict=True))


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
    cam(model, images, methods=list(LIBRARY))
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
    before = everything(model)
    with pytest.raises(kind) as caught:
        cam(model, images, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert everything(model) == before

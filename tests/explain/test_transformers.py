"""Maps of networks whose layers give tokens, or maps with the channels last, equal pytorch-grad-cam's."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest
import pytorch_grad_cam
import pytorch_grad_cam.base_cam
import torch
import torchvision
from parametrised import mostly
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.reshape_transforms import vit_reshape_transform
from reference_cams import assert_close, library_maps
from snapshots import assert_same, snapshot
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torchvision.models import swin_transformer

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import cam
from rgaviz.explain.capture import explained_forward
from rgaviz.explain.layers import default_cam_layer, find_layer
from rgaviz.explain.lending import lent
from rgaviz.explain.methods import METHODS

SIZE = 32
V2 = {"block": swin_transformer.SwinTransformerBlockV2, "downsample_layer": swin_transformer.PatchMergingV2}
NORM = "encoder.layers.encoder_layer_2.ln_1"
BEHIND = "Only the class token of the layer to explain reaches the class"


def swin_reshape_transform(tensor):
    """As in the library's tutorial: https://jacobgil.github.io/pytorch-gradcam-book/vision_transformers.html."""
    return tensor.transpose(2, 3).transpose(1, 2)  # (B, h, w, C) -> (B, C, h, w)


NETWORKS = {
    "vit": partial(torchvision.models.VisionTransformer, SIZE, 8, 3, 2, 12, 24, num_classes=6),
    "swin": partial(torchvision.models.SwinTransformer, [4, 4], 6, [2, 2], [1, 2], [2, 2], num_classes=6),
    "swin_v2": partial(
        torchvision.models.SwinTransformer, [4, 4], 6, [2, 2], [1, 2], [2, 2], num_classes=6, **V2
    ),
}
TRANSFORMS = {
    "vit": partial(vit_reshape_transform, height=4, width=4),
    "swin": swin_reshape_transform,
    "swin_v2": swin_reshape_transform,
}
LAYERS = [
    ("vit", NORM),
    ("vit", "encoder.layers.encoder_layer_0"),
    ("swin", "norm"),
    ("swin", "features.3.1.norm1"),
    ("swin_v2", "features.1"),
]


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    built = {name: build().eval() for name, build in NETWORKS.items()}
    for model in built.values():
        for parameter in model.parameters():  # they start with a head of zeros, or nearly
            parameter.data += 0.3 * torch.randn_like(parameter)
    return built


@pytest.fixture(scope="module")
def images():
    return torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def theirs(method, model, name, images, targets, transform):
    """The library as its documentation shows it for such networks, on a copy."""
    model = copy.deepcopy(model)
    options = {} if method == "fullgrad" else {"reshape_transform": transform}
    about = targets if method == "finercam" else [ClassifierOutputTarget(target) for target in targets]
    layer = find_layer(model, name)
    return library_maps(method, model, layer, images, about, channels_last=True, **options)


def shapley_cam(model, name, images, targets, transform):
    """By hand, as in the library's get_cam_weights: its own class fails with a reshape_transform."""
    kept, model = [], copy.deepcopy(model)
    find_layer(model, name).register_forward_hook(lambda module, inputs, output: kept.append(output))
    with sdpa_kernel(SDPBackend.MATH):  # the others have no second derivative
        score = sum(logits[target] for logits, target in zip(model(images), targets, strict=True))
        (gradient,) = torch.autograd.grad(score, kept[0], create_graph=True)
        product = torch.zeros_like(
            gradient
        )  # Hessian times activations; none behind the last layer but a linear one
        if gradient.requires_grad:
            (found,) = torch.autograd.grad(gradient, kept[0], kept[0], allow_unused=True)
            product = product if found is None else found
    weights = transform(gradient - product / 2).mean((2, 3))  # (B, C)
    return torch.einsum("bc,bchw->bhw", weights, transform(kept[0])).relu().detach().numpy()


@pytest.mark.parametrize(("network", "layer"), mostly(LAYERS, LAYERS[1], LAYERS[3]))
@pytest.mark.parametrize("method", METHODS)
def test_equals_the_library(method, network, layer, models, images, raw):
    targets = [3, 5]
    reference = shapley_cam if method == "shapleycam" else partial(theirs, method)
    expected = reference(models[network], layer, images, targets, TRANSFORMS[network])
    maps = cam(models[network], images, layer, [method], targets)[method]
    assert_close(maps, expected)
    if method not in ("fem", "scorecam"):  # no outliers on so small a map; weights that are alike
        assert (maps.max((1, 2)) > 0).any() or method == "randomcam"  # whose weights may all be against


@pytest.mark.parametrize(("network", "layer"), [("vit", NORM), ("swin", "norm"), ("swin_v2", "norm")])
def test_the_default_layer(network, layer, models, images):
    assert default_cam_layer(models[network], (SIZE, SIZE)) == layer
    maps = cam(models[network], images)["gradcam"]
    np.testing.assert_array_equal(maps, cam(models[network], images, layer)["gradcam"])
    assert maps.shape == (2, 4, 4)
    assert maps.any()


@pytest.mark.parametrize(("network", "layer"), LAYERS)
def test_watching_changes_nothing(network, layer, models, images):
    model = models[network]
    before = snapshot(model)
    with torch.no_grad():
        expected = model(images)
    with lent(model):
        logits, _ = explained_forward(model, images, layer=find_layer(model, layer), watched={})
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)
    cam(model, images, layer, METHODS)
    assert_same(model, before)


@pytest.mark.parametrize("method", ["gradcam", "eigencam", "scorecam"])
@pytest.mark.parametrize("layer", ["encoder.layers.encoder_layer_2", "encoder.ln"])
def test_behind_the_last_attention_only_the_class_token_counts(layer, method, models, images):
    before = snapshot(models["vit"])
    with pytest.raises(RgavizError, match=BEHIND) as caught:
        cam(models["vit"], images, layer, [method])
    assert "\n" not in str(caught.value)
    assert_same(models["vit"], before)


def test_a_head_of_zeros_is_no_fault_of_the_layer(images):
    assert not cam(NETWORKS["vit"](), images)["gradcam"].any()


@pytest.mark.parametrize(
    ("options", "layer"),
    [
        ({}, "blocks.1.norm1"),
        ({"reg_tokens": 4}, "blocks.1.norm1"),
        ({"global_pool": "avg", "class_token": False}, "blocks.1.norm1"),
        ({"img_size": (32, 48)}, "blocks.1.norm1"),
    ],
)
def test_timm(options, layer):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    small = {"img_size": SIZE, "patch_size": 8, "embed_dim": 12, "depth": 2, "num_heads": 2, "num_classes": 6}
    model = timm.models.VisionTransformer(**{**small, **options}).eval()
    nn.init.normal_(model.head.weight)
    size = model.patch_embed.img_size
    images = torch.randn(2, 3, *size)
    assert default_cam_layer(model, size) == layer
    rows, columns = model.patch_embed.grid_size

    def transform(tensor):
        patches = tensor[:, model.num_prefix_tokens :]
        return patches.reshape(len(tensor), rows, columns, -1).permute(0, 3, 1, 2)  # (B, C, h, w)

    target = [ClassifierOutputTarget(3)] * 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytorch_grad_cam.base_cam, "scale_cam_image", lambda maps, size=None: maps)
        twin = copy.deepcopy(model)
        expected = pytorch_grad_cam.GradCAM(twin, [twin.blocks[1].norm1], transform)(images, target)
    assert_close(cam(model, images, targets=[3, 3])["gradcam"], expected)
    assert expected.any()

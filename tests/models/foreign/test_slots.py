"""Attention behind the stages of networks of torchvision and timm."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
import torchvision
from foreign_networks import refused

from rgaviz.attention.slot import Slot
from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.cam import cam
from rgaviz.explain.gates import gated_layers
from rgaviz.explain.layers import default_cam_layer, stage_names
from rgaviz.explain.places import mask_place
from rgaviz.models import create_model
from rgaviz.models.foreign.slots import told_by_library
from rgaviz.models.foreign.stages import find_stages
from rgaviz.models.network import shapes_only

RESNET = "torchvision:resnet18"


def built(arch=RESNET, attention="rga-sc", **options):
    torch.manual_seed(0)
    return create_model(arch, attention, **{"num_classes": 5, "image_size": (64, 64), **options}).eval()


def test_a_pair_starts_from_the_weights_of_the_library():
    torch.manual_seed(0)
    expected = torchvision.models.resnet18(num_classes=5).state_dict()
    with_attention = built().state_dict()
    for key, value in expected.items():
        assert torch.equal(with_attention[key], value), key
    assert {key.split(".")[0] for key in with_attention.keys() - expected.keys()} == {"attention"}


def test_attention_acts_behind_each_stage():
    """Against the library's own layers, called one after the other."""
    model, images = built(), torch.rand(2, 3, 64, 64)
    x = model.maxpool(model.relu(model.bn1(model.conv1(images))))
    for name, layer in {
        "conv2": model.layer1,
        "conv3": model.layer2,
        "conv4": model.layer3,
        "conv5": model.layer4,
    }.items():
        x = model.attention[name](layer.__class__.forward(layer, x))  # past the hooks
    logits = model.fc(model.avgpool(x).flatten(1))
    with torch.no_grad():
        assert torch.allclose(model(images), logits, atol=1e-6)
        assert not torch.allclose(model(images), built(attention="none")(images), atol=1e-4)


def test_what_it_says_of_itself():
    model = built(attention_layers=["conv4", "conv5"], s1=2)
    assert model.config == {
        "arch": RESNET,
        "attention": "rga-sc",
        "num_classes": 5,
        "image_size": [64, 64],
        "attention_layers": ["conv4", "conv5"],
        "s1": 2,
    }
    assert model.stages == {
        "conv2": "layer1",
        "conv3": "layer2",
        "conv4": "attention.conv4",
        "conv5": "attention.conv5",
    }
    assert model.head is model.fc
    assert gated_layers(model) == ["conv4", "conv5"]
    assert default_cam_layer(model) == "conv5"
    assert "head.weight" not in model.state_dict()


def test_a_module_means_what_is_before_its_slot():
    model = built()
    assert mask_place(model, "layer4", (64, 64)) == "after the mask of conv4, before that of conv5"
    assert mask_place(model, "conv5", (64, 64)) == "after the mask of conv5"


class Masked(torch.nn.Module):
    """(B, C, 2, 2) times a fixed mask."""

    def forward(self, x):
        return x * torch.tensor([[0.1, 0.9], [0.5, 0.3]])


def test_maps_of_a_module_are_before_its_slot():
    """Against the same network whose mask is a module of its own, so that no hook is needed."""
    names = ["gradcam", "ablationcam", "eigencam"]
    slotted = built("timm:test_resnet", "none")
    torch.nn.init.normal_(slotted.head.weight)
    plain = copy.deepcopy(slotted)
    slotted.add_module("masked", Masked())
    slotted.layer4.register_forward_hook(Slot(slotted.masked))
    plain.global_pool = torch.nn.Sequential(Masked(), plain.global_pool)
    before, images = list(slotted.layer4._forward_hooks), torch.rand(2, 3, 64, 64)
    found = cam(slotted, images, "layer4", names, [1, 2])
    expected = cam(plain, images, "layer4", names, [1, 2])
    behind = cam(slotted, images, "masked", names, [1, 2])
    for name in names:
        assert found[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-7), name
        assert behind[name] != pytest.approx(expected[name], rel=1e-2), name
    assert list(slotted.layer4._forward_hooks) == before


def test_copies_and_pickles_have_slots_of_their_own():
    model, images = built(), torch.rand(1, 3, 64, 64)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with torch.no_grad():
            before = model(images)
            assert torch.equal(other(images), before)
            for parameter in other.attention.parameters():
                parameter.zero_()
            assert not torch.equal(other(images), before)
            assert torch.equal(model(images), before)


@pytest.mark.parametrize("arch", [RESNET, "timm:test_resnet", "timm:test_convnext", "timm:test_efficientnet"])
def test_round_trip(arch, tmp_path):
    model = built(arch, "cbam-cs")
    save_checkpoint(tmp_path / "a.pt", model, classes=list("abcde"), mean=[0.5] * 3, std=[0.25] * 3, notes=())
    loaded = load_checkpoint(tmp_path / "a.pt")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.model(images), model(images))
    assert loaded.config == model.config
    assert set(gated_layers(loaded.model)) >= set(stage_names(model))


@pytest.mark.parametrize(
    ("arch", "ends"),
    [
        ("torchvision:resnext50_32x4d", ["layer1", "layer2", "layer3", "layer4"]),
        ("torchvision:convnext_tiny", ["features.1", "features.3", "features.5", "features.7"]),
        ("torchvision:efficientnet_b0", ["features.2", "features.3", "features.5", "features.8"]),
        ("torchvision:mobilenet_v2", ["features.3", "features.6", "features.13", "features.18"]),
        ("torchvision:regnet_y_400mf", [f"trunk_output.block{n}" for n in (1, 2, 3, 4)]),
        ("torchvision:densenet121", [*(f"features.denseblock{n}" for n in (1, 2, 3)), "features.norm5"]),
        ("torchvision:vgg16", ["features.15", "features.22", "features.29"]),
        ("torchvision:googlenet", ["conv3", "inception3b", "inception4e", "inception5b"]),
        ("timm:resnet18", ["layer1", "layer2", "layer3", "layer4"]),
        ("timm:convnext_atto", ["stages.0", "stages.1", "stages.2", "stages.3"]),
        ("timm:mobilenetv3_small_100", ["blocks.0", "blocks.1", "blocks.3", "blocks.5"]),
        ("timm:fastvit_t8", ["stages.0", "stages.1", "stages.2", "stages.3"]),
        ("torchvision:swin_t", []),
        ("timm:test_vit", []),
    ],
)
def test_where_stages_end(arch, ends):
    with shapes_only():
        model = create_model(arch, image_size=(224, 224) if "vit" not in arch else (160, 160))
        found = find_stages(model, (96, 96), (224, 224), told_by_library(model))
    assert [stage.module for stage in found.values()] == ends
    assert list(found) == [f"conv{n}" for n in range(6 - len(ends), 6)]


def test_sizes_are_those_of_the_images():
    with shapes_only():
        found = find_stages(create_model(RESNET), (96, 64), (224, 224))
    assert {name: (stage.channels, stage.size) for name, stage in found.items()} == {
        "conv2": (64, (24, 16)),
        "conv3": (128, (12, 8)),
        "conv4": (256, (6, 4)),
        "conv5": (512, (3, 2)),
    }


def test_finding_stages_leaves_the_network_as_it_was():
    model = create_model("timm:test_resnet", image_size=(64, 64)).train()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    find_stages(model, (64, 64), (64, 64))
    assert all(module.training and not module._forward_hooks for module in model.modules())
    assert all(torch.equal(model.state_dict()[key], value) for key, value in state.items())


@pytest.mark.parametrize(
    ("error", "arch", "options", "words"),
    [
        (RgavizError, "timm:test_vit", {"image_size": (160, 160)}, "timm:test_vit has no stages to put"),
        (UnknownNameError, RESNET, {"attention_layers": ["conv6"]}, "Did you mean 'conv5'?"),
        (UnknownNameError, RESNET, {"attention": "rga"}, "Unknown attention 'rga'"),
        (
            RgavizError,
            RESNET,
            {"image_size": (32, 32)},
            "conv5 of torchvision:resnet18 is a single position at this image size: no place for attention; take "
            "larger images, or name others as attention layers (conv2,conv3,conv4).",
        ),
        (
            RgavizError,
            RESNET,
            {"s1": 8},
            "conv4 of torchvision:resnet18, 256 channels of 4x4: A graph of 16 ",
        ),
        (
            RgavizError,
            RESNET,
            {"image_size": (2048, 1024)},
            "conv2 of torchvision:resnet18, 64 channels of 512x256: rga-sc there has 10,771,114,576 weights",
        ),
    ],
)
def test_refused(error, arch, options, words):
    with shapes_only():
        line = refused(error, built, arch, **options)
    assert words in line


def test_a_baseline_of_a_pair_names_its_stages_where_it_has_any():
    baseline = built("timm:test_convnext", "none", attention_layers=("all",))
    assert list(stage_names(baseline)) == ["conv2", "conv3", "conv4", "conv5"]
    assert baseline.config["attention_layers"] == ["conv2", "conv3", "conv4", "conv5"]
    transformer = built("timm:test_vit", "none", attention_layers=("all",), image_size=(160, 160))
    assert "attention_layers" not in transformer.config

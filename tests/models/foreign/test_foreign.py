"""Networks of other libraries: built, loaded from their caches, and refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from foreign_networks import refused

from rgaviz.analysis.subject import load_subjects
from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.checkpoint.reading import weights_sha256
from rgaviz.errors import CheckpointError, RgavizError, UnknownNameError
from rgaviz.explain.gates import gated_layers
from rgaviz.explain.layers import default_cam_layer, find_layer
from rgaviz.models import create_model
from rgaviz.models.network import task_of

SMALL = "torchvision:squeezenet1_1"


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("owned"),))


def cache(hub, weights, state):
    """Put a state_dict where torchvision looks for these weights."""
    hub.mkdir(parents=True, exist_ok=True)
    torch.save(state, hub / weights.url.rpartition("/")[2])


# built


def test_a_network_has_what_the_package_needs():
    torch.manual_seed(0)
    expected = torchvision.models.resnet18(num_classes=7)
    torch.manual_seed(0)
    model = create_model("torchvision:resnet18", num_classes=7, image_size=(40, 56))
    for key, value in expected.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
    assert model.config == {
        "arch": "torchvision:resnet18",
        "attention": "none",
        "num_classes": 7,
        "image_size": [40, 56],
    }
    assert task_of(model) == "classification"
    assert model.stages == {"conv2": "layer1", "conv3": "layer2", "conv4": "layer3", "conv5": "layer4"}
    assert find_layer(model, "conv5") is model.layer4
    assert default_cam_layer(model) == "conv5"
    assert gated_layers(model) == []


def test_a_network_without_such_layers_has_no_stages():
    assert not hasattr(create_model(SMALL), "stages")


@pytest.mark.parametrize("name", ["vit_b_32", "maxvit_t"])
def test_the_size_is_given_where_the_constructor_asks_for_it(name):
    with torch.device("meta"):
        model = create_model(f"torchvision:{name}", num_classes=5, image_size=(448, 448))
        assert model(torch.zeros(1, 3, 448, 448)).shape == (1, 5)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_left_out(name):
    model = create_model(f"torchvision:{name}", num_classes=3, image_size=(96, 96))
    assert not any("aux" in key.lower() for key in model.state_dict())
    assert model.eval()(torch.zeros(1, 3, 96, 96)).shape == (1, 3)


@pytest.mark.parametrize(
    ("arch", "options", "words"),
    [
        ("torchvision:resnet51", {}, "Did you mean torchvision:resnet50?"),
        ("torchvision:", {}, "has no network ''"),
        ("torchvision:fcn_resnet50", {}, "does not classify images"),
        ("torchvision:quantized_resnet18", {}, "does not classify images"),
        ("torchvision:resnet18", {"last_stride": 1}, "has no option last_stride, only a ResNet has"),
        ("torchvision:resnet18", {"s1": 0}, "s1=0 cannot build"),
        ("torchvision:resnet18", {"num_classes": 0}, "num_classes=0"),
        ("torchvision:resnet18@DEFAULT", {}, "load_checkpoint"),
        ("torchvision:vit_b_16", {"image_size": (32, 64)}, "square"),
        ("torchvision:vit_b_16", {"image_size": (30, 30)}, "Try 224x224"),
    ],
)
def test_what_cannot_be_built(arch, options, words):
    assert words in refused(RgavizError, create_model, arch, **options)


# with weights


def test_fresh_weights_are_always_the_same_and_said_to_be_untrained():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, second = load_checkpoint(f"{SMALL}@none"), load_checkpoint(f"{SMALL}@none")
    assert torch.equal(torch.rand(3), expected)
    for key, value in first.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[key], value)
    assert first.path == f"{SMALL}@none"
    assert not first.model.training
    assert first.image_size == (224, 224)
    assert (first.mean, first.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert first.classes[:2] == ["tench", "goldfish"]
    assert len(first.classes) == 1000
    (subject,) = load_subjects([f"{SMALL}@none"], torch.device("cpu"))
    assert subject.id == "squeezenet1_1-untrained"


def test_weights_come_from_the_cache(hub):
    """Those that are named, by default the library's, with their own normalisation and size."""
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    model = torchvision.models.resnet18()
    cache(hub, weights, model.state_dict())
    x = torch.randn(2, 3, 64, 64)
    for source in (
        "torchvision:resnet18",
        "torchvision:resnet18@IMAGENET1K_V1",
        "torchvision:resnet18@DEFAULT",
    ):
        loaded = load_checkpoint(source)
        assert loaded.path == "torchvision:resnet18@IMAGENET1K_V1"
        with torch.no_grad():
            assert torch.equal(loaded.model(x), model.eval()(x))
    assert loaded.classes == weights.meta["categories"]
    assert loaded.image_size == (224, 224)
    assert loaded.sha256 == weights_sha256(model)


def test_the_sum_of_weights_is_of_names_and_values():
    import hashlib

    model = torch.nn.BatchNorm1d(2)
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    assert weights_sha256(model) == digest.hexdigest()
    model.running_mean[0] = 1e-6
    assert weights_sha256(model) != digest.hexdigest()


def test_dense_layers_of_old_files_are_renamed(hub):
    import re

    model = torchvision.models.densenet121()
    state = {
        re.sub(r"(denselayer\d+\.(norm|conv))([12])\.", r"\1.\3.", key): value
        for key, value in model.state_dict().items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    cache(hub, torchvision.models.DenseNet121_Weights.DEFAULT, state)
    loaded = load_checkpoint("torchvision:densenet121").model.state_dict()
    for key, value in model.state_dict().items():
        assert torch.equal(loaded[key], value), key


def test_auxiliary_heads_of_files_are_left_out(hub):
    model = torchvision.models.googlenet(aux_logits=True, init_weights=False, transform_input=True)
    cache(hub, torchvision.models.GoogLeNet_Weights.DEFAULT, model.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(load_checkpoint("torchvision:googlenet").model(x), model.eval()(x))


@pytest.mark.parametrize("state", [{"classifier.1.weight": torch.zeros(3)}, [1], Bomb()])
def test_another_file_in_the_cache(hub, tmp_path, monkeypatch, state):
    monkeypatch.chdir(tmp_path)
    cache(hub, torchvision.models.SqueezeNet1_1_Weights.DEFAULT, state)
    line = refused(CheckpointError, load_checkpoint, SMALL)
    assert "/torch/hub/checkpoints/squeezenet1_1-b8a52dc0.pth does not hold" in line
    assert line.endswith(" Remove it, to have it downloaded again.")
    assert not Path("owned").exists()


def test_without_network_and_cache(hub, capfd):
    line = refused(CheckpointError, load_checkpoint, "torchvision:resnet18")
    assert line.startswith("torchvision:resnet18@IMAGENET1K_V1: its weights are not in /")
    assert "/torch/hub/checkpoints and cannot be downloaded " in line
    assert "(Name or service not known)" in line
    assert "https://download.pytorch.org/models/resnet18-f37072fd.pth" in line
    assert "torchvision:resnet18@none" in line
    assert list(hub.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("torchvision:resnet50@IMAGENET1K_V3", "Did you mean 'IMAGENET1K_V2'?"),
        ("torchvision:resnet55", "Did you mean"),
        ("torchvision:ssd300_vgg16", "does not classify images"),
    ],
)
def test_unknown_weights(source, words):
    assert words in refused(UnknownNameError, load_checkpoint, source)


def test_it_is_saved_and_loaded_as_any_other(tmp_path):
    torch.manual_seed(0)
    model = create_model("torchvision:shufflenet_v2_x0_5", num_classes=3, image_size=(48, 32)).eval()
    path, x = tmp_path / "own.pt", torch.randn(2, 3, 48, 32)
    save_checkpoint(path, model, classes=["a", "b", "c"], mean=(0.5,) * 3, std=(0.2,) * 3)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    loaded = load_checkpoint(path)
    assert torch.equal(torch.rand(2), expected)
    assert loaded.config == model.config
    with torch.no_grad():
        assert torch.equal(loaded.model(x), model(x))


def test_names_in_figures(monkeypatch):
    monkeypatch.setattr(
        "rgaviz.analysis.subject.load_checkpoint", lambda *_, **__: load_checkpoint(f"{SMALL}@none")
    )
    sources = [
        "torchvision:resnet50",
        "torchvision:resnet50@IMAGENET1K_V1",
        "torchvision:resnet50@none",
        "timm:resnet50@none",
        "timm:resnet50.a1_in1k",
        "timm:resnet50.a1_in1k",
        "runs/resnet18.pt",
    ]
    assert [subject.id for subject in load_subjects(sources, torch.device("cpu"))] == [
        "resnet50",
        "resnet50-V1",
        "torchvision-resnet50-untrained",
        "timm-resnet50-untrained",
        "timm-resnet50.a1_in1k",
        "timm-resnet50.a1_in1k'",
        "resnet18",
    ]

"""Bare weights: what is around them is undone, only a head may differ, and nothing numpy left is run."""

from __future__ import annotations

import argparse
from collections import OrderedDict

import numpy as np
import pytest
import torch
import torchvision

from rgaviz.checkpoint import load_checkpoint
from rgaviz.errors import CheckpointError, UnknownNameError
from rgaviz.models import bare, create_model

ARCH = "torchvision:squeezenet1_1"  # its head is a convolution
STATE = {"a.weight": torch.ones(2), "b.bias": torch.zeros(1)}


def same(found, expected):
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def prefixed(*prefixes):
    return {f"{''.join(prefixes)}{key}": value for key, value in STATE.items()}


@pytest.mark.parametrize(
    "document",
    [
        STATE,
        OrderedDict(STATE),
        {"state_dict": STATE, "epoch": 3},
        {"model": STATE, "optimizer": {"lr": 1}},
        {"model_state": STATE},
        {"model_state_dict": STATE},
        {"net": prefixed("module."), "acc": 93.0},
        {"state_dict": {"model": prefixed("model.")}},
        prefixed("module."),
        prefixed("_orig_mod."),
        prefixed("module.", "_orig_mod."),
        prefixed("_orig_mod.", "module.", "model."),
    ],
)
def test_wrappers_are_undone(document):
    same(bare.unwrap(document), STATE)


def test_a_prefix_that_not_every_key_has_stays():
    state = {"module.a": torch.ones(1), "b": torch.ones(1)}
    same(bare.unwrap(state), state)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format": 1, "model": STATE},
        {"state_dict": {}},
        {"epoch": 3},
        [STATE],
        None,
        3,
        {"a": 1, "b": torch.ones(1)},
        {5: torch.ones(1)},
    ],
)
def test_no_state_dict(document):
    assert bare.unwrap(document) is None


def test_a_document_that_holds_itself():
    document = {}
    document["model"] = document
    assert bare.unwrap(document) is None


def weights(arch, num_classes, **options):
    torch.manual_seed(5)
    return create_model(arch, num_classes=num_classes, **options).eval()


@pytest.mark.parametrize("num_classes", [3, 1000])
@pytest.mark.parametrize("arch", [ARCH, "resnet20", "resnet18-w16", "densenet-bc100"])
def test_a_network_gets_its_weights(arch, num_classes):
    model = weights(arch, num_classes)
    found, notes = bare.fit(model.state_dict(), arch)
    same(found.state_dict(), model.state_dict())
    assert notes == []
    assert found.config["image_size"] == ([224, 224] if arch == ARCH else [32, 32])
    assert found.config["num_classes"] == num_classes


def test_the_stem_tells_the_size_of_pictures():
    state = weights("resnet18-w16", 4, image_size=(224, 224)).state_dict()
    found, _ = bare.fit(state, "resnet18-w16")
    assert found.config["image_size"] == [224, 224]


def test_old_files_without_counters():
    state = weights("resnet20", 4).state_dict()
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    found, notes = bare.fit(old, "resnet20")
    assert notes == []
    assert all(torch.equal(found.state_dict()[key], value) for key, value in old.items())


@pytest.mark.parametrize("num_classes", [None, 3, 4, 7])
def test_only_a_head_may_be_missing(num_classes):
    state = weights("resnet20", 4).state_dict()
    for key in ("fc.weight", "fc.bias"):
        state.pop(key)
    found, notes = bare.fit(state, "resnet20", num_classes)
    again, _ = bare.fit(state, "resnet20", num_classes)
    assert found.config["num_classes"] == (num_classes or 1000)
    assert torch.equal(found.fc.weight, again.fc.weight)
    assert notes == ["its head does not fit (fc.weight, fc.bias): what it predicts means nothing."]
    assert all(torch.equal(found.state_dict()[key], value) for key, value in state.items())


def test_a_head_of_another_shape_or_kind():
    state = weights("resnet20", 4).state_dict()
    found, (note,) = bare.fit(state, "resnet20", 5)
    assert "fc.weight 4x64 instead of 5x64, fc.bias 4 instead of 5" in note
    assert found.config["num_classes"] == 5
    projection = {f"fc.0.{key}": state.pop(f"fc.{key}") for key in ("weight", "bias")}
    _, (note,) = bare.fit({**state, **projection}, "resnet20")
    assert "fc.0.weight" in note


def test_what_does_not_fit_is_listed():
    state = weights("resnet20", 4).state_dict()
    state.pop("conv1.weight")
    state["bn1.weight"] = torch.ones(5)
    state |= {f"more.{index}": torch.ones(1) for index in range(5)}
    with pytest.raises(CheckpointError) as caught:
        bare.fit(state, "resnet20")
    assert str(caught.value) == (
        "its weights do not fit resnet20: missing conv1.weight; unexpected more.0, more.1, more.2 and 2 more; "
        "of another shape bn1.weight 5 instead of 16. Name their network with --arch."
    )


def test_an_unknown_network():
    for arch in ("resnet19", "torchvision:resnet19"):
        with pytest.raises(UnknownNameError):
            bare.fit(STATE, arch)


# from files


def test_a_training_scripts_file(tmp_path):
    """With a wrapper, a prefix, half precision, numpy's numbers and arrays, and the options of its command line."""
    model, path = torchvision.models.squeezenet1_1(num_classes=6), tmp_path / "best.pth.tar"
    document = {
        "epoch": 90,
        "best": np.float64(76.5),
        "history": np.arange(3.0),
        "args": argparse.Namespace(lr=0.1),
        "state_dict": {f"module.{key}": value.half() for key, value in model.state_dict().items()},
    }
    allowed = set(torch.serialization.get_safe_globals())
    for zipped in (True, False):
        torch.save(document, path, _use_new_zipfile_serialization=zipped)
        loaded = load_checkpoint(path, ARCH)
        for key, value in loaded.model.state_dict().items():
            assert value.dtype == torch.float32
            assert torch.equal(value, model.state_dict()[key].half().float()), key
        assert loaded.classes == [f"class {index}" for index in range(6)]
        assert (loaded.path, loaded.image_size) == (path, (224, 224))
        assert loaded.config == {
            "arch": ARCH,
            "attention": "none",
            "num_classes": 6,
            "image_size": [224, 224],
        }
    assert set(torch.serialization.get_safe_globals()) == allowed


def test_safetensors(tmp_path):
    from safetensors.torch import save_file

    model, path = weights("resnet20", 4), tmp_path / "model.safetensors"
    save_file(model.state_dict(), path)
    same(load_checkpoint(path, "resnet20").model.state_dict(), model.state_dict())
    path.write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path, "resnet20")


def test_timms_normalisation(tmp_path):
    timm = pytest.importorskip("timm")
    model, path = timm.create_model("test_vit", num_classes=2), tmp_path / "vit.pth"
    torch.save(model.state_dict(), path)
    loaded = load_checkpoint(path, "timm:test_vit")
    config = timm.data.resolve_data_config(pretrained_cfg=model.pretrained_cfg)
    assert (loaded.mean, loaded.std) == (config["mean"], config["std"])
    assert loaded.image_size == config["input_size"][1:]

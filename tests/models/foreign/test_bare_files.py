"""Files of bare weights, as training scripts and libraries write them."""

from __future__ import annotations

import argparse
import sys

import numpy as np
import pytest
import torch
import torchvision

from rgaviz.checkpoint import load_checkpoint
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import create_model

ARCH = "torchvision:squeezenet1_1"  # its head is a convolution


def same(found, expected):
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def weights(arch, num_classes, **options):
    torch.manual_seed(5)
    return create_model(arch, num_classes=num_classes, **options).eval()


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


@pytest.mark.parametrize("prefix", ["model.", "net.", "backbone.", "network."])
@pytest.mark.parametrize("wrapped", ["", "module.", "_orig_mod."])
def test_a_prefix_that_all_names_have_is_told(tmp_path, prefix, wrapped):
    state = weights("resnet20", 4).state_dict()
    torch.save({f"{wrapped}{prefix}{key}": value for key, value in state.items()}, tmp_path / "net.pth")
    loaded = load_checkpoint(tmp_path / "net.pth", "resnet20")
    same(loaded.model.state_dict(), state)
    assert loaded.notes[0] == f"names were taken without a prefix ({prefix})."


def test_safetensors(tmp_path):
    from safetensors.torch import save_file

    model, path = weights("resnet20", 4), tmp_path / "model.safetensors"
    save_file(model.state_dict(), path)
    same(load_checkpoint(path, "resnet20").model.state_dict(), model.state_dict())
    path.write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path, "resnet20")


def test_safetensors_is_not_there(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"tensors")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(RgavizError, match=r"needs safetensors to be read: pip install safetensors$"):
        load_checkpoint(path, "resnet20")


def test_a_fresh_head_has_no_class_names(tmp_path):
    path, state = tmp_path / "weights.pth", weights("resnet20", 1000).state_dict()
    torch.save(state, path)
    assert load_checkpoint(path, "resnet20").classes[:2] == ["tench", "goldfish"]
    torch.save({key: value for key, value in state.items() if not key.startswith("fc.")}, path)
    loaded = load_checkpoint(path, "resnet20")
    assert loaded.notes[0] == "its head does not fit (fc.weight, fc.bias): what it predicts means nothing."
    assert loaded.classes == [f"class {index}" for index in range(1000)]


def test_timms_normalisation(tmp_path):
    timm = pytest.importorskip("timm")
    model, path = timm.create_model("test_vit", num_classes=2), tmp_path / "vit.pth"
    torch.save(model.state_dict(), path)
    loaded = load_checkpoint(path, "timm:test_vit")
    config = timm.data.resolve_data_config(pretrained_cfg=model.pretrained_cfg)
    assert (loaded.mean, loaded.std) == (config["mean"], config["std"])
    assert loaded.image_size == config["input_size"][1:]


ASSUMED = {
    "image_size": "images of 32x32 (--image-size)",
    "normalisation": "mean 0.485 0.456 0.406 (--mean); deviation 0.229 0.224 0.225 (--std)",
    "classes": "numbers for names of classes (--classes)",
}


@pytest.mark.parametrize("said", [(), ("image_size",), ("normalisation", "classes"), tuple(ASSUMED)])
def test_what_is_assumed_is_told_and_what_is_said_is_taken(tmp_path, said):
    path = tmp_path / "weights.pth"
    torch.save(weights("resnet20", 3).state_dict(), path)
    (tmp_path / "names.txt").write_text("cat\ndog\nhorse\n")
    options = {"image_size": {"image_size": (48, 64)}, "classes": {"classes": tmp_path / "names.txt"}}
    options["normalisation"] = {"mean": "0.5,0.5,0.5", "std": (0.25, 0.25, 0.25)}
    loaded = load_checkpoint(path, "resnet20", **{k: v for name in said for k, v in options[name].items()})
    left = [told for name, told in ASSUMED.items() if name not in said]
    start = "assumed, for the file does not say: "
    assert list(loaded.notes) == ([f"{start}{'; '.join(left)}."] if left else [])
    assert loaded.image_size == ((48, 64) if "image_size" in said else (32, 32))
    assert loaded.classes == (
        ["cat", "dog", "horse"] if "classes" in said else ["class 0", "class 1", "class 2"]
    )
    if "normalisation" in said:
        assert (loaded.mean, loaded.std) == ((0.5,) * 3, (0.25,) * 3)


def test_the_stride_of_the_last_stage_is_told(tmp_path):
    """Weights do not say it: torchvision's network has 2, ours by default 1."""
    path = tmp_path / "resnet18.pth"
    torch.save(weights("resnet18", 3, image_size=(224, 224)).state_dict(), path)
    (note,) = load_checkpoint(path, "resnet18").notes
    told = "stride 1 in the last stage, torchvision's has 2 (--arch torchvision:resnet18)"
    assert (told in note) == (create_model("resnet18").config["last_stride"] == 1)


@pytest.mark.parametrize("options", [{"mean": "0.5,0.5"}, {"std": (0, 0, 0)}, {"mean": (0.485, 0.456, 406)}])
def test_a_normalisation_that_cannot_be(tmp_path, options):
    path = tmp_path / "weights.pth"
    torch.save(weights("resnet20", 3).state_dict(), path)
    with pytest.raises(RgavizError, match=r"is not (three )?numbers from"):
        load_checkpoint(path, "resnet20", **options)

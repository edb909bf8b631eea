"""Files that are no checkpoint of ours are refused in one line, and code in them does not run."""

from __future__ import annotations

import os
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_checkpoint import fault, network, save

from rgaviz.checkpoint import load_checkpoint
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import create_model


def test_missing(tmp_path):
    assert "does not exist" in fault(tmp_path / "rga.pt")


def test_a_folder(tmp_path):
    (tmp_path / "runs").mkdir()
    assert "is a folder" in fault(tmp_path / "runs")


def test_empty(tmp_path):
    (tmp_path / "rga.pt").touch()
    assert "is empty" in fault(tmp_path / "rga.pt")


def test_a_name_the_system_refuses(tmp_path):
    assert "cannot be read" in fault(tmp_path / f"{'x' * 300}.pt")
    (tmp_path / "file").touch()
    assert "does not exist" in fault(tmp_path / "file" / "rga.pt")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("part", [1, 2, 3, 20, 0.001, 0.1, 0.5, 0.9, 0.99, -200, -22, -1])
def test_truncated(saved, part, zipped):
    if not zipped:
        document = torch.load(saved, weights_only=True)
        torch.save(document, saved, _use_new_zipfile_serialization=False)
    content = saved.read_bytes()
    saved.write_bytes(content[: part if isinstance(part, int) else int(part * len(content))])
    assert "damaged" in fault(saved)


def test_random_bytes(tmp_path):
    numbers, path = random.Random(0), tmp_path / "rga.pt"
    for _ in range(100):
        path.write_bytes(numbers.randbytes(numbers.choice([1, 2, 5, 30, 2000])))
        fault(path)


def test_flipped_bytes_of_the_pickle(tmp_path):
    """Whatever a damaged file does to the reader, the answer is a network or one line."""
    numbers, path = random.Random(0), save(tmp_path / "rga.pt", network())
    document = torch.load(path, weights_only=True)
    torch.save(document, path, _use_new_zipfile_serialization=False)  # the pickle comes first, in plain sight
    content = path.read_bytes()
    messages = []
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(numbers.choice([1, 3, 20])):
            damaged[numbers.randrange(4000)] = numbers.randrange(256)
        path.write_bytes(damaged)
        try:
            load_checkpoint(path)
        except CheckpointError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert not any("\n" in message for message in messages)


LOOKED = "no weights under state_dict, model, model_state, model_state_dict, net, weights, state_dict_ema, model_ema"


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        ({}, "it holds nothing"),
        ({"a": 1}, f"it holds a, and {LOOKED}"),
        ({"state_dict": {}, "epoch": 3}, f"it holds state_dict, epoch, and {LOOKED}"),
        ({"network": {"fc.weight": torch.zeros(3)}, "x\ny": 3}, f"it holds network, x y, and {LOOKED}"),
        ({"model": {"fc.weight": torch.zeros(3), "lr": 1}}, "beside tensors it holds what is none (lr)"),
        (dict.fromkeys("abcdefghijk", 1), "it holds a, b, c, d, e, f, g, "),
        ([1, 2], "it holds list"),
        ("text", "it holds str"),
        (5, "it holds int"),
        (None, "it holds NoneType"),
        (torch.zeros(3), "it holds Tensor"),
    ],
)
@pytest.mark.parametrize("arch", [None, "resnet20"])
def test_not_ours(tmp_path, thing, told, arch):
    torch.save(thing, tmp_path / "other.pt")
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path / "other.pt", arch)
    message = str(caught.value)
    assert f"other.pt is not an rgaviz checkpoint, nor weights: {told}" in message
    assert "torch.save(model.state_dict(), FILE)" in message
    assert "\n" not in message


def test_other_files(tmp_path):
    (tmp_path / "notes.pt").write_text("epoch,loss\n1,2\n")
    Image.new("RGB", (3, 3)).save(tmp_path / "a.png")
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    for name in ("notes.pt", "a.png", "a.npz"):
        assert "not a checkpoint" in fault(tmp_path / name)


def test_a_bare_state_dict_names_no_network(tmp_path):
    model = create_model("resnet18-w16", num_classes=3)
    for document in (model.state_dict(), {"model": model.state_dict(), "epoch": 3}):
        torch.save(document, tmp_path / "weights.pth")
        message = fault(tmp_path / "weights.pth")
        assert "bare state_dict" in message
        assert "--arch" in message
        loaded = load_checkpoint(tmp_path / "weights.pth", "resnet18-w16")
        for key, value in model.state_dict().items():
            assert torch.equal(loaded.model.state_dict()[key], value), key
        assert loaded.classes == ["class 0", "class 1", "class 2"]
        assert (loaded.mean, loaded.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize("arch", [None, "resnet18-w16"])
def test_a_bare_state_dict_with_attention(tmp_path, arch):
    path = tmp_path / "weights.pth"
    torch.save(network().state_dict(), path)
    with pytest.raises(CheckpointError, match=r"rgaviz\.create_model"):
        load_checkpoint(path, arch)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.full((10,), float("nan")), "fc.bias holds NaN or infinite weights. Take weights from before"),
        (torch.zeros(1).expand(2**50), "fc.bias has fewer values than its shape claims. Copy the file again"),
        (torch.zeros(10).to_sparse(), "fc.bias is a tensor of layout sparse_coo. Save it dense"),
        (torch.zeros(10, dtype=torch.uint8), "fc.bias is uint8, where weights are floating point"),
        (torch.zeros(10, dtype=torch.bool), "fc.bias is bool, where weights are floating point"),
        (torch.zeros(10, device="meta"), "fc.bias has no values in the file. Save the network after"),
    ],
    ids=["nan", "huge", "sparse", "uint8", "bool", "meta"],
)
def test_bare_weights_that_are_not_sound(tmp_path, value, told):
    path, state = tmp_path / "weights.pth", create_model("resnet18-w16").state_dict()
    torch.save({**state, "fc.bias": value}, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path, "resnet18-w16")
    assert str(caught.value).startswith(f"{path}: {told}")


def test_images_that_are_too_large(tmp_path):
    torch.save(create_model("resnet20").state_dict(), tmp_path / "weights.pth")
    with pytest.raises(RgavizError, match="4097x32 are too large"):
        load_checkpoint(tmp_path / "weights.pth", "resnet20", image_size=(4097, 32))


def test_a_network_named_beside_a_file_that_names_its_own(saved):
    assert load_checkpoint(saved, "torchvision:resnet50", 7).config["arch"] == "resnet18-w16"


class Shell:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


class Python:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return eval, (f"open({str(self.marker)!r}, 'w').close()",)


@pytest.mark.parametrize("code", [Shell, Python])
@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: {"format": 1, "config": {}, "x": x}, lambda x: [x, x]]
)
@pytest.mark.parametrize("way", ["zip", "old", "pickle"])
def test_a_pickle_that_runs_code_is_refused(tmp_path, code, wrap, way):
    marker, path = tmp_path / "marker", tmp_path / "evil.pt"
    thing = wrap(code(marker))
    if way == "pickle":
        path.write_bytes(pickle.dumps(thing, protocol=2))
    else:
        torch.save(thing, path, _use_new_zipfile_serialization=way == "zip")
    message = fault(path)
    assert "run code" in message
    assert "refused" in message
    assert not marker.exists()
    if way == "pickle":  # the marker would have appeared
        pickle.loads(path.read_bytes())
        assert marker.exists()


@pytest.mark.parametrize("thing", [torch.nn.Linear(2, 2), Path("a"), np.float64(3)])
def test_python_objects_are_refused(tmp_path, thing):
    torch.save({"format": 1, "x": thing}, tmp_path / "a.pt")
    assert "refused" in fault(tmp_path / "a.pt")


def test_an_old_style_file_of_ours_loads(saved):
    expected = load_checkpoint(saved).model.state_dict()
    torch.save(torch.load(saved, weights_only=True), saved, _use_new_zipfile_serialization=False)
    for key, value in load_checkpoint(saved).model.state_dict().items():
        assert torch.equal(value, expected[key])

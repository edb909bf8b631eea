"""Files that ask for more than a file of weights would: told in a line, in a moment, in little memory."""

from __future__ import annotations

import collections
import io
import pickle
import resource
import time
import zipfile

import numpy as np
import pytest
import torch

from rgaviz.checkpoint import bounds, load_checkpoint
from rgaviz.checkpoint.bounds import check_document
from rgaviz.checkpoint.reading import read
from rgaviz.errors import CheckpointError

MILLION = 1_000_000
PROTO = b"\x80\x02"
KEY = b"X\x01\x00\x00\x00a"  # the text "a"


def archive(path, data, compression=zipfile.ZIP_STORED, parts=()):
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", data)
        file.writestr("archive/version", "3\n")
        for name, content in parts:
            file.writestr(name, content)
    return path


def laughs(levels):
    """Lists of ten times the same list: few bytes, ten to the power of ``levels`` values."""
    value = ["ha"] * 10
    for _ in range(levels):
        value = [value] * 10
    return pickle.dumps({"history": value}, 2)


DEEP = 50_000  # levels: more than any program's stack has room for
HOSTILE = {
    "tuples in tuples": (PROTO + b")" + b"\x85" * DEEP + b".", "levels deep"),
    "lists in lists": (PROTO + b"]" * DEEP + b"a" * (DEEP - 1) + b".", "levels deep"),
    "dictionaries in dictionaries": (PROTO + (b"}" + KEY) * DEEP + b"N" + b"s" * DEEP + b".", "levels deep"),
    "a deep tuple as a key": (PROTO + b"})" + b"\x85" * DEEP + b"Ns.", "levels deep"),
    "billion laughs": (laughs(9), "values"),
    "a bytearray": (PROTO + b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "bytearray"),
    "an old bytearray": (PROTO + b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "bytearray"),
    "a list in itself": (PROTO + b"]q\x00h\x00a.", "damaged"),
}


def refused(path, words):
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match=words) as caught:
        load_checkpoint(path, "resnet20")
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    assert time.perf_counter() - start < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB


@pytest.mark.parametrize("way", ["archive", "plain"])
@pytest.mark.parametrize("name", HOSTILE)
def test_pickles(tmp_path, name, way):
    data, words = HOSTILE[name]
    path = tmp_path / "hostile.pt"
    archive(path, data) if way == "archive" else path.write_bytes(data)
    refused(path, words if way == "archive" else f"{words}|damaged")  # what PyTorch finds first is as well


@pytest.mark.parametrize("way", ["archive", "plain"])
@pytest.mark.parametrize("most", [20_000, pytest.param(None, marks=pytest.mark.slow)])
def test_a_long_way(tmp_path, monkeypatch, most, way):
    """With as many steps as are too many, and a bound that is sooner reached."""
    if most is not None:
        monkeypatch.setattr(bounds, "LARGEST_PICKLE", most)
    steps = bounds.LARGEST_PICKLE
    path = tmp_path / "long.pt"
    for count, words in ((steps + 1, f"more than {steps} steps to read"), (steps // 2, "damaged|checkpoint")):
        data = PROTO + b"(" + b"N" * count + b"t."
        archive(path, data) if way == "archive" else path.write_bytes(data)
        refused(path, words)


def test_parts_that_unpack(tmp_path):
    storage = io.BytesIO()
    torch.save({"a": torch.zeros(20 * MILLION)}, storage)
    with (
        zipfile.ZipFile(storage) as whole,
        zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in whole.namelist():
            bomb.writestr(name, whole.read(name))
    assert (tmp_path / "bomb.pt").stat().st_size < MILLION
    refused(tmp_path / "bomb.pt", "compressed")


def test_parts_that_overlap(tmp_path):
    """Entries of the directory that all name the same bytes."""
    path = archive(tmp_path / "overlap.pt", pickle.dumps({}, 2), parts=[("archive/data/0", b"0" * MILLION)])
    with zipfile.ZipFile(path, "a") as file:
        entry = file.getinfo("archive/data/0")
        for count in range(1, 50):
            copy = zipfile.ZipInfo(f"archive/data/{count}")
            for field in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(copy, field, getattr(entry, field))
            file.filelist.append(copy)
        file._didModify = True
    refused(path, "overlap")


def test_what_real_files_hold_is_far_below(tmp_path):
    """Fifty tensors with an optimizer's state and a thousand epochs of history."""
    weights = {f"layer{n}.weight": torch.randn(3, 3) for n in range(50)}
    history = [{"epoch": n, "loss": 0.5, "note": "x"} for n in range(1000)]
    optimizer = {"state": {n: {"exp_avg": torch.zeros(3)} for n in range(50)}, "seed": 2**127}
    thing = collections.OrderedDict(model=weights, optimizer=optimizer, history=history)
    for zipped in (True, False):
        torch.save(thing, tmp_path / "real.pt", _use_new_zipfile_serialization=zipped)
        found = read(tmp_path / "real.pt")
        assert found["history"] == history
        assert torch.equal(found["model"]["layer7.weight"], weights["layer7.weight"])


def test_attributes_on_a_tensor_are_left_behind(tmp_path):
    value = torch.ones(2)
    value.is_floating_point = value.float = "mine"
    assert "mine" in vars(check_document([value], tmp_path)[0]).values()
    found = check_document({"a": value}, tmp_path)["a"]
    assert vars(found) == {}
    assert torch.equal(found, torch.ones(2))


def test_a_network_far_larger_than_its_weights_is_not_built(tmp_path):
    config = {"arch": "torchvision:vit_h_14", "attention": "none", "num_classes": 2, "image_size": [224, 224]}
    document = {"format": 1, "config": config, "model": {"a": torch.zeros(2)}, "classes": ["x", "y"]}
    document["normalisation"] = {"mean": [0.5] * 3, "std": [0.5] * 3}
    torch.save(document, tmp_path / "huge.pt")
    refused(tmp_path / "huge.pt", "far larger than its weights")


def encoded(levels, codec):
    """What doubles with each level: a text written by the codec, and what comes of it again."""
    call, text = b"c_codecs\nencode\n", b"X\x05\x00\x00\x00hello"
    named = b"X" + len(codec).to_bytes(4, "little") + codec
    return PROTO + call * levels + text + (named + b"\x86R") * levels + b"."


def test_codecs_that_make_more_of_what_they_get(tmp_path):
    """Latin-1 is how numpy's bytes are written; nothing else is."""
    for name, levels, codec in (("hex", 31, b"hex"), ("once", 1, b"hex"), ("again", 2, b"latin1")):
        refused(
            archive(tmp_path / f"{name}.pt", encoded(levels, codec)), "encodes what is no text in Latin-1"
        )
    path = tmp_path / "array.pt"
    torch.save({"a": np.arange(300, dtype=np.uint8)}, path, pickle_protocol=2)
    bounds.check_file(path)


def test_what_begins_as_a_pickle_is_counted_as_one(tmp_path):
    """Whatever stands behind it: PyTorch asks how a file begins, zipfile how it ends."""
    with io.BytesIO() as storage:
        torch.save({}, storage)
        end = storage.getvalue()
    for name, (data, words) in HOSTILE.items():
        path = tmp_path / f"{name}.pt"
        path.write_bytes(data + end)
        refused(path, f"{words}|damaged")

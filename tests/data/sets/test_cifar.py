from __future__ import annotations

import hashlib
import pickle
from collections import Counter
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10, CIFAR100

from rgaviz.data.sets import load_dataset
from rgaviz.errors import RgavizError

ARCHIVES = {"cifar10": (CIFAR10, 10, "labels"), "cifar100": (CIFAR100, 100, "fine_labels")}


def dump(path: Path, content) -> list[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    return [path.name, hashlib.md5(path.read_bytes()).hexdigest()]


def archive(root: Path, name: str, monkeypatch) -> dict[str, tuple[np.ndarray, list[int]]]:
    """A tiny archive in torchvision's layout, whose checksums torchvision is told."""
    kind, classes, key = ARCHIVES[name]
    rng = np.random.default_rng(0)
    content = {"train": ([], []), "test": ([], [])}

    def write(split: str, file: str) -> list[str]:
        pixels = rng.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
        labels = rng.integers(0, classes, 4).tolist()
        content[split][0].append(pixels.transpose(0, 2, 3, 1))
        content[split][1].extend(labels)
        return dump(root / kind.base_folder / file, {"data": pixels.reshape(4, 3072), key: labels})

    train = [write("train", file) for file, _ in kind.train_list]
    test = [write("test", file) for file, _ in kind.test_list]
    names = {kind.meta["key"]: [f"class {index}" for index in range(classes)]}
    meta, checksum = dump(root / kind.base_folder / kind.meta["filename"], names)
    monkeypatch.setattr(kind, "train_list", train)
    monkeypatch.setattr(kind, "test_list", test)
    monkeypatch.setattr(kind, "meta", {**kind.meta, "filename": meta, "md5": checksum})
    return {split: (np.concatenate(pixels), labels) for split, (pixels, labels) in content.items()}


def fault(*arguments, **options) -> str:
    with pytest.raises(RgavizError) as caught:
        load_dataset(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_torchvisions_archive(tmp_path, monkeypatch, name):
    content = archive(tmp_path, name, monkeypatch)
    data = load_dataset(name, data_dir=tmp_path)
    assert data.name == name
    assert data.source == "torchvision"
    assert len(data.classes) == ARCHIVES[name][1]
    for split, (pixels, labels) in content.items():
        assert torch.equal(data.part(split).images, torch.from_numpy(pixels))
        assert data.part(split).labels.tolist() == labels
    small = load_dataset(name, data_dir=tmp_path, train_size=3, test_size=2)
    assert torch.equal(small.part("train").images, data.part("train").images[:3])
    assert small.part("test").labels.tolist() == content["test"][1][:2]


def test_a_damaged_archive(tmp_path, monkeypatch):
    archive(tmp_path, "cifar10", monkeypatch)
    (tmp_path / CIFAR10.base_folder / "test_batch").write_bytes(b"")
    message = fault("cifar10", data_dir=tmp_path)
    assert f"{tmp_path / CIFAR10.base_folder} is damaged" in message
    assert "--data-dir" in message


def test_image_folders(tmp_path):
    rng = np.random.default_rng(0)
    images = {}
    for split, name, index in (
        (s, n, i) for s in ("train", "test") for n in ("cat", "dog") for i in range(3)
    ):
        pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        path = tmp_path / split / name / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        images[pixels.tobytes()] = (split, name)
    data = load_dataset("cifar10", data_dir=tmp_path)
    assert data.source == "image folders"
    assert (data.name, data.classes) == ("cifar10", ("cat", "dog"))
    assert (data.mean, data.std) == ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    for split in ("train", "test"):
        part = data.part(split)
        found = [images.pop(image.numpy().tobytes()) for image in part.images]
        assert found == [(split, data.classes[label]) for label in part.labels.tolist()]
    assert not images
    small = load_dataset("cifar10", data_dir=tmp_path, train_size=4, test_size=2)
    assert Counter(small.part("train").labels.tolist()) == {0: 2, 1: 2}
    assert len(small.part("test")) == 2


@pytest.mark.parametrize(
    "error",
    [
        URLError(OSError(-2, "Name or service not known")),
        RuntimeError("File not found or corrupted."),
        IncompleteRead(b""),
    ],
)
def test_no_network_and_no_data(tmp_path, monkeypatch, error):
    def download(self):
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(CIFAR10, "download", download)
    message = fault("cifar10")
    assert "Cannot download cifar10" in message
    assert "--data-dir" in message
    assert "rgaviz train shapes" in message


def test_a_folder_without_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr(CIFAR10, "download", lambda self: pytest.fail("a given folder is never filled"))
    message = fault("cifar10", data_dir=tmp_path)
    assert str(tmp_path) in message
    assert "--data-dir" in message
    assert "rgaviz train shapes" in message


def test_another_size_needs_image_folders(tmp_path, monkeypatch):
    archive(tmp_path, "cifar10", monkeypatch)
    assert "data.image_size" in fault("cifar10", data_dir=tmp_path, image_size=(64, 64))


def test_the_folders_of_the_other_one_are_refused(tmp_path):
    for split in ("train", "test"):
        for number in range(10):
            (tmp_path / split / str(number)).mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(tmp_path / split / str(number) / "a.png")
    assert len(load_dataset("cifar10", data_dir=tmp_path).classes) == 10
    assert "the 10 classes of cifar10, not those of cifar100" in fault("cifar100", data_dir=tmp_path)

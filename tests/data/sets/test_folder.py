from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rgaviz.data.sets import load_dataset
from rgaviz.data.splits import DiskSplit, MemorySplit
from rgaviz.errors import PictureError, RgavizError


def write(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), (value, 0, 0)).save(path)


def fill(root: Path, *, first: int, **counts: int) -> None:
    """``counts[name]`` pictures per class; each is of one red of its own, counted from ``first``."""
    for name, count in counts.items():
        for index in range(count):
            write(root / name / f"{index}.png", first)
            first += 1


def load(data_dir, **options):
    return load_dataset("folder", data_dir=data_dir, image_size=(8, 8), **options)


def content(split) -> dict[int, int]:
    """Red value -> label."""
    reds = [int(image[0, 0, 0]) for image in split.images]
    assert len(set(reds)) == len(reds)
    return dict(zip(reds, split.labels.tolist(), strict=True))


def fault(data_dir, **options) -> str:
    with pytest.raises(RgavizError) as caught:
        load(data_dir, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("test", ["val", "test"])
def test_two_folders(tmp_path, test):
    fill(tmp_path / "train", first=0, dog=3, cat=2)
    fill(tmp_path / test, first=100, cat=1, dog=2)
    data = load(tmp_path)
    assert data.classes == ("cat", "dog")
    assert content(data.part("train")) == {0: 1, 1: 1, 2: 1, 3: 0, 4: 0}
    assert content(data.part("test")) == {100: 0, 101: 1, 102: 1}
    assert data.part("train").images.shape == (5, 8, 8, 3)
    assert data.part("train").image_size == (8, 8)
    assert (data.mean, data.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize("below", [".", "train"])
def test_a_fraction_of_every_class_is_held_out(tmp_path, below):
    fill(tmp_path / below, first=0, cat=5, dog=10, owl=20)
    data = load(tmp_path)
    train, test = content(data.part("train")), content(data.part("test"))
    assert Counter(test.values()) == {0: 1, 1: 2, 2: 4}
    assert Counter(train.values()) == {0: 4, 1: 8, 2: 16}
    assert sorted({**train, **test}) == list(range(35))
    again = load(tmp_path)
    assert torch.equal(data.part("train").images, again.part("train").images)
    assert torch.equal(data.part("test").images, again.part("test").images)
    assert len(load(tmp_path, held_out=0.5).part("test")) == 18


def test_limits_keep_all_classes(tmp_path):
    fill(tmp_path / "train", first=0, cat=30, dog=6, owl=6)
    fill(tmp_path / "val", first=100, cat=10, dog=10, owl=10)
    data = load(tmp_path, train_size=7, test_size=3)
    assert Counter(content(data.part("train")).values()) == {0: 5, 1: 1, 2: 1}
    assert Counter(content(data.part("test")).values()) == {0: 1, 1: 1, 2: 1}
    assert len(load(tmp_path, train_size=1000).part("train")) == 42


def test_large_sets_stay_on_disk(tmp_path):
    fill(tmp_path / "train", first=0, cat=3, dog=3)
    fill(tmp_path / "val", first=100, cat=1, dog=1)
    assert isinstance(load(tmp_path, memory=6 * 8 * 8 * 3).part("train"), MemorySplit)
    data = load(tmp_path, memory=6 * 8 * 8 * 3 - 1, workers=1)
    train = data.part("train")
    assert isinstance(train, DiskSplit)
    assert train.workers == 1
    assert isinstance(data.part("test"), MemorySplit)
    found = {int(train[index][0, 0, 0]): int(train.labels[index]) for index in range(6)}
    assert found == {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 1}


def test_hidden_and_other_files_are_skipped(tmp_path):
    fill(tmp_path / "train", first=0, cat=2, dog=2)
    fill(tmp_path / "val", first=100, cat=1, dog=1)
    for name in ("._0.png", ".DS_Store", "notes.txt", ".thumbs/1.png"):
        path = tmp_path / "train" / "cat" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no picture")
    (tmp_path / "train" / "cat" / "folder.jpg").mkdir()
    for root in ("train", "val"):
        (tmp_path / root / ".ipynb_checkpoints").mkdir()
    data = load(tmp_path)
    assert data.classes == ("cat", "dog")
    assert content(data.part("train")) == {0: 0, 1: 0, 2: 1, 3: 1}
    assert content(data.part("test")) == {100: 0, 101: 1}


def test_subfolders_of_a_class_belong_to_it(tmp_path):
    fill(tmp_path / "train", first=0, cat=1, dog=1)
    fill(tmp_path / "train" / "cat", first=50, tabby=1)
    fill(tmp_path / "val", first=100, cat=1, dog=1)
    assert content(load(tmp_path).part("train")) == {0: 0, 50: 0, 1: 1}


def test_progress_counts_the_pictures(tmp_path):
    fill(tmp_path, first=0, cat=5, dog=5)
    calls = []

    def track(items, *, total, description):
        seen = list(items)
        calls.append((len(seen), total, description))
        return seen

    data = load(tmp_path, track=track)
    assert calls == []
    data.part("test")
    assert calls == [(2, 2, "reading images")]
    data.part("train")
    assert calls == [(2, 2, "reading images"), (8, 8, "reading images")]


def test_a_broken_picture_is_named(tmp_path):
    fill(tmp_path / "train", first=0, cat=3, dog=3)
    fill(tmp_path / "val", first=100, cat=1, dog=1)
    (tmp_path / "train" / "dog" / "1.png").write_bytes(b"no picture")
    data = load(tmp_path)
    assert len(data.part("test")) == 2
    with pytest.raises(PictureError, match=r"1\.png") as caught:
        data.part("train")
    assert "\n" not in str(caught.value)


def test_no_folder_given():
    assert "--data-dir" in fault(None)


def test_missing_folder(tmp_path):
    message = fault(tmp_path / "nothing")
    assert "nothing" in message
    assert "--data-dir" in message


@pytest.mark.parametrize("counts", [{}, {"cat": 4}])
def test_fewer_than_two_classes(tmp_path, counts):
    (tmp_path / "train").mkdir()
    fill(tmp_path / "train", first=0, **counts)
    message = fault(tmp_path)
    assert str(tmp_path / "train") in message
    assert "two" in message


def test_a_class_without_training_folder(tmp_path):
    fill(tmp_path / "train", first=0, cat=2, dog=2)
    fill(tmp_path / "val", first=100, cat=1, owl=1)
    message = fault(tmp_path)
    assert str(tmp_path / "val") in message
    assert "owl" in message


def test_a_class_without_training_images(tmp_path):
    fill(tmp_path / "train", first=0, cat=2, dog=2)
    (tmp_path / "train" / "owl").mkdir()
    message = fault(tmp_path)
    assert str(tmp_path / "train") in message
    assert "owl" in message


def test_no_test_images(tmp_path):
    fill(tmp_path / "train", first=0, cat=2, dog=2)
    (tmp_path / "val" / "cat").mkdir(parents=True)
    assert str(tmp_path) in fault(tmp_path)


def test_pixels_are_those_of_the_file(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    fill(tmp_path / "train", first=0, cat=1, dog=1)
    (tmp_path / "val" / "dog").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "val" / "dog" / "0.png")
    assert torch.equal(load(tmp_path).part("test").images, torch.from_numpy(pixels)[None])

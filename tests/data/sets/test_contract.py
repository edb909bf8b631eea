"""What every entry of DATASETS promises."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from labelled import equal
from PIL import Image

from rgaviz.data.augment import AUGMENTATIONS
from rgaviz.data.batches import evaluation_batches
from rgaviz.data.sets import DATASETS, GENERATED, load_dataset
from rgaviz.data.splits import DiskSplit, MemorySplit
from rgaviz.errors import PictureError
from rgaviz.tasks import TASKS

SIZE = (32, 32)


@pytest.fixture
def images(tmp_path) -> Path:
    """Three classes of noise; ``train/cat`` holds two pictures, ``train/dog`` three, and so on."""
    rng = np.random.default_rng(0)
    for part, fewest in (("train", 2), ("test", 1)):
        for more, name in enumerate(("cat", "dog", "owl")):
            for index in range(fewest + more):
                path = tmp_path / part / name / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8)).save(path)
    return tmp_path


@pytest.mark.parametrize("name", DATASETS)
def test_contract(images, name):
    place = None if name in GENERATED else images
    opened = partial(load_dataset, name, data_dir=place, image_size=SIZE, train_size=9, test_size=6)
    data, again = opened(), opened()
    assert data.name == name
    assert data.task in TASKS
    assert {"train", "test"} <= set(data.parts)
    assert len(set(data.classes)) == len(data.classes) >= 1
    assert set(data.augmentations) <= set(AUGMENTATIONS)
    assert data.augmentations
    assert data.source
    assert len(data.mean) == len(data.std) == 3
    assert all(0 < mean < 1 and 0 < std < 1 for mean, std in zip(data.mean, data.std, strict=True))
    for part in data.parts:
        split, same = data.part(part), again.part(part)
        assert split is data.part(part)
        assert isinstance(split, MemorySplit)
        assert (len(split), split.image_size) == ({"train": 9, "test": 6}[part], SIZE)
        assert split.images.dtype == torch.uint8
        assert split.images.is_contiguous()  # a batch is one gather
        assert torch.equal(split.images, same.images)
        assert torch.equal(split.labels, same.labels)
        TASKS[data.task].check(split.labels, data.classes)
    train, test = (data.part(part).images.flatten(1) for part in ("train", "test"))  # (n, H * W * 3)
    assert not (train[:, None] == test).all(2).any()  # nothing is measured on that was learned from


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - GENERATED))
def test_loading_one_part_does_not_load_the_other(images, name):
    data = load_dataset(name, data_dir=images, image_size=SIZE)
    for path in (images / "train").rglob("*.png"):
        path.unlink()
    assert len(data.part("test")) == 6
    with pytest.raises(PictureError, match="does not exist"):
        data.part("train")


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - GENERATED))
def test_what_does_not_fit_into_memory_is_read_by_workers(images, name):
    opened = partial(load_dataset, name, data_dir=images, image_size=SIZE)
    memory, disk = opened(), opened(memory=0, workers=1)
    options = {"batch_size": 4, "mean": memory.mean, "std": memory.std}
    for part in memory.parts:
        split = disk.part(part)
        assert isinstance(split, DiskSplit)
        assert split.workers == 1
        one = list(evaluation_batches(memory.part(part), **options))
        other = list(evaluation_batches(split, **options))
        assert one
        assert equal(one, other)


@pytest.mark.parametrize("name", DATASETS)
def test_the_first_line_of_a_loader_describes_it(name):
    line = (DATASETS[name].__doc__ or "").partition("\n")[0]
    assert 20 < len(line) <= 90
    assert line.endswith(".")

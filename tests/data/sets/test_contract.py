"""What every entry of DATASETS promises."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from labelled import equal
from laid_out import LAY_OUT, SIZE
from laid_out_scenes import LAY_OUT_SCENES

from rgaviz.data.augment import AUGMENTATIONS
from rgaviz.data.batches import evaluation_batches
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.sets import DATASETS, GENERATED, load_dataset
from rgaviz.data.splits import DiskSplit, MemorySplit
from rgaviz.errors import PictureError
from rgaviz.tasks import TASKS

TESTED = {  # part -> images
    "classification": {"test": 6},
    "reid": {"query": 3, "gallery": 5},
    "segmentation": {"val": 6, "test": 3},
}
FILES = {**LAY_OUT, **LAY_OUT_SCENES}
OTHER = {  # generated sets have as many as are asked for, people two whole identities
    "people": {"train": 23, "query": 11, "gallery": 17},
    "streets": {"train": 9, "val": 6, "test": 6},
}


@pytest.fixture
def files(name, tmp_path) -> Path | None:
    """The folder of a data set that has one."""
    if name in GENERATED:
        return None
    FILES[name](tmp_path)
    return tmp_path


def limits(name):
    """On the number of images that are trained and measured on; re-identification measures on all there are."""
    people = name not in GENERATED and name in LAY_OUT and LAY_OUT[name] is not LAY_OUT["folder"]
    test = {} if people else {"test_size": 6}
    return {"train_size": 9, **test}


@pytest.mark.parametrize("name", DATASETS)
def test_contract(files, name):
    opened = partial(load_dataset, name, data_dir=files, image_size=SIZE, **limits(name))
    data, again = opened(), opened()
    tested = TESTED[data.task]
    counts = OTHER.get(name, {"train": 9, **tested})
    assert data.name == name
    assert data.task in TASKS
    assert {"train", *tested} <= set(data.parts)
    assert len(set(data.classes)) == len(data.classes) >= 1
    assert set(data.augmentations) <= set(AUGMENTATIONS)
    assert data.augmentations
    assert data.source
    assert all(20 < len(note) <= 300 and note.endswith(".") and note.isprintable() for note in data.notes)
    assert len(data.mean) == len(data.std) == 3
    assert all(0 < mean < 1 and 0 < std < 1 for mean, std in zip(data.mean, data.std, strict=True))
    for part in data.parts:
        split, same = data.part(part), again.part(part)
        assert split is data.part(part)
        assert (len(split), split.image_size) == (counts[part], SIZE)
        if data.task == "segmentation":
            check_scenes(data, split, same)
            continue
        assert isinstance(split, MemorySplit)
        assert split.images.dtype == torch.uint8
        assert split.images.is_contiguous()  # a batch is one gather
        assert torch.equal(split.images, same.images)
        assert torch.equal(split.labels, same.labels)
        assert split.cameras is None or (split.cameras.shape, split.cameras.dtype) == (
            (len(split),),
            torch.int64,
        )
        assert len(split.names) == len(set(split.names)) in (0, len(split))
    TASKS[data.task].check(data.part("train"), data.classes)
    if data.task == "segmentation":
        check_apart(data, tested)
        return
    train = data.part("train").images.flatten(1)  # (n, H * W * 3)
    for part in tested:
        test = data.part(part).images.flatten(1)
        assert not (train[:, None] == test).all(2).any()  # nothing is measured on that was learned from


def check_scenes(data, split, same):
    """Pictures with a class for every pixel, whose colours and ids are known."""
    assert isinstance(split, SceneSplit)
    assert split.kept
    assert len(set(split.names)) == len(split)
    assert (
        len(data.colours)
        == len(set(data.colours))
        == len(data.ids)
        == len(set(data.ids))
        == len(data.classes)
    )
    assert all(0 <= value <= 255 for each in data.colours for value in each)
    assert split.fill == tuple(round(255 * mean) for mean in data.mean)
    order = range(len(split))
    for name, scene, again in zip(split.names, split.whole(order), same.whole(order), strict=True):
        assert (scene.name, scene.picture.dtype, scene.picture.shape[2]) == (name, np.uint8, 3)
        assert (scene.picture == again.picture).all()
        assert (scene.labels is not None) == split.labelled
        if scene.labels is not None:
            assert (scene.labels.shape, scene.labels.dtype) == (scene.picture.shape[:2], np.uint8)
            assert (scene.labels == again.labels).all()
            assert ((scene.labels < len(data.classes)) | (scene.labels == 255)).all()


def check_apart(data, tested):
    """Nothing is measured on that was learned from."""
    train = data.part("train")
    learned = {scene.picture.tobytes() for scene in train.whole(range(len(train)))}
    for split in (data.part(part) for part in tested):
        assert not learned & {scene.picture.tobytes() for scene in split.whole(range(len(split)))}


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - set(GENERATED)))
def test_loading_one_part_does_not_load_the_other(files, name):
    data = load_dataset(name, data_dir=files, image_size=SIZE)
    pictures = [path for path in files.rglob("*.*") if path.suffix in (".png", ".jpg")]
    learned = [path for path in pictures if any("train" in part for part in path.relative_to(files).parts)]
    assert 0 < len(learned) < len(pictures)
    for path in learned:
        path.unlink()
    for part, count in TESTED[data.task].items():
        assert len(data.part(part)) == count
    with pytest.raises(PictureError, match="does not exist"):
        data.part("train")


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - set(GENERATED)))
def test_what_does_not_fit_into_memory_is_read_by_workers(files, name):
    opened = partial(load_dataset, name, data_dir=files, image_size=SIZE)
    memory, disk = opened(), opened(memory=0, workers=1)
    options = {"batch_size": 4, "mean": memory.mean, "std": memory.std}
    for part in memory.parts:
        split = disk.part(part)
        assert split.workers == 1
        if isinstance(split, SceneSplit):
            check_scenes(memory, memory.part(part), split)
            assert not split.kept
            continue
        assert isinstance(split, DiskSplit)
        one = list(evaluation_batches(memory.part(part), **options))
        other = list(evaluation_batches(split, **options))
        assert one
        assert equal(one, other)


@pytest.mark.parametrize("name", DATASETS)
def test_the_first_line_of_a_loader_describes_it(name):
    line = (DATASETS[name].__doc__ or "").partition("\n")[0]
    assert 20 < len(line) <= 90
    assert line.endswith(".")

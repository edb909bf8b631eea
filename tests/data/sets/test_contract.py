"""What every entry of DATASETS promises."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from labelled import equal
from laid_out import LAY_OUT, SIZE

from rgaviz.data.augment import AUGMENTATIONS
from rgaviz.data.batches import evaluation_batches
from rgaviz.data.sets import DATASETS, GENERATED, load_dataset
from rgaviz.data.splits import DiskSplit, MemorySplit
from rgaviz.errors import PictureError
from rgaviz.tasks import TASKS

TESTED = {"classification": {"test": 6}, "reid": {"query": 3, "gallery": 5}}  # part -> images
WHOLE = {"people": {"train": 23, "query": 11, "gallery": 17}}  # of two whole identities


@pytest.fixture
def files(name, tmp_path) -> Path | None:
    """The folder of a data set that has one."""
    if name in GENERATED:
        return None
    LAY_OUT[name](tmp_path)
    return tmp_path


def limits(name):
    """On the number of images that are trained and measured on; re-identification measures on all there are."""
    test = {"test_size": 6} if name in GENERATED or LAY_OUT[name] is LAY_OUT["folder"] else {}
    return {"train_size": 9, **test}


@pytest.mark.parametrize("name", DATASETS)
def test_contract(files, name):
    opened = partial(load_dataset, name, data_dir=files, image_size=SIZE, **limits(name))
    data, again = opened(), opened()
    tested = TESTED[data.task]
    counts = WHOLE.get(name, {"train": 9, **tested})
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
        assert isinstance(split, MemorySplit)
        assert (len(split), split.image_size) == (counts[part], SIZE)
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
    train = data.part("train").images.flatten(1)  # (n, H * W * 3)
    for part in tested:
        test = data.part(part).images.flatten(1)
        assert not (train[:, None] == test).all(2).any()  # nothing is measured on that was learned from


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

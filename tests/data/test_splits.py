from __future__ import annotations

import numpy as np
import pytest
import torch
from labelled import MEAN, STD, batches, equal, make_split
from PIL import Image

from rgaviz.data.batches import evaluation_batches
from rgaviz.data.scenes import Scene, read_scenes
from rgaviz.data.splits import Dataset, DiskSplit, MemorySplit, read_split, reordered
from rgaviz.devices import available_memory, memory_for_images
from rgaviz.errors import PictureError, UnknownNameError


@pytest.fixture
def pictures(tmp_path):
    """Seven PNGs of 16x24 and what they hold."""
    split = make_split(7)
    paths = [tmp_path / f"{index}.png" for index in range(7)]
    for path, image in zip(paths, split.images, strict=True):
        Image.fromarray(image.numpy()).save(path)
    return paths, split


@pytest.mark.parametrize("workers", [0, 2])
def test_disk_and_memory_give_the_same_batches(pictures, workers):
    paths, memory = pictures
    disk = DiskSplit(paths, memory.labels, (16, 24), workers=workers).to(torch.device("cpu"))
    assert equal(batches(memory, batch_size=3), batches(disk, batch_size=3))
    options = {"batch_size": 3, "mean": MEAN, "std": STD}
    assert equal(list(evaluation_batches(memory, **options)), list(evaluation_batches(disk, **options)))


def test_labels_of_any_form_travel_with_their_pictures(pictures):
    """Two numbers each, in memory and on disk, of one process and of two."""
    paths, split = pictures
    labels = torch.stack([torch.arange(7) / 8, torch.arange(7) / 4], 1)  # (7, 2) float32
    for each in (MemorySplit(split.images, labels), DiskSplit(paths, labels, (16, 24), workers=0)):
        each = each.to(torch.device("cpu"))
        options = {"batch_size": 3, "mean": MEAN, "std": STD}
        measured = [found for _, found in evaluation_batches(each, **options)]
        assert torch.equal(torch.cat(measured), labels)
        (whole,) = batches(each, batch_size=6, augmentation="none")
        halves = [batches(each, batch_size=6, augmentation="none", rank=n, processes=2)[0] for n in range(2)]
        assert torch.equal(torch.cat([found for _, found in halves]), whole[1])
        for image, label in zip(*whole, strict=True):
            index = int(label[0] * 8)
            assert torch.equal(label, labels[index])
            pixels = image.permute(1, 2, 0) * torch.tensor(STD) * 255 + torch.tensor(MEAN) * 255
            torch.testing.assert_close(pixels, split.images[index].float(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_picture_on_disk_is_one_line(pictures, workers):
    paths, memory = pictures
    paths[4].write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"4\.png") as caught:
        batches(DiskSplit(paths, memory.labels, (16, 24), workers=workers), batch_size=7)
    assert "\n" not in str(caught.value)
    assert "Error" not in str(caught.value)


def test_pictures_on_disk_are_resized(pictures):
    paths, memory = pictures
    Image.fromarray(np.full((30, 40, 3), 77, np.uint8)).save(paths[0])
    assert torch.equal(
        DiskSplit(paths, memory.labels, (16, 24))[0], torch.full((16, 24, 3), 77, dtype=torch.uint8)
    )


def test_what_fits_into_memory_is_decoded(pictures):
    paths, split = pictures
    size = 7 * 16 * 24 * 3
    inside = read_split(paths, split.labels, (16, 24), memory=size)
    assert isinstance(inside, MemorySplit)
    assert torch.equal(inside.images, split.images)
    assert torch.equal(inside.labels, split.labels)
    outside = read_split(paths, split.labels, (16, 24), memory=size - 1, workers=64)
    assert isinstance(outside, DiskSplit)
    assert outside.workers == outside.to(torch.device("cpu")).workers == 64
    assert equal(batches(inside), batches(outside))
    assert isinstance(read_split(paths, split.labels, (16, 24)), MemorySplit)


def test_images_may_take_half_of_the_memory_shared_by_the_processes(monkeypatch):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    half = available_memory(torch.device("cpu")) / 2
    assert memory_for_images() == pytest.approx(half, rel=0.2)  # other programs take and give back
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert memory_for_images() == pytest.approx(half / 4, rel=0.2)


def test_a_split_goes_to_a_device():
    """On the device meta, which holds no values: what is there can be told from what is not."""
    split, meta = make_split(), torch.device("meta")
    there = split.to(meta)
    assert (there.images.device, there.labels.device) == (meta, meta)
    assert len(there) == 23
    enough = 8 * split.images.nbytes
    assert split.to(meta, enough).images.device == meta
    apart = split.to(meta, enough - 1)  # too large: the images stay, their batches go
    assert torch.equal(apart.images, split.images)
    assert apart.labels.device == meta
    for images, labels in batches(apart):
        assert (images.device, labels.device) == (meta, meta)
        assert images.shape == (6, 3, 16, 24)
    assert split.to(torch.device("cpu")).images is split.images


def test_cameras_and_names_come_along(pictures):
    """From reading, in memory and on disk, to a device."""
    paths, split = pictures
    cameras, names = torch.arange(7) % 3, [f"query/{path.name}" for path in paths]
    for memory in (None, 0):
        read = read_split(paths, split.labels, (16, 24), cameras=cameras, names=names, memory=memory)
        assert isinstance(read, DiskSplit if memory == 0 else MemorySplit)
        assert torch.equal(read.cameras, cameras)
        assert read.names == names
        there = read.to(torch.device("meta"))
        assert there.cameras.device == there.labels.device == torch.device("meta")
        assert there.names == names
        bare = read_split(paths, split.labels, (16, 24), memory=memory).to(torch.device("cpu"))
        assert (bare.cameras, tuple(bare.names)) == (None, ())


@pytest.mark.parametrize("memory", [None, 0])
def test_damaged_pictures_are_left_out_where_that_is_asked_for(pictures, memory):
    paths, split = pictures
    for path in (paths[0], paths[4]):
        path.write_bytes(b"no picture")
    given = {"cameras": torch.arange(7), "names": [path.name for path in paths], "memory": memory}
    read = read_split(paths, split.labels, (16, 24), leave_damaged=True, **given)
    kept = [1, 2, 3, 5, 6]
    assert isinstance(read, DiskSplit if memory == 0 else MemorySplit)
    assert (len(read), read.cameras.tolist()) == (5, kept)
    assert read.names == [paths[place].name for place in kept]
    assert equal(batches(read), batches(MemorySplit(split.images[kept], split.labels[kept])))
    assert list(read.damaged) == [0, 4]
    assert all(paths[place].name in line for place, line in read.damaged.items())
    for path in paths:
        path.write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"\(and 6 more\)"):
        read_split(paths, split.labels, (16, 24), leave_damaged=True, **given)


def make_dataset(parts):
    return Dataset("toy", "classification", ("a", "b"), parts, MEAN, STD, source="made")


def test_a_part_is_loaded_once_when_it_is_asked_for():
    loads = []

    def load():
        loads.append(1)
        return make_split(4)

    data = make_dataset({"train": lambda: pytest.fail("nobody asked"), "test": load})
    assert loads == []
    assert data.part("test") is data.part("test")
    assert loads == [1]
    with pytest.raises(UnknownNameError, match=r"part of toy 'tests'\. Did you mean 'test'"):
        data.part("tests")


def test_a_part_that_cannot_be_read_may_be_asked_for_again():
    answers = iter([PictureError("damaged"), make_split(4)])

    def load():
        answer = next(answers)
        if isinstance(answer, PictureError):
            raise answer
        return answer

    data = make_dataset({"train": load})
    with pytest.raises(PictureError):
        data.part("train")
    assert len(data.part("train")) == 4


@pytest.mark.parametrize("device", ["before", "behind"])
def test_some_images_in_another_order(pictures, device):
    paths, split = pictures
    names, cameras, places = [f"n{number}" for number in range(7)], torch.arange(7) * 2, [5, 0, 3]
    memory = MemorySplit(split.images, split.labels, cameras, names)
    disk = DiskSplit(paths, split.labels, (16, 24), 0, cameras, names)
    for each in (memory, disk):
        moved = each.to(torch.device("cpu")) if device == "before" else each
        found = reordered(moved, places).to(torch.device("cpu"))
        assert len(found) == 3
        assert found.names == ["n5", "n0", "n3"]
        assert found.cameras.tolist() == [10, 0, 6]
        assert torch.equal(found.labels, split.labels[places])
        (batch, last) = found.select([torch.tensor([0, 2]), torch.tensor([1])])
        assert torch.equal(batch, split.images[[5, 3]])
        assert torch.equal(last, split.images[[0]])
    assert reordered(memory, places).images.data_ptr() == split.images.data_ptr()  # no copy
    scenes = [Scene(name, np.full((2, 2, 3), place, np.uint8), None) for place, name in enumerate(names)]
    moved = reordered(read_scenes(scenes, lambda each: each, (2, 2), names, labelled=False), places)
    assert [int(each.picture[0, 0, 0]) for each in moved.whole(range(3))] == places
    assert moved.names == ["n5", "n0", "n3"]

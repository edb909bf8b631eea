"""Scenes as a split: the same windows however they are read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from labelled import MEAN, STD, equal

from rgaviz.data.batches import evaluation_batches, train_batches
from rgaviz.data.order import epoch_generator, shuffled
from rgaviz.data.scenes import Scene, SceneSplit, read_scenes
from rgaviz.data.splits import as_images
from rgaviz.data.windows import cut_window
from rgaviz.errors import PictureError, RgavizError

SIZE, FILL = (16, 20), (124, 116, 104)


def scene(number):
    """Each of a size of its own, some smaller than a window."""
    draw = np.random.default_rng(number)
    size = (9 + 5 * number, 40 - 3 * number)
    labels = draw.integers(0, 5, size, np.uint8)
    labels[:2] = 255
    return Scene(f"{number}.png", draw.integers(0, 256, (*size, 3), np.uint8), labels)


def split(count=7, workers=2, **options):
    names = [f"{number}.png" for number in range(count)]
    return SceneSplit(range(count), scene, SIZE, names, workers=workers, fill=FILL, **options)


def batches(given, *, batch_size=3, epoch=1, augmentation="scale-crop-mirror", **options):
    draw = epoch_generator(5, epoch)
    order = shuffled(len(given), batch_size, draw)
    chosen = {"augmentation": augmentation, "mean": MEAN, "std": STD, **options}
    return list(train_batches(given, order, draw, **chosen))


def test_a_batch_equals_windows_cut_one_by_one():
    draw = torch.Generator().manual_seed(5 * 1_000_003 + 1)
    order = torch.randperm(7, generator=draw)
    found = batches(split())
    assert len(found) == 2
    for step, (images, labels) in enumerate(found):
        tenths = torch.randint(0, 17, (3,), generator=draw)
        corners = torch.rand(3, 2, generator=draw, dtype=torch.float64)
        mirrors = torch.rand(3, generator=draw) < 0.5
        assert (images.shape, images.dtype) == ((3, 3, *SIZE), torch.float32)
        assert (labels.shape, labels.dtype) == ((3, *SIZE), torch.int64)
        assert images.is_contiguous(memory_format=torch.channels_last)
        for place in range(3):
            whole = scene(int(order[3 * step + place]))
            scale = 0.5 + int(tenths[place]) / 10
            drawn = (scale, corners[place].tolist(), bool(mirrors[place]))
            picture, marked = cut_window(whole.picture, whole.labels, SIZE, FILL, *drawn)
            wanted = (picture / 255.0 - MEAN) / STD
            np.testing.assert_allclose(images[place].permute(1, 2, 0), wanted, rtol=0, atol=1e-5)
            assert (labels[place].numpy() == marked).all()


@pytest.mark.parametrize("augmentation", ["scale-crop-mirror", "crop-mirror", "none"])
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_any_number_of_threads_gives_the_same(workers, augmentation):
    kept = read_scenes(range(7), scene, SIZE, split().names, fill=FILL, workers=workers)
    assert kept.kept
    for each in (split(workers=workers), kept):
        found = batches(each, augmentation=augmentation)
        assert equal(found, batches(split(workers=2), augmentation=augmentation))
    assert not equal(found, batches(split(), augmentation=augmentation, epoch=2))


def test_processes_share_a_batch():
    """Five in all: two and three, with the draws that one process has; with six, one has nothing to do."""
    whole = batches(split(), batch_size=5)
    for processes in (2, 3, 6):
        shares = [batches(split(), batch_size=5, rank=rank, processes=processes) for rank in range(processes)]
        for step, (images, labels) in enumerate(whole):
            assert torch.equal(torch.cat([own[step][0] for own in shares]), images)
            assert torch.equal(torch.cat([own[step][1] for own in shares]), labels)
    assert shares[5][0][0].shape == (0, 3, *SIZE)


def test_an_epoch_goes_on_where_it_was_interrupted():
    assert equal(batches(split(), batch_size=2)[1:], batches(split(), batch_size=2, start=1))


def test_the_window_in_the_middle():
    (found,) = batches(split(), batch_size=7, augmentation="none")
    order = torch.randperm(7, generator=torch.Generator().manual_seed(5 * 1_000_003 + 1)).tolist()
    for place, number in enumerate(order):
        labels = scene(number).labels
        top, left = (max(0, have - want + 1) // 2 for have, want in zip(labels.shape, SIZE, strict=True))
        inside = labels[top : top + SIZE[0], left : left + SIZE[1]]
        rows, columns = inside.shape
        assert (found[1][place, :rows, :columns].numpy() == inside).all()
        assert (found[1][place] == 255).sum() == SIZE[0] * SIZE[1] - inside.size + (inside == 255).sum()


def test_whole_scenes_come_as_they_are():
    for each in (split(), split(workers=0), read_scenes(range(7), scene, SIZE, split().names)):
        for number, found in zip([4, 0, 6], each.whole([4, 0, 6]), strict=True):
            wanted = scene(number)
            assert found.name == wanted.name
            assert (found.picture == wanted.picture).all()
            assert (found.labels == wanted.labels).all()


def test_few_scenes_are_read_ahead():
    read = []

    def slowly(number):
        read.append(number)
        return scene(number % 7)

    many = SceneSplit(range(500), slowly, SIZE, [str(number) for number in range(500)], workers=2)
    found = many.whole(range(500))
    for _ in range(5):
        next(found)
    found.close()
    assert len(read) <= 8
    read.clear()
    order = torch.arange(500).split(4)
    draw = torch.Generator().manual_seed(0)
    windows = train_batches(many, order, draw, augmentation="crop-mirror", mean=MEAN, std=STD)
    next(windows)
    windows.close()
    assert len(read) <= 3 * 4 + 1


def damaged(number):
    if number == 4:
        raise PictureError("'4.png' is damaged: export it again.")
    return scene(number)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_picture_is_one_line(workers):
    broken = SceneSplit(range(7), damaged, SIZE, split().names, workers=workers)
    with pytest.raises(PictureError, match=r"4\.png"):
        batches(broken, batch_size=7)
    found = broken.whole(range(7))
    assert [next(found).name for _ in range(4)] == [f"{number}.png" for number in range(4)]
    with pytest.raises(PictureError, match=r"4\.png"):
        next(found)
    with pytest.raises(PictureError, match=r"4\.png"):
        read_scenes(range(7), damaged, SIZE, split().names)


def test_what_fits_into_memory_is_read_once():
    sizes = [4 * scene(number).labels.size for number in range(7)]
    mean = [sum(sizes[: count + 1]) / (count + 1) for count in range(7)]
    most = 7 * max(mean)  # as the first ones tell
    read = []

    def counted(number):
        read.append(number)
        return scene(number)

    names = split().names
    inside = read_scenes(range(7), counted, SIZE, names, memory=most)
    assert inside.kept
    batches(inside)
    assert read == list(range(7))
    outside = read_scenes(range(7), counted, SIZE, names, memory=most - 1)
    assert not outside.kept
    assert equal(batches(inside), batches(outside))
    read.clear()
    assert not read_scenes(range(7), counted, SIZE, names, memory=0, workers=0).kept
    assert read == [0]  # the first one tells already


def test_progress_counts_the_scenes():
    seen = []

    def track(items, *, total, description):
        for number, item in enumerate(items):
            seen.append((number, total, description))
            yield item

    read_scenes(range(7), scene, SIZE, split().names, track=track)
    assert seen == [(number, 7, "reading images") for number in range(7)]


def test_a_split_goes_to_a_device():
    there = split().to(torch.device("meta"))
    assert len(there) == 7
    for images, labels in batches(there):
        assert (images.device.type, labels.device.type) == ("meta", "meta")
        assert images.shape == (3, 3, *SIZE)


def test_scenes_without_labels_are_not_learned_from():
    bare = split(labelled=False)
    with pytest.raises(RgavizError, match=r"0\.png and others have no labels to learn from"):
        batches(bare)


def test_augmentations_and_splits_that_do_not_fit():
    with pytest.raises(RgavizError, match="choose one of scale-crop-mirror, crop-mirror, none"):
        batches(split(), augmentation="shift")
    with pytest.raises(RgavizError, match="for networks of the task segmentation"):
        as_images(split())
    with pytest.raises(RgavizError, match="for networks of the task segmentation"):
        next(evaluation_batches(split(), batch_size=2, mean=MEAN, std=STD))


def test_scenes_of_the_same_epoch_differ():
    """What is drawn for one is not drawn for the next."""
    images, _ = batches(SceneSplit([3] * 6, scene, SIZE, list("abcdef")), batch_size=6)[0]
    assert all(not torch.equal(a, b) for a, b in pairwise(images))

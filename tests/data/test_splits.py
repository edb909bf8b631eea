from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from rgaviz.data.splits import DiskSplit, MemorySplit, evaluation_batches, steps_per_epoch, train_batches
from rgaviz.errors import PictureError

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def make_split(count=23, size=(16, 24)):
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (count, *size, 3), generator=generator, dtype=torch.uint8)
    return MemorySplit(images, torch.arange(count) * 10)


def batches(split, **options):
    arguments = {"batch_size": 6, "mean": MEAN, "std": STD, "seed": 5, "epoch": 2, **options}
    return list(train_batches(split, **arguments))


def equal(ones, others):
    return len(ones) == len(others) and all(
        torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(ones, others, strict=True)
    )


def prepare(image, top, left, mirror, pads):
    """One image (H, W, 3), pixel by pixel: pad with black, crop, mirror, normalise, channels first."""
    height, width, _ = image.shape
    result = torch.empty(3, height, width)
    for row in range(height):
        for column in range(width):
            y = row + top - pads[0]
            x = (width - 1 - column if mirror else column) + left - pads[1]
            inside = 0 <= y < height and 0 <= x < width
            for channel in range(3):
                value = float(image[y, x, channel]) if inside else 0.0
                result[channel, row, column] = (value / 255 - MEAN[channel]) / STD[channel]
    return result


def test_a_batch_equals_slow_loops_over_the_same_draws():
    split = make_split()
    pads = (2, 3)  # an eighth of 16 and 24
    generator = torch.Generator().manual_seed(5 * 1_000_003 + 2)
    order = torch.randperm(23, generator=generator)
    expected = []
    for step in range(3):  # the 5 images left over make no batch
        indices = order[step * 6 : step * 6 + 6]
        tops = torch.randint(0, 5, (6,), generator=generator)
        lefts = torch.randint(0, 7, (6,), generator=generator)
        mirrors = torch.rand(6, generator=generator) < 0.5
        draws = zip(indices.tolist(), tops.tolist(), lefts.tolist(), mirrors.tolist(), strict=True)
        images = [prepare(split.images[i], top, left, mirror, pads) for i, top, left, mirror in draws]
        expected.append((torch.stack(images), indices * 10))
    found = batches(split)
    assert len(found) == len(expected) == steps_per_epoch(split, 6)
    for (images, labels), (wanted, numbers) in zip(found, expected, strict=True):
        torch.testing.assert_close(images, wanted, rtol=0, atol=1e-5)
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(labels, numbers)


def test_crops_reach_the_whole_padding_and_mirror_half_the_images():
    images = torch.full((4000, 8, 8, 3), 255, dtype=torch.uint8)
    images[:, :, 0] = 100  # the left column marks the side
    ((found, _),) = batches(MemorySplit(images, torch.zeros(4000, dtype=torch.int64)), batch_size=4000)
    values = (found * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]) * 255
    black = values[:, 0].round() == 0  # (n, 8, 8): from the padding, 1 pixel wide at this size
    for row in (0, -1):  # shifted down, up: 1/3 each
        assert 0.30 < black[:, row].all(1).float().mean() < 0.37
    marked = values[:, 0].round() == 100
    centred = ~black.any(1).any(1)
    assert 0.4 < marked[centred][:, :, 7].all(1).float().mean() < 0.6


def test_an_epoch_is_repeatable_and_unlike_the_others():
    split = make_split()
    torch.manual_seed(0)
    once = batches(split)
    torch.manual_seed(1)  # nothing comes from the global generator
    state = torch.get_rng_state()
    assert equal(once, batches(split))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(once[0][1], batches(split, epoch=3)[0][1])
    assert not torch.equal(once[0][1], batches(split, seed=6)[0][1])


def test_start_leaves_out_exactly_the_first_batches():
    split = make_split()
    for start in range(4):
        assert equal(batches(split, start=start), batches(split)[start:])


def test_processes_share_the_batches_of_one():
    split = make_split()
    alone = batches(split)
    shares = [batches(split, rank=rank, processes=2) for rank in range(2)]
    for (images, labels), first, second in zip(alone, *shares, strict=True):
        for rank, (part, numbers) in enumerate((first, second)):
            assert torch.equal(part, images[rank::2])
            assert torch.equal(numbers, labels[rank::2])


def test_a_split_smaller_than_a_batch_is_one_batch():
    ((images, labels),) = batches(make_split(4), batch_size=100)
    assert images.shape == (4, 3, 16, 24)
    assert sorted(labels.tolist()) == [0, 10, 20, 30]


@pytest.mark.parametrize("count", [11, 1])
@pytest.mark.parametrize("processes", [1, 2])
def test_evaluation_covers_every_image_once_in_order(processes, count):
    split = make_split(count)
    for rank in range(processes):
        options = {"batch_size": 4, "mean": MEAN, "std": STD, "rank": rank, "processes": processes}
        found = list(evaluation_batches(split, **options))
        assert all(0 < len(labels) <= 4 for _, labels in found)
        labels = [label for _, part in found for label in part.tolist()]
        assert labels == list(range(0, 10 * count, 10))[rank::processes]
        images = [image for part, _ in found for image in part]
        for image, number in zip(images, labels, strict=True):
            wanted = prepare(split.images[number // 10], 0, 0, False, (0, 0))
            torch.testing.assert_close(image, wanted, rtol=0, atol=1e-5)


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

from __future__ import annotations

import pytest
import torch
from labelled import MEAN, STD, batches, equal, make_split

from rgaviz.data.batches import evaluation_batches
from rgaviz.data.order import steps_per_epoch
from rgaviz.data.splits import MemorySplit
from rgaviz.errors import RgavizError, UnknownNameError


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


def earlier_batches(split, batch_size, seed, epoch, start):
    """The first version of the whole path, written out: its networks can be trained again."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(split), generator=generator)
    height, width = split.image_size
    pad_y, pad_x = height // 8, width // 8
    crops, whole = [], []
    for step in range(max(1, len(split) // batch_size)):
        whole.append(order[step * batch_size : (step + 1) * batch_size])
        count = len(whole[-1])
        top = torch.randint(0, 2 * pad_y + 1, (count,), generator=generator)
        left = torch.randint(0, 2 * pad_x + 1, (count,), generator=generator)
        crops.append((top, left, torch.rand(count, generator=generator) < 0.5))
    for indices, (top, left, mirror) in list(zip(whole, crops, strict=True))[start:]:
        images = torch.nn.functional.pad(split.images[indices], (0, 0, pad_x, pad_x, pad_y, pad_y))
        rows = top[:, None] + torch.arange(height)  # (b, H)
        columns = torch.arange(width).expand(len(indices), width)  # (b, W)
        columns = left[:, None] + torch.where(mirror[:, None], columns.flip(1), columns)
        images = images[torch.arange(len(indices))[:, None, None], rows[:, :, None], columns[:, None, :]]
        images = (images.float() - torch.tensor(MEAN) * 255) / (torch.tensor(STD) * 255)
        yield images.permute(0, 3, 1, 2), split.labels[indices]  # (b, H, W, 3) -> (b, 3, H, W)


@pytest.mark.parametrize("start", [0, 1, 3])
@pytest.mark.parametrize(
    ("count", "size", "batch_size"),
    [(23, (16, 24), 6), (64, (32, 32), 16), (21, (7, 9), 5), (9, (24, 8), 2), (4, (16, 16), 100)],
)
def test_bit_for_bit_what_it_was(count, size, batch_size, start):
    split = make_split(count, size)
    for seed, epoch in ((5, 2), (0, 0)):
        found = batches(split, batch_size=batch_size, seed=seed, epoch=epoch, start=start)
        assert equal(found, list(earlier_batches(split, batch_size, seed, epoch, start)))


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
        for (part, numbers), half in zip((first, second), (slice(3), slice(3, None)), strict=True):
            assert torch.equal(part, images[half])
            assert torch.equal(numbers, labels[half])


def test_a_split_smaller_than_a_batch_is_one_batch():
    ((images, labels),) = batches(make_split(4), batch_size=100)
    assert images.shape == (4, 3, 16, 24)
    assert sorted(labels.tolist()) == [0, 10, 20, 30]


@pytest.mark.parametrize("count", [11, 1])
@pytest.mark.parametrize("processes", [1, 2])
def test_evaluation_covers_every_image_once_in_order(processes, count):
    split = make_split(count)
    seen = []
    for rank in range(processes):
        options = {"batch_size": 4, "mean": MEAN, "std": STD, "rank": rank, "processes": processes}
        found = list(evaluation_batches(split, **options))
        assert all(0 < len(labels) <= 4 for _, labels in found)
        labels = [label for _, part in found for label in part.tolist()]
        assert len(labels) in (count // processes, -(-count // processes))
        seen += labels
        images = [image for part, _ in found for image in part]
        for image, number in zip(images, labels, strict=True):
            wanted = prepare(split.images[number // 10], 0, 0, False, (0, 0))
            torch.testing.assert_close(image, wanted, rtol=0, atol=1e-5)
    assert seen == list(range(0, 10 * count, 10))


def test_augmentations_by_name():
    split = make_split()
    plain = batches(split, augmentation="none")
    order = torch.randperm(23, generator=torch.Generator().manual_seed(5 * 1_000_003 + 2))
    for step, (images, labels) in enumerate(plain):
        indices = order[step * 6 : step * 6 + 6]
        expected = torch.stack([prepare(split.images[i], 0, 0, False, (0, 0)) for i in indices])
        torch.testing.assert_close(images, expected, rtol=0, atol=1e-5)
        assert torch.equal(labels, indices * 10)
    assert not equal(plain, batches(split, augmentation="shift"))
    with pytest.raises(
        UnknownNameError, match=r"augmentation 'shift-mirrored'\. Did you mean 'shift-mirror'"
    ):
        batches(split, augmentation="shift-mirrored")
    with pytest.raises(RgavizError, match="crop-mirror is for scenes; choose one of shift-mirror, shift,"):
        batches(split, augmentation="crop-mirror")

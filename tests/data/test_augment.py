from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from rgaviz.data.augment import AUGMENTATIONS, OF_IMAGES
from rgaviz.data.batches import train_batches
from rgaviz.data.splits import MemorySplit


def images(count, size):
    generator = torch.Generator().manual_seed(3)
    return torch.randint(1, 256, (count, *size, 3), generator=generator, dtype=torch.uint8)


def drawn(name, count, size, seed=7):
    return AUGMENTATIONS[name].draw(count, size, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(16, 24), (32, 32), (7, 9)])
@pytest.mark.parametrize("name", OF_IMAGES)
def test_contract(name, size):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    draws, again = drawn(name, 11, size), drawn(name, 11, size)
    assert torch.equal(state, torch.get_rng_state())  # nothing comes from the global generator
    assert len(draws) == len(again)
    assert all(torch.equal(a, b) and len(a) == 11 for a, b in zip(draws, again, strict=True))

    apply, given = AUGMENTATIONS[name].apply, images(11, size)
    before, kept = given.clone(), [each.clone() for each in draws]
    found = apply(given, *draws)
    assert torch.equal(given, before)
    assert all(torch.equal(a, b) for a, b in zip(draws, kept, strict=True))
    assert (found.shape, found.dtype) == (given.shape, torch.uint8)
    assert torch.equal(found, apply(given, *draws))
    for index in range(11):  # a picture does not depend on its neighbours
        alone = apply(given[index : index + 1], *(each[index : index + 1] for each in draws))
        assert torch.equal(alone[0], found[index])
    assert apply(given.to("meta"), *draws).device.type == "meta"  # draws stay on the CPU
    assert apply(given[:0], *drawn(name, 0, size)).shape == (0, *size, 3)


def moved(image, top, left, mirror):
    """One image (H, W, 3), pixel by pixel: pad with black, crop, mirror."""
    height, width, _ = image.shape
    result = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            y = row + top - height // 8
            x = (width - 1 - column if mirror else column) + left - width // 8
            if 0 <= y < height and 0 <= x < width:
                result[row, column] = image[y, x]
    return result


@pytest.mark.parametrize("size", [(16, 24), (9, 7)])
@pytest.mark.parametrize("name", ["shift-mirror", "shift"])
def test_shifts_equal_slow_loops(name, size):
    given = images(9, size)
    top, left, *mirror = drawn(name, 9, size)
    mirrors = mirror[0] if mirror else [False] * 9
    expected = [moved(*each) for each in zip(given, top, left, mirrors, strict=True)]
    assert torch.equal(AUGMENTATIONS[name].apply(given, top, left, *mirror), torch.stack(expected))


def test_a_shift_is_drawn_as_with_mirroring():
    """From the same place of a stream; and the draws reach all of the padding, evenly."""
    top, left = drawn("shift", 4000, (16, 24))
    both = drawn("shift-mirror", 4000, (16, 24))
    assert torch.equal(top, both[0])
    assert torch.equal(left, both[1])
    for draw, values in ((top, 5), (left, 7)):
        counts = torch.bincount(draw, minlength=values)
        assert len(counts) == values
        assert (counts / 4000 - 1 / values).abs().max() < 0.03
    assert 0.46 < both[2].float().mean() < 0.54


def test_none_changes_nothing():
    given, generator = images(5, (8, 8)), torch.Generator().manual_seed(1)
    state = generator.get_state()
    assert AUGMENTATIONS["none"].draw(5, (8, 8), generator) == ()
    assert torch.equal(state, generator.get_state())
    assert torch.equal(AUGMENTATIONS["none"].apply(given), given)


PERSON = AUGMENTATIONS["crop-mirror-erase"]


def test_people_are_cut_out_of_themselves_made_larger():
    given = images(6, (16, 8))
    draws = (
        torch.tensor([[0, 0], [2, 1], [1, 0], [2, 1], [0, 0], [0, 0]]),
        torch.tensor([True, True, True, True, False, False]),
        torch.tensor([False, False, True, True, False, True]),
        torch.zeros(6, 4, dtype=torch.long),
    )
    found = PERSON.apply(given, *draws)
    for index, (corner, cut, mirror, _) in enumerate(zip(*draws, strict=True)):
        expected = given[index].numpy()
        if cut:
            large = cv2.resize(expected.astype(np.float32), (9, 18), interpolation=cv2.INTER_LINEAR)
            top, left = corner.tolist()
            expected = large[top : top + 16, left : left + 8].round()
        if mirror:
            expected = expected[:, ::-1]
        assert np.abs(found[index].numpy().astype(int) - expected.astype(int)).max() <= 1  # ties of rounding


def test_draws_of_people():
    corner, cut, mirror, rectangle = PERSON.draw(4000, (32, 16), torch.Generator().manual_seed(0))
    assert corner.min(0).values.tolist() == [0, 0]
    assert corner.max(0).values.tolist() == [4, 2]  # of 36 and 18 pixels
    for each in (cut, mirror, rectangle[:, 2] > 0):
        assert each.float().mean() == pytest.approx(0.5, abs=0.03)
    top, left, height, width = rectangle[rectangle[:, 2] > 0].T
    share, shape = height * width / 512, height / width
    assert share.min() >= 0.015
    assert share.max() <= 0.44
    assert shape.min() >= 0.25
    assert shape.max() <= 4  # of whole pixels
    assert (top + height <= 32).all()
    assert (left + width <= 16).all()
    assert (top == 0).any()
    assert (top + height == 32).any()


def test_what_is_erased_is_the_mean_colour():
    draws = PERSON.draw(40, (16, 8), torch.Generator().manual_seed(1))
    erased = PERSON.erased((16, 8), *draws)
    for mask, (top, left, height, width) in zip(erased, draws[3].tolist(), strict=True):
        assert mask.sum() == height * width
        assert mask[top : top + height, left : left + width].all()
    split = MemorySplit(images(40, (16, 8)), torch.arange(40))
    seen, labels = next(
        train_batches(
            split,
            [torch.arange(40)],
            torch.Generator().manual_seed(1),
            augmentation="crop-mirror-erase",
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
        )
    )
    assert (seen.permute(0, 2, 3, 1)[erased] == 0).all()
    assert (seen.permute(0, 2, 3, 1)[~erased] != 0).all()
    assert torch.equal(labels, split.labels)


def enlarged(image, top, left, tall, wide, mirror):
    """A part of one image (H, W, 3) at the image's size, pixel by pixel: bilinear, its edge continued."""
    height, width, _ = image.shape
    result = np.zeros(image.shape)
    for row in range(height):
        for column in range(width):
            across = width - 1 - column if mirror else column
            y = min(max((top + tall * (row + 0.5) / height) * height - 0.5, 0), height - 1)
            x = min(max((left + wide * (across + 0.5) / width) * width - 0.5, 0), width - 1)
            above, before = int(y), int(x)
            for dy, weight in ((0, above + 1 - y), (1, y - above)):
                for dx, share in ((0, before + 1 - x), (1, x - before)):
                    source = image[min(above + dy, height - 1), min(before + dx, width - 1)]
                    result[row, column] += weight * share * source.astype(float)
    return result


@pytest.mark.parametrize("size", [(16, 24), (9, 7)])
def test_parts_of_few_pictures_equal_slow_loops(size):
    given = images(6, size)
    cut, mirror = drawn("resized-crop-mirror", 6, size)
    found = AUGMENTATIONS["resized-crop-mirror"].apply(given, cut, mirror).numpy()
    for index in range(6):
        expected = enlarged(given[index].numpy(), *cut[index].tolist(), bool(mirror[index]))
        assert np.abs(found[index] - expected).max() <= 0.51  # rounded
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    same = AUGMENTATIONS["resized-crop-mirror"].apply(given[:1], whole, torch.tensor([False]))
    assert torch.equal(same, given[:1])


def test_draws_of_few_pictures():
    cut, mirror = AUGMENTATIONS["resized-crop-mirror"].draw(4000, (32, 16), torch.Generator().manual_seed(0))
    top, left, tall, wide = cut.T
    assert (tall * wide).min() >= 0.43  # of 0.5, what does not fit is cut off
    assert (tall * wide).max() <= 1
    assert 0.70 < (tall * wide).mean() < 0.78
    assert (tall / wide).min() >= 0.74
    assert (tall / wide).max() <= 1.34
    for start, side in ((top, tall), (left, wide)):
        assert start.min() >= 0
        assert (start + side).max() <= 1 + 1e-6
    assert mirror.float().mean() == pytest.approx(0.5, abs=0.03)

"""That the data set ``streets`` is hard: neither colours nor places tell what a pixel shows."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.streets import CLASSES, FILL, IDS, names, scene


@pytest.fixture(scope="module")
def drawn():
    """Of 80 scenes to train on and 30 to validate on: pictures (n, 96, 192, 3), classes (n, 96, 192), 255 ignored."""
    listed, indices = names(), np.full(256, 255, np.uint8)
    indices[list(IDS)] = np.arange(len(IDS))
    parts = []
    for part, count in (("train", 80), ("val", 30)):
        pictures, ids = zip(*(scene(name, (96, 192)) for name in listed[part][:count]), strict=True)
        parts.append((np.stack(pictures), indices[np.stack(ids)]))
    return parts


def test_every_class_is_seen_often(drawn):
    labels = drawn[0][1]
    for index, name in enumerate(row[0] for row in CLASSES):
        there = labels == index
        assert there.mean() > 0.003, name
        assert there.any((1, 2)).mean() > 0.5, name
    assert max((labels == index).mean() for index in range(len(CLASSES))) < 0.4
    assert 0.005 < (labels == 255).mean() < 0.08


def test_mean_and_deviation_are_those_of_the_pictures(drawn):
    data = load_dataset("streets", image_size=(32, 64))
    values = drawn[0][0] / 255
    np.testing.assert_allclose(data.mean, values.mean((0, 1, 2)), atol=0.03)
    np.testing.assert_allclose(data.std, values.std((0, 1, 2)), atol=0.03)
    np.testing.assert_allclose(FILL, 255 * np.array(data.mean), atol=0.5)


def measured(drawn, code, count):
    """mIoU on the others of the class that each of so many codes mostly has in training."""
    (pictures, labels), (others, truth) = drawn
    classes = len(CLASSES)
    known = labels != 255
    table = np.bincount(code(pictures)[known] * classes + labels[known], minlength=count * classes)
    told = table.reshape(count, classes).argmax(1)[code(others)]
    known = truth != 255
    pairs = truth[known].astype(int) * classes + told[known]
    confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    both = np.diag(confusion)
    return (both / (confusion.sum(0) + confusion.sum(1) - both)).mean()


def test_colours_alone_fail(drawn):
    """Neither colours nor places tell what a pixel shows; both together tell a little more."""

    def colour(pictures, levels=16):
        red, green, blue = (pictures[..., channel].astype(int) * levels // 256 for channel in range(3))
        return (red * levels + green) * levels + blue

    def place(pictures):
        rows, columns = np.arange(96)[:, None] // 8, np.arange(192)[None] // 12
        return np.broadcast_to(rows * 16 + columns, pictures.shape[:3])

    colours, places = measured(drawn, colour, 16**3), measured(drawn, place, 192)
    both = measured(drawn, lambda pictures: place(pictures) * 64 + colour(pictures, 4), 192 * 64)
    assert colours < 0.2
    assert places < 0.22
    assert max(colours, places) + 0.03 < both < 0.35

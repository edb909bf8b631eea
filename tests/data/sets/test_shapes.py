from __future__ import annotations

import cv2
import numpy as np
import pytest

from rgaviz.data.sets import load_dataset, outlines, shapes
from rgaviz.data.sets.generated import stream
from rgaviz.data.sets.outlines import SHAPE_CLASSES
from rgaviz.data.sets.shapes import generate
from rgaviz.errors import RgavizError


def test_shapes_and_types():
    for size in ((32, 32), (17, 31), (48, 20)):
        data = generate(11, size)
        assert (data.images.shape, data.images.dtype) == ((11, 3, *size), np.uint8)
        assert (data.labels.shape, data.labels.dtype) == ((11,), np.int64)
        assert (data.masks.shape, data.masks.dtype) == ((11, *size), bool)
        assert data.masks.any(axis=(1, 2)).all()
    assert generate(0).images.shape == (0, 3, 32, 32)


def test_deterministic_with_prefixes():
    long, short = generate(25, seed=3), generate(12, seed=3)
    np.testing.assert_array_equal(long.images[:12], short.images)
    np.testing.assert_array_equal(long.masks[:12], short.masks)
    np.testing.assert_array_equal(long.labels[:12], short.labels)


def test_no_two_draws_are_alike():
    sets = [generate(30, seed=seed, split=split) for seed in (0, 1) for split in ("train", "test", "tes")]
    images = np.concatenate([data.images for data in sets])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == 180
    masks = np.concatenate([data.masks for data in sets])
    assert len(np.unique(masks.reshape(len(masks), -1), axis=0)) > 175


def test_classes_are_balanced():
    assert len(SHAPE_CLASSES) == len(set(SHAPE_CLASSES)) == 10
    np.testing.assert_array_equal(np.bincount(generate(40).labels), [4] * 10)


def test_mask_is_where_the_object_is():
    # Tips thinner than half a pixel, and slivers cut off by the slit, reach a little beyond the mask.
    inside, beyond = [], []
    for index in range(100):
        with_object, mask = shapes._render(stream(0, "train", index), index % 10, (32, 32))
        background, same = shapes._render(stream(0, "train", index), index % 10, (32, 32), False)
        np.testing.assert_array_equal(mask, same)
        changed = (with_object != background).any(axis=2)
        distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_C, 3)
        assert distance[changed].max() <= 4
        beyond.append((distance[changed] > 2).mean())
        inside.append(changed[mask].mean())
        contrast = np.abs(with_object.astype(int).mean(axis=2) - background.astype(int).mean(axis=2))[mask]
        assert contrast.mean() > 25
    assert np.mean(inside) > 0.99
    assert np.mean(beyond) < 0.002


def test_object_size():
    data = generate(300, (64, 64))
    share = data.masks.mean(axis=(1, 2))
    assert share.min() > 0.02
    assert share.max() < 0.36
    for mask in data.masks:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert 0.2 < max(np.ptp(rows), np.ptp(columns)) / 64 < 0.68


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("circle", np.pi * 0.85**2),
        ("ring", np.pi * (0.95**2 - 0.5**2)),
        ("square", 2.0),
        ("triangle", 3 * np.sqrt(3) / 4),
        ("star", 10 * 0.5 * 0.42 * np.sin(np.pi / 5)),
        ("cross", 4 * 0.66 * 0.61 + 0.66**2),
        ("arrow", 0.8 * 0.9 + 0.56 * 1.05),
        ("hourglass", 2 * 0.74 * (0.67 + 0.12)),
    ],
)
def test_outlines_have_the_areas_of_their_forms(name, area):
    outer, *holes = outlines.OUTLINES[name]
    signed = cv2.contourArea(outer.astype(np.float32)) - sum(
        cv2.contourArea(hole.astype(np.float32)) for hole in holes
    )
    assert signed == pytest.approx(area, rel=0.01)


def test_outlines_stay_in_the_unit_circle():
    for outline in outlines.OUTLINES.values():
        assert max(np.hypot(*polygon.T).max() for polygon in outline) <= 1.001


def test_any_square_size_shows_one_scene():
    small, large = generate(20, (32, 32)), generate(20, (96, 96))
    for little, big in zip(small.masks, large.masks, strict=True):
        reduced = cv2.resize(big.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA) >= 0.5
        assert (reduced != little).mean() < 0.02
    reduced = large.images.reshape(20, 3, 32, 3, 32, 3).mean(axis=(3, 5))
    assert np.abs(reduced - small.images).mean() < 8


def test_distractors_are_no_hint_to_the_class():
    """Everything but the object is drawn alike for all classes."""
    backgrounds = [shapes._render(stream(0, "train", 5), label, (32, 32), False)[0] for label in (0, 3)]
    changed = (backgrounds[0] != backgrounds[1]).any(axis=2)
    masks = [shapes._render(stream(0, "train", 5), label, (32, 32))[1] for label in (0, 3)]
    near = cv2.dilate((masks[0] | masks[1]).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert not changed[~near].any()  # only the gap around the object differs


def test_a_linear_model_fails():
    train, test = generate(1500), generate(500, split="test")
    inputs, unseen = (data.images.reshape(len(data.images), -1) / 255 - 0.5 for data in (train, test))
    kernel = inputs @ inputs.T
    for ridge in (10, 300):  # least squares on one-hot targets, in its dual form
        weights = inputs.T @ np.linalg.solve(kernel + ridge * np.eye(1500), np.eye(10)[train.labels])
        assert ((inputs @ weights).argmax(1) == train.labels).mean() > 0.5  # it did fit what it saw
        assert ((unseen @ weights).argmax(1) == test.labels).mean() < 0.2


def test_masks_tell_the_class():
    """The form is there to be learnt: the nearest mask, centred and turned, is mostly of the same class."""

    def descriptors(data):
        rows = []
        for mask in data.masks:
            contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            outer = max(contours, key=cv2.contourArea)
            hull = cv2.contourArea(cv2.convexHull(outer))
            (_, radius) = cv2.minEnclosingCircle(outer)
            moments = cv2.HuMoments(cv2.moments(mask.astype(np.uint8), binaryImage=True)).ravel()[:4]
            logs = np.log10(np.abs(moments) + 1e-7)
            rows.append([mask.sum() / hull, hull / (np.pi * radius**2), *(0.1 * logs)])
        return np.array(rows)

    train, test = generate(600, (64, 64)), generate(100, (64, 64), split="test")
    distances = np.linalg.norm(descriptors(test)[:, None] - descriptors(train)[None], axis=2)
    assert (train.labels[distances.argmin(axis=1)] == test.labels).mean() > 0.6


def test_faults_are_named():
    with pytest.raises(RgavizError, match="8x32"):
        generate(1, (8, 32))
    with pytest.raises(RgavizError, match="-1"):
        generate(-1)


def test_parts_are_drawn_when_asked_for_with_progress():
    calls = []

    def track(items, *, total, description):
        calls.append((total, description))
        return items

    data = load_dataset("shapes", image_size=(16, 24), train_size=12, test_size=5, track=track)
    assert calls == []
    test = data.part("test")
    assert calls == [(5, "drawing images")]
    made = generate(5, (16, 24), split="test")
    np.testing.assert_array_equal(test.images.numpy(), made.images.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(test.labels.numpy(), made.labels)
    assert [len(load_dataset("shapes").parts), len(data.part("train"))] == [2, 12]


@pytest.mark.parametrize("options", [{"train_size": -1}, {"test_size": -1}, {"image_size": (15, 32)}])
def test_what_cannot_be_drawn_is_refused_at_once(options):
    with pytest.raises(RgavizError, match="shapes"):
        load_dataset("shapes", **options)

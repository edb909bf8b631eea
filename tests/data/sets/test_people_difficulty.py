"""That the data set ``people`` is hard, and not too hard."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rgaviz.data.sets.people import names, picture


def who(name):
    """Identity and camera."""
    return int(name[:4]), int(name[6])


def measured(similarity, query, gallery):
    """mAP and Rank-1 of similarities (q, g), by the definition: of one identity, not of one camera with the query."""
    precisions, first = [], []
    for row, (number, camera) in zip(similarity, query, strict=True):
        ranked = [pair for _, pair in sorted(zip(-row, gallery, strict=True), key=lambda each: each[0])]
        right = [pair[0] == number for pair in ranked if pair != (number, camera)]
        hits = [place for place, hit in enumerate(right) if hit]
        precisions.append(np.mean([(count + 1) / (place + 1) for count, place in enumerate(hits)]))
        first.append(right[0])
    return np.mean(precisions), np.mean(first)


@pytest.fixture(scope="module")
def tested():
    """Of query and gallery: (identity, camera), pictures and masks."""
    listed = names()
    return [
        ([who(name) for name in listed[part]], *zip(*map(picture, listed[part]), strict=True))
        for part in ("query", "gallery")
    ]


def unit(features):
    features = np.array(features, np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, 1)  # some distractors show nobody


def histogram(image, mask=None):
    return cv2.calcHist([image], [0, 1, 2], mask, [8] * 3, [0, 256] * 3).ravel()


@pytest.mark.slow
def test_histograms_of_colours_fail(tested):
    """Chance is 2 to 3 percent of mAP; histograms are no better, for they find the camera of the query."""
    (query, asked, _), (gallery, found, masks) = tested
    rng = np.random.default_rng(0)
    chance, _ = measured(rng.random((len(query), len(gallery))), query, gallery)
    assert 0.015 < chance < 0.04
    spaces = (lambda image: image, lambda image: cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL))
    for space in spaces:
        features = [unit([histogram(space(image)) for image in images]) for images in (asked, found)]
        precision, first = measured(features[0] @ features[1].T, query, gallery)
        assert precision < 0.1
        assert first < 0.1
    _, _, seen = tested[0]
    persons = [
        unit([histogram(image, (mask > 0).astype(np.uint8)) for image, mask in zip(*pair, strict=True)])
        for pair in ((asked, seen), (found, masks))
    ]
    assert measured(persons[0] @ persons[1].T, query, gallery)[0] < 0.25  # of the persons alone


def worn(image, parts):
    """Mean logarithms of the colours of each part's rows, from the top down in quarters: (36,)."""
    values = np.log(image.astype(np.float64) + 1)
    means = np.zeros((3, 4, 3))
    for part in (1, 2, 3):
        rows = np.flatnonzero((parts == part).any(1))
        for quarter, some in enumerate(np.array_split(rows, 4)):
            mask = parts[some] == part
            means[part - 1, quarter] = values[some][mask].mean(0) if mask.any() else 0
    return means.ravel()


def test_clothes_tell_who_it_is(tested):
    """Who knows the parts and the light of each camera finds people by 36 colours, so there is something to learn."""
    features = []
    for pairs, images, masks in tested:
        rows = np.array([worn(*each) for each in zip(images, masks, strict=True)])
        cameras = np.array([camera for _, camera in pairs])
        for camera in range(1, 7):
            rows[cameras == camera] -= rows[cameras == camera].mean(0)
        features.append(rows)
    distances = ((features[0][:, None] - features[1]) ** 2).sum(2)  # (q, g)
    precision, first = measured(-distances, tested[0][0], tested[1][0])
    assert precision > 0.35
    assert first > 0.6

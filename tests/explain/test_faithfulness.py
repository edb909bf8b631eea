"""Deletion, insertion, ROAD, drop and increase against the authors' loops and pytorch-grad-cam."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics import cam_mult_image
from pytorch_grad_cam.metrics import road as library
from scipy.ndimage import gaussian_filter
from torch import nn

from rgaviz.explain import faithfulness
from rgaviz.explain.faithfulness import (
    area,
    asked,
    blurred,
    deletion,
    drop,
    has_order,
    increase,
    insertion,
    ranks,
    road,
    under,
)
from rgaviz.explain.imputation import imputed
from rgaviz.explain.localisation import enlarged

SIZE = (9, 7)
# The library gives NumPy a tensor where it wants an array.
theirs_warns = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 5, 3), nn.Softmax(1)]
    return nn.Sequential(*layers).eval()


@pytest.fixture
def image():
    return torch.randn(3, *SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def scores(network):
    """The probability of class 1."""
    return lambda variants: network(variants)[:, 1].detach()


def drawn(seed=0, size=SIZE):
    """A map no two pixels of which are equal."""
    return np.random.default_rng(seed).random(size).astype(np.float32)


def places_of(values, size=SIZE):
    return ranks(values, size, np.random.default_rng(0))


def test_ranks_by_hand():
    np.testing.assert_array_equal(places_of(np.array([[0.5, 2], [-1, 1]]), (2, 2)), [[2, 0], [3, 1]])
    values = drawn(size=(3, 2))
    order = np.argsort(-enlarged(values[None], SIZE)[0].ravel())
    assert (np.sort(places_of(values).ravel()) == np.arange(63)).all()
    wide = enlarged(values[None], SIZE)[0].ravel()
    np.testing.assert_allclose(wide[np.argsort(places_of(values).ravel())], wide[order])


def test_equal_values_come_in_random_order():
    """The largest first; of what is equal no pixel has a place of its own."""
    values = np.zeros(SIZE)
    values[4, 4] = 1
    found = np.stack([ranks(values, SIZE, np.random.default_rng(seed)) for seed in range(200)])
    assert (found[:, 4, 4] == 0).all()
    means = np.delete(found.mean(0).ravel(), 4 * 7 + 4)
    assert abs(means - 31.5).max() < 6
    again = ranks(values, SIZE, np.random.default_rng(7))
    np.testing.assert_array_equal(again, found[7])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0, 1]], True),
        ([[0, 0]], False),
        ([[2, 2]], False),
        ([[3]], False),
        ([[0, np.nan]], False),
        ([[-1, 0]], False),
    ],
)
def test_which_maps_have_an_order(values, expected):
    assert has_order(np.array(values, np.float32)) is expected


def rise(network, image, saliency, mode, steps, blur):
    """``CausalMetric.single_run`` of the authors of RISE, with other steps: shares of the pixels."""
    if mode == "del":
        start, finish = image.clone(), torch.zeros_like(image)
    else:
        start, finish = blur.clone(), image.clone()
    order = np.flip(np.argsort(saliency.reshape(-1)))
    found = np.empty(steps + 1)
    for i in range(steps + 1):
        found[i] = network(start[None])[0, 1].item()
        if i < steps:
            pixels = order[round(i * order.size / steps) : round((i + 1) * order.size / steps)]
            for pixel in pixels:
                start[:, pixel // SIZE[1], pixel % SIZE[1]] = finish[:, pixel // SIZE[1], pixel % SIZE[1]]
    return found


@pytest.mark.parametrize("steps", [1, 4, 20, 63])
def test_deletion_and_insertion_are_those_of_their_authors(network, image, scores, steps):
    values = drawn()
    for mode, curve in {"del": deletion, "ins": insertion}.items():
        expected = rise(network, image, values, mode, steps, blurred(image))
        found = curve(image, places_of(values), scores, steps)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        authors = (expected.sum() - expected[0] / 2 - expected[-1] / 2) / (len(expected) - 1)
        assert area(found[None])[0] == pytest.approx(authors, abs=1e-6)
        assert area(found) == pytest.approx(np.trapezoid(expected, np.linspace(0, 1, steps + 1)), abs=1e-6)


def test_the_picture_that_insertion_begins_with(image):
    expected = gaussian_filter(image.double().numpy(), (0, 0.7, 0.7), mode="mirror", truncate=6)
    np.testing.assert_allclose(blurred(image), expected, atol=2e-3)
    assert blurred(image[:1]).shape == (1, *SIZE)
    flat = torch.full((5, 4, 4), 2.5)
    torch.testing.assert_close(blurred(flat), flat)


def imputed_slowly(image, missing):
    """Every equation written out, solved as a dense system."""
    image = image.astype(np.float64)
    weights = {(0, 1): 2, (1, 0): 2, (0, -1): 2, (-1, 0): 2, (1, 1): 1, (1, -1): 1, (-1, 1): 1, (-1, -1): 1}
    number = {place: n for n, place in enumerate(zip(*np.nonzero(missing), strict=True))}
    matrix, known = np.zeros((len(number), len(number))), np.zeros((len(number), len(image)))
    for (y, x), row in number.items():
        around = {(y + dy, x + dx): w for (dy, dx), w in weights.items()}
        around = {
            p: w for p, w in around.items() if 0 <= p[0] < missing.shape[0] and 0 <= p[1] < missing.shape[1]
        }
        total = sum(around.values())
        matrix[row, row] = 1
        for place, weight in around.items():
            if missing[place]:
                matrix[row, number[place]] -= weight / total
            else:
                known[row] += weight / total * image[:, place[0], place[1]]
    found = image.copy()
    found[:, missing] = np.linalg.solve(matrix, known).T
    return found


@theirs_warns
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("channels", [1, 3])
def test_imputation_is_a_slow_loops_and_the_librarys(share, channels):
    rng = np.random.default_rng(3)
    picture = rng.normal(size=(channels, *SIZE)).astype(np.float32)
    missing = rng.random(SIZE) < share
    missing[0, 0] = True
    found = imputed(picture, missing)
    np.testing.assert_allclose(found, imputed_slowly(picture, missing), atol=1e-9)
    mask = torch.from_numpy(np.float32(~missing))
    theirs = library.NoisyLinearImputer(noise=0)(torch.from_numpy(picture), mask)
    np.testing.assert_allclose(found, theirs, atol=1e-5)
    np.testing.assert_array_equal(found[:, ~missing], picture[:, ~missing])


def test_of_a_whole_picture_nothing_is_imputed(image):
    np.testing.assert_array_equal(imputed(image.numpy(), np.zeros(SIZE, bool)), image.numpy())


@theirs_warns
@pytest.mark.parametrize("seed", range(3))
def test_road_is_the_librarys(network, image, scores, seed, monkeypatch):
    """Percentile by percentile, and together as ``ROADCombined``; without the noise, for theirs is not repeatable."""
    monkeypatch.setattr(library.NoisyLinearImputer.__init__, "__defaults__", (0, library.neighbors_weights))
    values = drawn(seed)
    most, least = road(image, places_of(values), scores, torch.zeros_like(image))
    targets = [lambda output: output[1]]
    given = (image[None], values[None], targets, network)
    for place, percent in enumerate(faithfulness.PERCENT):  # theirs is the share that is kept
        for found, metric in ((most, library.ROADMostRelevantFirst), (least, library.ROADLeastRelevantFirst)):
            assert found[place] == pytest.approx(
                metric(100 - percent)(*given, return_diff=False)[0], abs=1e-5
            )
    combined = library.ROADCombined()(*given)[0]
    assert ((least - most) / 2).mean() == pytest.approx(combined, abs=1e-5)


def test_roads_noise_falls_on_what_is_removed_alone(image):
    seen = []
    road(
        image,
        places_of(drawn()),
        lambda some: seen.append(some) or some.sum((1, 2, 3)),
        torch.full_like(image, 9),
    )
    variants = torch.cat(seen)
    assert len(variants) == 18
    for place, percent in enumerate(faithfulness.PERCENT):
        assert ((variants[place] != image).any(0)).sum() == pytest.approx(percent * 63 / 100, abs=1)
    np.testing.assert_array_equal((variants[0] == image).all(0), (places_of(drawn()) >= 7))


def test_drop_and_increase_are_the_librarys(network, image, scores):
    """Of a map that is enlarged first, as theirs are given at the picture's size."""
    for seed in range(8):
        small = drawn(seed, (4, 3)) * 5 - 1
        theirs = cv2.resize((small - small.min()) / (small.max() - small.min()), SIZE[::-1])
        given = (image[None], theirs[None], [lambda output: output[1]], network)
        whole, seen = asked([image, under(image, small)], scores)
        assert drop(whole, seen) * whole == pytest.approx(
            cam_mult_image.DropInConfidence()(*given)[0], abs=1e-6
        )
        assert increase(whole, seen) == cam_mult_image.IncreaseInConfidence()(*given)[0]
        assert drop(whole, seen) == pytest.approx(max(0.0, whole - seen) / whole)


def test_drop_and_increase_by_hand():
    whole, seen = np.array([0.5, 0.5, 0.0, np.nan, 0.5]), np.array([0.125, 0.75, 0.5, 0.5, np.nan])
    np.testing.assert_allclose(drop(whole, seen), [0.75, 0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(increase(whole, seen), [0, 1, 1, np.nan, np.nan])


def test_passes_are_of_bounded_size(image, scores, monkeypatch):
    variants = [image * factor for factor in range(7)]
    whole = asked(variants, scores)
    sizes = []

    def watched(some):
        sizes.append(len(some))
        return scores(some)

    monkeypatch.setattr(faithfulness, "VARIANTS", 3)
    np.testing.assert_allclose(asked(iter(variants), watched), whole, atol=1e-6)
    assert sizes == [3, 3, 1]
    sizes.clear()
    monkeypatch.setattr(faithfulness, "PIXELS", 2 * 63)
    asked(variants, watched)
    assert sizes == [2, 2, 2, 1]
    sizes.clear()
    monkeypatch.setattr(faithfulness, "PIXELS", 1)
    asked(variants[:2], watched)
    assert sizes == [1, 1]

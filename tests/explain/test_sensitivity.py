"""Max-sensitivity against a slow loop."""

from __future__ import annotations

import numpy as np
import torch

from rgaviz.explain.sensitivity import DRAWS, RADIUS, max_sensitivity, with_noise


def test_against_a_slow_loop():
    rng = np.random.default_rng(0)
    maps = {"a": rng.random((3, 4, 5)), "b": rng.random((3, 2, 2))}
    maps["a"][1] = 0
    noisy = [
        {name: values + rng.normal(size=values.shape) for name, values in maps.items()} for _ in range(6)
    ]
    noisy[2]["b"][0, 0, 0] = np.nan
    found = max_sensitivity(maps, iter(noisy))
    for name, values in maps.items():
        for row in range(3):
            distances = [np.sqrt(((each[name][row] - values[row]) ** 2).sum()) for each in noisy]
            norm = np.sqrt((values[row] ** 2).sum())
            expected = max(distances) / norm if norm and np.isfinite(distances).all() else np.nan
            np.testing.assert_allclose(found[name][row], expected)
    assert np.isnan(found["a"][1])
    assert np.isnan(found["b"][0])


def test_noise_is_within_the_radius():
    images = torch.zeros(2, 3, 4, 4)
    draws = [np.random.default_rng(number).uniform(-1, 1, (2, 3, 4, 4)) for number in range(DRAWS)]
    found = list(with_noise(images, lambda number: torch.from_numpy(draws[number])))
    assert len(found) == DRAWS
    for given, drawn in zip(found, draws, strict=True):
        np.testing.assert_allclose(given, RADIUS * drawn, atol=1e-7)
        assert given.dtype == torch.float32

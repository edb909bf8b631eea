"""How much a map changes when the picture hardly does."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np
from torch import Tensor

RADIUS = 0.02  # of the noise, in units of the normalised picture
DRAWS = 10
Name = TypeVar("Name", bound=Hashable)


def max_sensitivity(
    maps: Mapping[Name, np.ndarray], noisy: Iterable[Mapping[Name, np.ndarray]]
) -> dict[Name, np.ndarray]:
    """Max-sensitivity (B,) of each map, Yeh et al., NeurIPS 2019, divided by the norm of the map.

    The largest distance of the map from those of noisy pictures; distances and norms are Euclidean. The maximum over
    all noise is estimated by that over some draws; a map that is 0 everywhere has none.

    Args:
        maps: name -> (B, h, w), of the pictures.
        noisy: the same, of the pictures with noise, once for each draw.
    """
    largest = {name: np.zeros(len(values)) for name, values in maps.items()}
    for drawn in noisy:
        for name, values in maps.items():
            distance = np.linalg.norm(
                (drawn[name] - values).reshape(len(values), -1).astype(np.float64), axis=1
            )
            largest[name] = np.maximum(largest[name], distance)  # NaN stays
    norms = {
        name: np.linalg.norm(v.reshape(len(v), -1).astype(np.float64), axis=1) for name, v in maps.items()
    }
    return {name: largest[name] / np.where(norms[name] > 0, norms[name], np.nan) for name in maps}


def with_noise(images: Tensor, draws: Callable[[int], Tensor]) -> Iterable[Tensor]:
    """The pictures (B, C, H, W) with uniform noise of at most the radius, once for each draw.

    Args:
        images: normalised.
        draws: number of the draw -> noise (B, C, H, W) in -1 to 1.
    """
    for number in range(DRAWS):
        yield images + RADIUS * draws(number).to(images)

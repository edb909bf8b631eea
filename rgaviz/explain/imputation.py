"""What is not known of a picture, told by its neighbours: the noisy linear imputation of ROAD, without the noise."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

NOISE = 0.01  # deviation of what ROAD adds, so that a network cannot tell what was imputed by its smoothness
# (rows, columns) to a neighbour -> its weight, as in Rong et al., ICML 2022.
NEIGHBOURS = {
    **dict.fromkeys(((0, 1), (0, -1), (1, 0), (-1, 0)), 1 / 6),
    **dict.fromkeys(((1, 1), (1, -1), (-1, 1), (-1, -1)), 1 / 12),
}


def imputed(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """A picture (C, H, W) in which each missing pixel is the weighted mean of its neighbours, float64.

    That mean is of those neighbours that lie in the picture, known or missing: an equation for each missing pixel, all
    solved at once (Rong et al., ICML 2022).

    Args:
        image: what is known.
        missing: (H, W) bool; not all of them.
    """
    found = image.astype(np.float64)
    if missing.any():
        matrix, known = _equations(found, missing)
        # Symmetric and diagonally dominant, so it needs no pivots: twice as fast.
        solver = splu(matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        found[:, missing] = solver.solve(known).T  # (m, C) -> (C, m)
    return found


def _equations(image: np.ndarray, missing: np.ndarray) -> tuple[csc_array, np.ndarray]:
    """For m missing pixels the matrix (m, m) and what the known ones add (m, C)."""
    count = int(missing.sum())
    number = np.full(missing.shape, -1)
    number[missing] = np.arange(count)
    number = np.pad(number, 1, constant_values=-2)  # -1 is known, -2 outside
    known = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    rows, columns = (each + 1 for each in np.nonzero(missing))
    weights, told = np.zeros(count), np.zeros((count, len(image)))
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for (down, right), weight in NEIGHBOURS.items():
        place = (rows + down, columns + right)
        other = number[place]
        weights += weight * (other != -2)
        told += weight * np.where(other == -1, known[:, *place], 0).T
        unknown = np.flatnonzero(other >= 0)
        entries.append((unknown, other[unknown], np.full(len(unknown), -weight)))
    entries.append((np.arange(count), np.arange(count), weights))
    first, second, values = (np.concatenate(each) for each in zip(*entries, strict=True))
    return coo_array((values, (first, second)), shape=(count, count)).tocsc(), told

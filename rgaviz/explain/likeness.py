"""How alike two maps of a picture are: in the order of their values, and in their structure."""

from __future__ import annotations

import cv2
import numpy as np

from rgaviz.explain.localisation import enlarged

WINDOW, DEVIATION = 11, 1.5  # of SSIM, in pixels
STABLE = 0.01**2, 0.03**2  # of SSIM, for values from 0 to 1


def rank_correlation(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each map (B, ...) with the other one, as SciPy's ``spearmanr``.

    Returns:
        (B,) from -1 to 1; NaN where one of both is the same everywhere, or not finite.
    """
    from scipy.stats import rankdata

    first, second = (each.reshape(len(each), -1).astype(np.float64) for each in (maps, others))  # (B, n)
    known = _told(first) & _told(second)
    found = np.full(len(first), np.nan)
    if known.any():
        ranks = [rankdata(each[known], axis=1) for each in (first, second)]
        centred = [each - each.mean(1, keepdims=True) for each in ranks]
        norms = [np.sqrt((each**2).sum(1)) for each in centred]
        found[known] = np.clip((centred[0] * centred[1]).sum(1) / (norms[0] * norms[1]), -1, 1)
    return found


def structural_similarity(maps: np.ndarray, others: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """SSIM of each map (B, h, w) with the other one, by Wang et al., TIP 2004: a Gaussian window of 11x11.

    Maps are stretched to 0 to 1 each, then enlarged to the size of the picture, as figures enlarge them. Means are over
    the places where the window is inside, so as scikit-image's with ``gaussian_weights`` and without sample covariance.

    Args:
        maps: (B, h, w).
        others: (B, h', w').
        size: (H, W) of the picture.

    Returns:
        (B,) from -1 to 1; NaN where one of both is the same everywhere or not finite, or the picture smaller than the
        window.
    """
    known = _told(maps) & _told(others)
    found = np.full(len(maps), np.nan)
    if min(size) < WINDOW:
        return found
    for place in np.flatnonzero(known):
        first, second = (enlarged(_stretched(each[place])[None], size)[0] for each in (maps, others))
        found[place] = _similarity(first, second)
    return found


def _similarity(first: np.ndarray, second: np.ndarray) -> float:
    """SSIM of two maps (H, W) from 0 to 1."""

    def smooth(values: np.ndarray) -> np.ndarray:
        inside = WINDOW // 2
        return cv2.GaussianBlur(values, (WINDOW, WINDOW), DEVIATION)[inside:-inside, inside:-inside]

    means = smooth(first), smooth(second)
    variances = smooth(first**2) - means[0] ** 2, smooth(second**2) - means[1] ** 2
    covariance = smooth(first * second) - means[0] * means[1]
    above = (2 * means[0] * means[1] + STABLE[0]) * (2 * covariance + STABLE[1])
    below = (means[0] ** 2 + means[1] ** 2 + STABLE[0]) * (variances[0] + variances[1] + STABLE[1])
    return float((above / below).mean())


def _told(maps: np.ndarray) -> np.ndarray:
    """(B,) which maps are finite and not the same everywhere."""
    flat = maps.reshape(len(maps), -1)
    with np.errstate(invalid="ignore"):
        return np.isfinite(flat).all(1) & (flat.max(1) > flat.min(1))


def _stretched(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    return (values - values.min()) / (values.max() - values.min())


# Measure -> what it is called, of maps over positions; of channels the first alone.
LIKENESS: dict[str, str] = {"spearman": "Spearman's rank correlation", "ssim": "SSIM"}
OF_CHANNELS = "spearman"

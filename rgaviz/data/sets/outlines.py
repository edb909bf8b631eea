"""The forms of the data set ``shapes``: closed polygons in the unit circle, y downwards."""

from __future__ import annotations

import numpy as np

Outline = tuple[np.ndarray, ...]  # closed polygons (k, 2) in the unit circle, filled by the even-odd rule


# Forms, in the unit circle with y downwards.


def _polar(degrees: np.ndarray | list[float], radius: float = 1.0) -> np.ndarray:
    """Points (k, 2) on a circle, at angles clockwise from the top."""
    radians = np.deg2rad(degrees)
    return radius * np.stack([np.sin(radians), -np.cos(radians)], axis=1)


def _regular(corners: int, radius: float = 1.0) -> np.ndarray:
    return _polar(np.arange(corners) * 360 / corners, radius)


def _star() -> np.ndarray:
    return np.stack([_regular(5), -_regular(5, 0.42)[[3, 4, 0, 1, 2]]], axis=1).reshape(10, 2)


def _crescent() -> np.ndarray:
    """The unit circle less a smaller one that cuts it 45 degrees either side of the top."""
    tip, centre = _polar([45])[0], np.array([0, -0.45])
    across, up = tip - centre
    angle = np.rad2deg(np.arctan2(across, -up))
    bite = centre + _polar(np.linspace(360 - angle, angle, 32), float(np.hypot(across, up)))
    return np.concatenate([_polar(np.linspace(45, 315, 48)), bite])


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 5 * np.cos(2 * t) + 2 * np.cos(3 * t) + np.cos(4 * t) - 13 * np.cos(t)
    return np.stack([x, y - 0.1], axis=1) / 16.95


def _corners(*points: tuple[float, float]) -> np.ndarray:
    """A polygon mirrored at x = 0, from its right half given top to bottom."""
    right = np.array(points)
    return np.concatenate([right, (right * [-1, 1])[::-1]])


OUTLINES: dict[str, Outline] = {
    "circle": (0.85 * _regular(48),),
    "ring": (0.95 * _regular(48), 0.5 * _regular(48)),
    "square": (_regular(4),),
    "triangle": (_regular(3),),
    "star": (_star(),),
    "cross": (
        _corners((0.33, -0.94), (0.33, -0.33), (0.94, -0.33), (0.94, 0.33), (0.33, 0.33), (0.33, 0.94)),
    ),
    "crescent": (_crescent(),),
    "arrow": (_corners((0, -1), (0.8, -0.1), (0.28, -0.1), (0.28, 0.95)),),
    "heart": (_heart(),),
    "hourglass": (_corners((0.67, -0.74), (0.12, 0), (0.67, 0.74)),),
}
SHAPE_CLASSES = tuple(OUTLINES)

BLOB = _regular(24)
BLOB_WAVES = np.outer(np.arange(24) * 2 * np.pi / 24, [2, 3])  # (24, 2), the dents of a blob as it goes round

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.data.colours import default_colours

# Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009.
EYES = {
    "normal": np.eye(3),
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}
XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def lab(colours, eyes):
    """CIELAB of RGB (n, 3), as some eyes see them."""
    values = np.array(colours) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(EYES[eyes]).T, 0, 1) @ XYZ.T / (0.9505, 1, 1.0888)
    x, y, z = np.where(seen > 0.008856, np.cbrt(seen), 7.787 * seen + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize(("eyes", "least"), [("normal", 24), ("protan", 19), ("deutan", 17)])
def test_the_first_20_are_told_apart(eyes, least):
    places = lab(default_colours(20), eyes)
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > least


def test_no_two_are_alike():
    colours = default_colours(255)
    assert len(set(colours)) == 255
    assert all(len(each) == 3 and 0 <= min(each) <= max(each) <= 255 for each in colours)
    assert colours[:20] == default_colours(20)

"""A folder of a few pictures of three classes that no linear model tells apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("across", "checks", "down")


def picture(name: str, draw: np.random.Generator, side: int = 32) -> np.ndarray:
    """Waves of a class's direction, in any phase, width and colours; their mirror images are of the same class."""
    rows, columns = np.mgrid[:side, :side] * 2 * np.pi / draw.uniform(5, 9)
    phases = draw.uniform(0, 2 * np.pi, 2)
    across, down = np.sin(columns + phases[0]), np.sin(rows + phases[1])
    wave = {"across": across, "down": down, "checks": across * down}[name]
    one, other = draw.uniform(60, 200, (2, 3))
    mixed = other + (one - other) * (wave[..., None] + 1) / 2
    return np.clip(mixed + draw.normal(0, 12, mixed.shape), 0, 255).astype(np.uint8)


def write(root: Path, count: int = 75, side: int = 32) -> Path:
    """``root/<class>/<number>.png``, so many of each class."""
    draw = np.random.default_rng(0)
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(picture(name, draw, side)).save(root / name / f"{number:03}.png")
    return root

"""Pictures and folders for tests."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np


def save_picture(path: Path, size: tuple[int, int] = (40, 60), seed: int = 0) -> Path:
    """Smooth coloured noise, so that no two pictures are alike."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC))
    return path


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found

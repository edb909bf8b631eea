"""Scenes whose classes are the parts that maps lie on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rgaviz.data.sets import camvid, cityscapes, scenes
from rgaviz.data.sets.pairs import VAL, Laid, limited, read_pair
from rgaviz.data.truth import LONGEST, Truth, sampled

WHOLE = "labelled"  # all classes together


def cityscapes_truth(*, data_dir: Path | None, held_out: float = 0, **options: Any) -> Truth:
    """The pictures of ``val`` with the classes as their parts; arguments as of :func:`scenes_truth`."""
    return _truth(cityscapes.laid_out(data_dir), **options)


def camvid_truth(*, data_dir: Path | None, held_out: float = 0, **options: Any) -> Truth:
    """The pictures of ``val`` with the classes as their parts; arguments as of :func:`scenes_truth`."""
    return _truth(camvid.laid_out(data_dir), **options)


def scenes_truth(*, data_dir: Path | None, held_out: float = 0.2, **options: Any) -> Truth:
    """The pictures that are measured on with the classes as their parts.

    Args:
        data_dir: the folder.
        held_out: fraction held out to measure on, where the folder does not say it.
        options: ``test_size``, so many drawn with a fixed seed; ``image_size`` means nothing, pictures have their own.

    Raises:
        RgavizError: as of the function that loads the data set.
    """
    return _truth(scenes.laid_out(data_dir, held_out), **options)


def _truth(laid: Laid, *, test_size: int | None = None, **_: Any) -> Truth:
    pairs = limited(laid.pairs[VAL], test_size)

    def read(place: int) -> tuple[np.ndarray, np.ndarray]:
        scene = read_pair(pairs[place], laid.coding)
        assert scene.labels is not None  # ``val`` has them all
        return scene.picture, sampled(scene.labels, LONGEST) + np.uint8(1)  # 0 is what is ignored

    files = [path for pair in pairs for path in (pair.picture, pair.labels) if path is not None]
    names = [pair.name for pair in pairs]
    return Truth(names, laid.classes, WHOLE, read, [None] * len(names), laid.source, files, notes=laid.notes)

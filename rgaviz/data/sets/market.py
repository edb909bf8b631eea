"""Market-1501 and DukeMTMC-reID, and whatever else lies in Market-1501's folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rgaviz.data.sets.crops import MARKET, Crop, find_crops, find_root, left_out
from rgaviz.data.sets.reid import GALLERY, PARTS, QUERY, TRAIN, Count, reid_dataset
from rgaviz.data.splits import Dataset

FOLDERS = {TRAIN: "bounding_box_train", QUERY: "query", GALLERY: "bounding_box_test"}

MARKET1501 = {TRAIN: Count(12936, 751), QUERY: Count(3368, 750), GALLERY: Count(15913, 751)}
DUKEMTMC = {TRAIN: Count(16522, 702), QUERY: Count(2228, 702), GALLERY: Count(17661, 1110)}

WITHDRAWN = (
    "DukeMTMC-reID was withdrawn by Duke University in 2019, since the people in it had not been asked: find out "
    "whether you may use it, and publish none of its pictures."
)


def load_market1501(*, data_dir: Path | None, held_out: float = 0, **options: Any) -> Dataset:
    """Market-1501, six cameras, by --data-dir.

    The folder, or one in it, has ``bounding_box_train``, ``query`` and ``bounding_box_test``. Junk (-1) is left out,
    distractors (0) stay in the gallery.

    Args:
        data_dir: the folder.
        held_out: ignored: what is measured on is fixed.
        options: of :func:`rgaviz.data.sets.reid.reid_dataset`.

    Raises:
        RgavizError: no such folders, or nothing in them that is named like it.
    """
    ask = "ask its authors for it, https://zheng-lab.cecs.anu.edu.au/Project/project_reid.html"
    root = find_root("market1501", data_dir, list(FOLDERS.values()), "market", ask)
    crops, notes = read_folders(root, FOLDERS, re.compile(MARKET))
    return reid_dataset(
        "market1501", root, crops, notes, source="image files", published=MARKET1501, **options
    )


def load_dukemtmc(*, data_dir: Path | None, held_out: float = 0, **options: Any) -> Dataset:
    """DukeMTMC-reID, eight cameras, withdrawn in 2019: copies from before, by --data-dir.

    Folders, arguments and errors as :func:`load_market1501`.
    """
    ask = "it was withdrawn in 2019, so give a copy from before, or take another set, such as msmt17"
    root = find_root("dukemtmc", data_dir, list(FOLDERS.values()), "duke", ask)
    crops, notes = read_folders(root, FOLDERS, re.compile(MARKET))
    notes = [WITHDRAWN, *notes]
    return reid_dataset("dukemtmc", root, crops, notes, source="image files", published=DUKEMTMC, **options)


def read_folders(
    root: Path, folders: dict[str, str], pattern: re.Pattern[str]
) -> tuple[dict[str, list[Crop]], list[str]]:
    """The pictures of each part by the names of their files, and a note for each folder with other files.

    Args:
        root: the folder of the data set.
        folders: part -> its folder.
        pattern: of the names.

    Raises:
        RgavizError: as :func:`rgaviz.data.sets.crops.find_crops`.
    """
    crops, notes = {}, []
    for part in (each for each in PARTS if each in folders):
        crops[part], strangers = find_crops(root, folders[part], pattern)
        if strangers:
            notes.append(left_out(folders[part], strangers, pattern.pattern))
    return crops, notes

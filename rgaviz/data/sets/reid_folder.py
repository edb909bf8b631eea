"""Anyone's own pictures of people, for re-identification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rgaviz.data.sets.crops import names_of_files
from rgaviz.data.sets.market import FOLDERS, read_folders
from rgaviz.data.sets.reid import GALLERY, PARTS, QUERY, TRAIN, reid_dataset
from rgaviz.data.splits import Dataset
from rgaviz.errors import RgavizError

LAYOUTS = (FOLDERS, {part: part for part in PARTS})


def load_reid_folder(
    *, data_dir: Path | None, pattern: str | None = None, held_out: float = 0, **options: Any
) -> Dataset:
    """Your own pictures of people, named like Market-1501's or by --pattern, by --data-dir.

    The folder has ``train``, ``query`` and ``gallery``, or Market-1501's folders. Without the first, networks can be
    measured on it.

    Args:
        data_dir: the folder.
        pattern: a regular expression with groups ``id`` and ``camera``, both whole numbers, that the names of the files
            begin with; by default Market-1501's ``0002_c1...``. Identity 0 is a distractor, a negative one junk.
        held_out: ignored: what is measured on is fixed.
        options: of :func:`rgaviz.data.sets.reid.reid_dataset`.

    Raises:
        RgavizError: no such folders, a pattern that is none, or nothing that fits it.
    """
    names = names_of_files(pattern)
    if data_dir is None:
        raise RgavizError("reid-folder needs --data-dir DIR, with train/, query/ and gallery/ in it.")
    folders = chosen_layout(data_dir)
    crops, notes = read_folders(data_dir, folders, names)
    return reid_dataset("reid-folder", data_dir, crops, notes, source="image files", **options)


def chosen_layout(data_dir: Path) -> dict[str, str]:
    """Part -> folder, of the parts that are there.

    Raises:
        RgavizError: no folder, or none to measure on in it.
    """
    if not data_dir.is_dir():
        raise RgavizError(
            f"{data_dir} is not a folder. Give the one with train/, query/ and gallery/ with --data-dir."
        )
    for layout in LAYOUTS:
        if all((data_dir / layout[part]).is_dir() for part in (QUERY, GALLERY)):
            learned = (data_dir / layout[TRAIN]).is_dir()
            return {part: folder for part, folder in layout.items() if learned or part != TRAIN}
    raise RgavizError(
        f"{data_dir} needs the folders train, query and gallery (or {', '.join(FOLDERS.values())}): put there the "
        "pictures to learn from, of whom to look for, and to look through."
    )

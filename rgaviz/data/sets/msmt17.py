"""MSMT17: pictures in a folder per person, and lists of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from rgaviz.data.sets.crops import NUMBER, Crop, find_root, left_out, places_of
from rgaviz.data.sets.reid import GALLERY, QUERY, TRAIN, Count, reid_dataset
from rgaviz.data.splits import Dataset
from rgaviz.errors import RgavizError, clipped, one_line, quoted
from rgaviz.regular import IrregularFileError, read_regular

VERSIONS = {
    "V2": ("mask_train_v2", "mask_test_v2"),
    "V1": ("train", "test"),
}  # folders to learn from and to measure on
LISTS = {TRAIN: "list_train.txt", QUERY: "list_query.txt", GALLERY: "list_gallery.txt"}
VALIDATION = "list_val.txt"
LARGEST_LIST = 50_000_000  # bytes; the largest has about 4 million
CAMERA = re.compile(r"[0-9]+_[0-9]+_([0-9]{1,4})_")  # 0000_000_01_0303morning_0015_0.jpg
ASK = "ask its authors for it, https://www.pkuvmc.com/dataset.html"

PUBLISHED = {TRAIN: Count(32621, 1041), QUERY: Count(11659, 3060), GALLERY: Count(82161, 3060)}
WITH_VALIDATION = (
    "msmt17 learns from list_train.txt and list_val.txt together, as its 32,621 training pictures are counted; some "
    "others, such as torchreid by default, leave the second out."
)
WITHOUT_VALIDATION = "msmt17 has no list_val.txt here, so it learns from list_train.txt alone."


def load_msmt17(*, data_dir: Path | None, held_out: float = 0, **options: Any) -> Dataset:
    """MSMT17, 15 cameras, version 1 or 2 (faces masked), by --data-dir.

    The folder, or one in it, has ``list_train.txt``, ``list_val.txt``, ``list_query.txt`` and ``list_gallery.txt``
    with the folders ``train`` and ``test`` (V1) or ``mask_train_v2`` and ``mask_test_v2`` (V2). Training is on
    ``list_train.txt`` and ``list_val.txt`` together, the 32,621 pictures that the authors count. Its people are
    numbered from 0, in training and test anew; here they are counted from 1, for 0 is a distractor.

    Args:
        data_dir: the folder.
        held_out: ignored: what is measured on is fixed.
        options: of :func:`rgaviz.data.sets.reid.reid_dataset`.

    Raises:
        RgavizError: no such folders, or lists that are damaged or name missing pictures.
    """
    root, version = chosen_version(data_dir)
    train, test = VERSIONS[version]
    more = [VALIDATION] if (root / VALIDATION).exists() else []
    lists = {part: [name] for part, name in LISTS.items()}
    lists[TRAIN] += more
    crops, notes = {}, [WITH_VALIDATION if more else WITHOUT_VALIDATION]
    for part, names in lists.items():
        folder = train if part == TRAIN else test
        crops[part], strangers = listed_crops(root, folder, names)
        if strangers:
            notes.append(left_out(" and ".join(names), strangers, CAMERA.pattern))
    source = f"image files, {version}"
    return reid_dataset(
        "msmt17", root, crops, notes, source=source, published=PUBLISHED, apart=True, **options
    )


def chosen_version(data_dir: Path | None) -> tuple[Path, str]:
    """The folder and a key of ``VERSIONS``; with both beside each other one must be named."""
    lists = list(LISTS.values())
    places = places_of("msmt17", data_dir, ASK)
    there = [
        version
        for version, folders in VERSIONS.items()
        if any(all((place / each).exists() for each in (*folders, *lists)) for place in places)
    ]
    if len(there) > 1:
        raise RgavizError(
            f"{data_dir} has both versions of MSMT17: name the folder of one of them with --data-dir."
        )
    masked = any((place / VERSIONS["V2"][0]).exists() for place in places)
    version = there[0] if there else "V2" if masked else "V1"
    return find_root("msmt17", data_dir, [*lists, *VERSIONS[version]], "msmt17", ASK), version


def listed_crops(root: Path, folder: str, lists: Sequence[str]) -> tuple[list[Crop], list[str]]:
    """The pictures that lists name, and the names that say no camera.

    Raises:
        RgavizError: a list is damaged or names pictures that are not there.
    """
    crops, strangers, missing = [], [], []
    for name in lists:
        for below, number in read_list(root / name):
            path, found = root / folder / below, CAMERA.match(below.name)
            if not path.is_file():
                missing.append(f"{folder}/{below}")
            elif found:
                crops.append(Crop(path, number + 1, int(found[1]), f"{folder}/{below}"))
            else:
                strangers.append(f"{folder}/{below}")
    if missing:
        raise RgavizError(
            f"{' and '.join(lists)} in {root} name {len(missing):,} pictures that are not there, {clipped(missing[0])} "
            "first: copy them again."
        )
    return crops, strangers


def read_list(path: Path) -> Iterator[tuple[PurePosixPath, int]]:
    """Path below the folder and number of every line.

    Raises:
        RgavizError: it cannot be read, or a line is no path and a number.
    """
    try:
        lines = read_regular(path, LARGEST_LIST).decode(errors="replace").splitlines()
    except (OSError, IrregularFileError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise RgavizError(f"{path} cannot be read ({reason}): copy it again.") from error
    for index, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, _, number = line.strip().rpartition(" ")
        below = PurePosixPath(name.strip())
        if (
            not below.name
            or below.is_absolute()
            or ".." in below.parts
            or not NUMBER.fullmatch(number)
            or "\0" in name
        ):
            raise RgavizError(
                f"Line {index} of {path} is {quoted(line)}, not a picture's path and a number: copy the list again."
            )
        yield below, int(number)

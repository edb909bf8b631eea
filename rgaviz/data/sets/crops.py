"""Pictures of people cut out of frames: who is seen and by which camera, as the name of the file says."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rgaviz.data.find import is_picture, visible_below
from rgaviz.errors import RgavizError, clipped, one_line, quoted

MARKET = (
    r"(?P<id>-?\d+)_c(?P<camera>\d+)"  # 0002_c1s1_000451_03.jpg, 0005_c2_f0046985.jpg, -1_c2s1_000001_00.jpg
)
MARKET_EXAMPLE = "0002_c1..."
EXAMPLE = r"--pattern '(?P<id>\d+)_cam(?P<camera>\d+)'"
NUMBER = re.compile(r"-?[0-9]{1,18}")  # fits into an int64
LITTER = {"thumbs.db", "desktop.ini", "__macosx"}  # what Windows and macOS leave behind


class Crop(NamedTuple):
    """A picture of one person.

    Attributes:
        source: the file, or what else the ``read`` of :func:`rgaviz.data.splits.read_split` takes.
        identity: who it is; below 0 is junk, 0 a distractor that is nobody.
        camera: which camera took it.
        name: its place below the folder of the data set, such as ``query/0002_c1s1_000451_03.jpg``.
    """

    source: Any
    identity: int
    camera: int
    name: str

    @property
    def file_name(self) -> str:
        """Without the folder of the part."""
        return self.name.partition("/")[2]


def names_of_files(pattern: str | None) -> re.Pattern[str]:
    """What the names of files are told by: a user's pattern, or Market-1501's.

    Raises:
        RgavizError: as :func:`naming`.
    """
    return naming(MARKET if pattern is None else pattern)


def naming(pattern: str) -> re.Pattern[str]:
    """A user's pattern for the names of files, compiled.

    Raises:
        RgavizError: no regular expression, or one without the groups ``id`` and ``camera``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read differently
            compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise RgavizError(
            f"--pattern {quoted(pattern)} is no regular expression ({clipped(error)}); write one such as {EXAMPLE}."
        ) from error
    missing = [group for group in ("id", "camera") if group not in compiled.groupindex]
    if missing:
        raise RgavizError(
            f"--pattern {quoted(pattern)} has no group named {' and none named '.join(missing)}; "
            f"write both, as in {EXAMPLE}."
        )
    return compiled


def parse_name(name: str, pattern: re.Pattern[str]) -> tuple[int, int] | None:
    """Identity and camera by the start of a file's name, never by its path; None where it does not fit."""
    found = pattern.match(name)
    texts = (found["id"] or "", found["camera"] or "") if found else ()
    if not texts or not all(NUMBER.fullmatch(text) for text in texts):
        return None
    return int(texts[0]), int(texts[1])


def find_crops(root: Path, folder: str, pattern: re.Pattern[str]) -> tuple[list[Crop], list[str]]:
    """The pictures anywhere below a folder of a data set by name, and the names of the files that fit no pattern.

    Hidden files are left out, and what Windows and macOS leave behind.

    Args:
        root: the folder of the data set.
        folder: the one of a part.
        pattern: with groups ``id`` and ``camera``.

    Raises:
        RgavizError: it cannot be read, is empty, or holds no file that fits.
    """
    place, crops, strangers = root / folder, [], []
    try:
        for path in visible_below(place):
            below = path.relative_to(place)
            linked = path.is_symlink()
            if LITTER & {part.lower() for part in below.parts} or (path.is_dir() and not linked):
                continue
            parsed = parse_name(path.name, pattern) if is_picture(path, place) else None
            if parsed:
                crops.append(Crop(path, *parsed, f"{folder}/{below.as_posix()}"))
            else:
                strangers.append(below.as_posix())
    except OSError as error:
        raise RgavizError(f"{place} cannot be read ({error.strerror}): check its permissions.") from error
    if not crops:
        raise RgavizError(_nothing(place, sorted(strangers), pattern))
    return sorted(crops, key=lambda crop: crop.name), sorted(strangers)


def _nothing(place: Path, strangers: Sequence[str], pattern: re.Pattern[str]) -> str:
    if not strangers:
        return f"{place} is empty; put the pictures there, or give another folder with --data-dir."
    return (
        f"{place}: none of its {len(strangers):,} files is a picture whose name begins as {clipped(pattern.pattern)} "
        f"with whole numbers, {clipped(strangers[0], 40)} for one; rename them, or see reid-folder and its --pattern."
    )


def left_out(folder: str, strangers: Sequence[str], pattern: str) -> str:
    """The note of files that fit no pattern."""
    are = "file is" if len(strangers) == 1 else "files are"
    return (
        f"{folder}: {len(strangers):,} {are} left out, {clipped(strangers[0], 60)} first: a picture's name begins as "
        f"{clipped(pattern)}, with whole numbers."
    )


def find_root(name: str, data_dir: Path | None, folders: Sequence[str], known_as: str, ask: str) -> Path:
    """The folder of a data set: the one given, or one in it.

    Args:
        name: of the data set.
        data_dir: what the user gave.
        folders: files and folders that it must have.
        known_as: how its own folder is usually called, the beginning in small letters; chosen where several would do.
        ask: what to do to get the data.

    Raises:
        RgavizError: none given, or the folders are not there.
    """
    places = places_of(name, data_dir, ask)
    found = [place for place in places if all((place / each).exists() for each in folders)]
    if found and found[0] == places[0]:
        return found[0]
    chosen = [place for place in found if place.name.lower().startswith(known_as)] or found
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        names = " and ".join(clipped(place.name, 40) for place in chosen[:2])
        raise RgavizError(f"{places[0]} has {names}: name one of them with --data-dir.")
    nearest = max(places, key=lambda place: sum((place / each).exists() for each in folders))
    missing = [each for each in folders if not (nearest / each).exists()]
    raise RgavizError(
        f"{nearest} has no {', no '.join(missing)}: give the folder of {name} with {', '.join(folders)} by --data-dir."
    )


def places_of(name: str, data_dir: Path | None, ask: str) -> list[Path]:
    """The folder given and those in it, any of which may be the data set's.

    Raises:
        RgavizError: none given, no such folder, or one that cannot be read.
    """
    if data_dir is None:
        raise RgavizError(f"{name} needs --data-dir DIR and is not downloaded: {ask}.")
    if not data_dir.is_dir():
        raise RgavizError(f"{data_dir} is not a folder. Give the one of {name} with --data-dir.")
    try:
        return [data_dir, *sorted(each for each in data_dir.iterdir() if _may_be(each))]
    except OSError as error:
        raise RgavizError(
            f"{data_dir} cannot be read ({one_line(error.strerror)}): check its permissions."
        ) from error


def _may_be(place: Path) -> bool:
    return place.is_dir() and not place.name.startswith(".") and place.name.lower() not in LITTER

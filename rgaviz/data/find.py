"""The pictures that the user's words stand for: files, folders and patterns."""

from __future__ import annotations

import fnmatch
import glob
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rgaviz.data.channels import ARRAY
from rgaviz.data.deep import DICOM
from rgaviz.data.pictures import PICTURE_SUFFIXES
from rgaviz.errors import PictureError, printable
from rgaviz.progress import Say, hush

DEEPEST = 100  # folders below the one given: much deeper, names are too long for the system
LONGEST = 100  # bytes of a name of ours: a file's name may join two of them, and has 255 at most
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, bytes that are no text, ends of lines
TURNING = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # what turns text around


@dataclass(frozen=True)
class PicturePath:
    """A picture the user named, directly or through a folder or a pattern.

    Attributes:
        path: the file, as it can be opened.
        relative: its name below the folder given, usable everywhere; no two of one call agree without their suffix,
            so it also names the outputs of this picture.
        label: the name of the folder it lies in, a class in the usual layout; the caller knows the classes.
    """

    path: Path
    relative: PurePosixPath
    label: str | None


def find_pictures(arguments: Sequence[str | Path], say: Say = hush) -> list[PicturePath]:
    """The pictures that files, folders and glob patterns stand for, in the order given.

    A folder is searched recursively, in sorted order, for visible files with a picture's suffix; so is what a
    pattern matches. A literal name wins over a pattern, whatever its suffix. A file given twice is kept once.
    Links to folders are not followed, for they may lead in circles.

    Args:
        arguments: what the user wrote.
        say: is told what cannot be read and is left out: links that lead nowhere or to folders, pipes and the like.

    Raises:
        PictureError: an argument stands for nothing, or two pictures would write the same output.
    """
    found: dict[Path, tuple[Path, int]] = {}  # absolute path -> (path as given, parts of it that are kept)
    for argument in arguments:
        for path, root in _expand(str(argument), say):
            absolute = _absolute(path)
            depth = len(absolute.relative_to(_absolute(root)).parts)
            found.setdefault(absolute, (path, depth))
    depths = _distinct({absolute: depth for absolute, (_, depth) in found.items()})
    names = _usable_names(_tail(absolute, depths[absolute]) for absolute in found)
    return [
        PicturePath(path, name, absolute.parent.name or None)
        for (absolute, (path, _)), name in zip(found.items(), names, strict=True)
    ]


def _expand(argument: str, say: Say) -> list[tuple[Path, Path]]:
    """Each picture an argument stands for, with the folder below which its relative name starts."""
    path = Path(argument)
    try:
        if argument and path.is_dir():
            root, candidates = path, list(visible_below(path))
        elif argument and path.exists():
            return [(path, path.parent)]
        else:
            root, candidates = _fixed_part(path), _matching(path) if argument else []
        arrays = argument.endswith((ARRAY, *DICOM))  # in folders they are seldom pictures
        pictures = sorted(each for each in candidates if is_picture(each, root, arrays=arrays))
        lost = sorted(candidate for candidate in candidates if _is_lost(candidate))
    except (OSError, ValueError) as error:  # the latter where a zero byte is in the name
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{argument!r} cannot be searched ({reason}): check the name.") from error
    if lost:
        say(
            f"Note: {len(lost)} left out that are no files, or links to folders: {printable(lost[0])}"
            f"{', ...' if len(lost) > 1 else ''}"
        )
    if pictures:
        return [(picture, root) for picture in pictures]
    if argument and path.is_dir():
        known = ", ".join(sorted(PICTURE_SUFFIXES))
        raise PictureError(f"The folder {argument!r} holds no pictures ({known}): name another one.")
    if glob.has_magic(argument):
        raise PictureError(
            f"The pattern {argument!r} matches no pictures: check it, or name a file or folder."
        )
    raise PictureError(f"{argument!r} does not exist: name a picture, a folder of pictures, or a pattern.")


def visible_below(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is not hidden, links to folders as they are.

    Raises:
        PictureError: it goes deeper than names can be long.
        OSError: a folder cannot be read.
    """
    left = [(folder, 0)]
    while left:
        parent, depth = left.pop()
        if depth > DEEPEST:
            raise PictureError(
                f"{str(folder)!r} has folders more than {DEEPEST} deep: name the one that has the pictures."
            )
        for entry in _entries(parent):
            yield parent / entry.name
            if entry.is_dir(follow_symlinks=False):
                left.append((parent / entry.name, depth + 1))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def _matching(pattern: Path) -> list[Path]:
    """What a pattern matches: its parts one by one, where ``**`` is any number of folders."""
    found = [Path(pattern.anchor)]
    for part in pattern.parts[bool(pattern.anchor) :]:
        if part == "**":
            folders = [each for each in found if each.is_dir()]
            below = (each for folder in folders for each in visible_below(folder))
            found = [*folders, *(each for each in below if not (each.is_symlink() and each.is_dir()))]
        elif glob.has_magic(part):
            found = [each for folder in found if folder.is_dir() for each in _named(folder, part)]
        else:
            found = [each / part for each in found if os.path.lexists(each / part)]
        found = _each_folder_once(found)
    return found


def _each_folder_once(paths: Iterable[Path]) -> list[Path]:
    """Without the further ways to a folder: links that lead in circles would make ever more."""
    met: dict[str, Path] = {}
    for path in sorted(paths):
        met.setdefault(os.path.realpath(path) if path.is_dir() else str(path), path)
    return list(met.values())


def _named(folder: Path, pattern: str) -> Iterator[Path]:
    """What has such a name in the folder; hidden things only where the pattern says so."""
    names = os.listdir(folder)  # noqa: PTH208 (names, of which few may match)
    for name in fnmatch.filter(names, pattern):
        if pattern.startswith(".") or not name.startswith("."):
            yield folder / name


def _is_lost(path: Path) -> bool:
    """Whether one would expect a picture here that cannot be read: no file, or behind a link to a folder."""
    if path.is_symlink() and path.is_dir():
        return True
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.is_file() and not path.is_dir()


def is_picture(path: Path, root: Path, *, arrays: bool = False) -> bool:
    """Whether ``path`` has a picture's suffix, or one of arrays, and no part of it below ``root`` is hidden."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    known = path.suffix.lower() in PICTURE_SUFFIXES or (arrays and path.suffix in (ARRAY, *DICOM))
    return not hidden and known and path.is_file()


def _fixed_part(pattern: Path) -> Path:
    """The folder a glob pattern starts from: what comes before its first wildcard."""
    return next((parent for parent in pattern.parents if not glob.has_magic(str(parent))), Path())


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (links keep their own names, so no resolve())


def _tail(path: Path, depth: int) -> PurePosixPath:
    """The last ``depth`` parts of an absolute path."""
    return PurePosixPath(*path.relative_to(path.anchor).parts[-depth:])


def _stem(path: Path, depth: int) -> PurePosixPath:
    return _tail(path, depth).with_suffix("")


def _distinct(depths: dict[Path, int]) -> dict[Path, int]:
    """Lengthens relative names by parent folders until all differ without their suffix.

    Args:
        depths: for each absolute path, how many of its last parts make its relative name.
    """
    depths = dict(depths)
    while True:
        groups: dict[PurePosixPath, list[Path]] = defaultdict(list)
        for path, depth in depths.items():
            groups[_stem(path, depth)].append(path)
        colliding = [group for group in groups.values() if len(group) > 1]
        if not colliding:
            return depths
        for first, *others in colliding:
            for other in others:
                if _stem(first, len(first.parts)) == _stem(other, len(other.parts)):  # nothing left to add
                    raise PictureError(
                        f"{str(first)!r} and {str(other)!r} would write the same output: rename one, "
                        "or run them separately."
                    )
        for path in (path for group in colliding for path in group):
            depths[path] += 1


def usable(text: str) -> str:
    """The nearest name that any system can store and any terminal show; two names may become one.

    Slashes, control characters, those that turn text around, bytes that are no text and names of nothing but dots
    become ``_``; ends are cut.
    """
    signs = (
        "_" if sign in "/\\" or sign in TURNING or unicodedata.category(sign) in UNPRINTABLE else sign
        for sign in text
    )
    name = "".join(signs).encode()[:LONGEST].decode(errors="ignore")
    return name if name.strip(".") else "_"


def _usable_names(tails: Iterable[PurePosixPath]) -> Iterator[PurePosixPath]:
    """The names as names of ours; an apostrophe keeps apart what differs no more, or in upper and lower case only."""
    taken: set[str] = set()
    for tail in tails:
        folder, stem = PurePosixPath(*map(usable, tail.parts[:-1])), usable(tail.stem)
        while str(folder / stem).casefold() in taken:
            stem += "'"
        taken.add(str(folder / stem).casefold())
        yield folder / (stem + (usable(tail.suffix) if tail.suffix else ""))

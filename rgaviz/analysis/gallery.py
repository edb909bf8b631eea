"""The pictures that networks look for people in, and those of whom they look for: from files or from a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rgaviz.analysis.images import opened
from rgaviz.analysis.subject import Subject
from rgaviz.data.find import PicturePath, find_pictures, usable, visible_below
from rgaviz.data.pictures import PICTURE_SUFFIXES, read_picture, shown_picture
from rgaviz.data.sets import DATASETS, NAMED_BY_PATTERN
from rgaviz.data.sets.crops import LITTER, names_of_files, parse_name
from rgaviz.data.splits import Dataset, DiskSplit, ImageSplit, as_images, read_split
from rgaviz.errors import PictureError, RgavizError, clipped, lookup, quoted
from rgaviz.progress import Say, Track
from rgaviz.regular import real
from rgaviz.tasks.identities import DISTRACTOR

NOWHERE = -1  # the camera of a picture whose name tells none
Size = tuple[int, int]


@dataclass(frozen=True)
class People:
    """Pictures of people, and who they show.

    Attributes:
        splits: image size of networks -> the pictures at that size, one after the other.
        identities: of each picture; None where nothing says who it is.
        cameras: of each picture, likewise.
        names: of the pictures.
        paths: their files, where they are no data set's.
    """

    splits: dict[Size, ImageSplit]
    identities: list[int | None]
    cameras: list[int | None]
    names: list[str]
    paths: Sequence[Path] = ()

    def __len__(self) -> int:
        return len(self.names)

    def pixels(self, index: int, size: Size) -> np.ndarray:
        """A picture at the size of a network, (H, W, 3) uint8 RGB.

        Raises:
            PictureError: it has become unreadable.
        """
        split = self.splits[size]
        found = split[index] if isinstance(split, DiskSplit) else split.images[index]
        if isinstance(found, PictureError):
            raise found
        return found.cpu().numpy()

    def shown(self, index: int) -> np.ndarray:
        """A picture as figures show it: a file as it is, one of a data set at the size of the first network."""
        if self.paths:
            return shown_picture(read_picture(self.paths[index]))
        return shown_picture(self.pixels(index, next(iter(self.splits))))

    def shown_name(self, index: int) -> str:
        """The name of a picture as a path that every system can store."""
        return "/".join(usable(part) for part in self.names[index].split("/"))


def sizes_of(subjects: Sequence[Subject]) -> list[Size]:
    """The image sizes of the networks, each once, in their order."""
    return list(dict.fromkeys(subject.checkpoint.image_size for subject in subjects))


def people_of_files(
    found: Sequence[PicturePath],
    sizes: Sequence[Size],
    pattern: str | None,
    failures: list[str],
    track: Track,
    title: str,
) -> People:
    """People by the names of the files; a line in ``failures`` for each that cannot be read.

    Args:
        found: the pictures.
        sizes: (H, W) of the networks.
        pattern: of names, a regular expression with groups ``id`` and ``camera``; by default Market-1501's.
        failures: is added to.
        track: wraps the loop, for a progress bar.
        title: of the progress bar.

    Raises:
        RgavizError: a pattern that is none, or not one picture that can be read.
    """
    names = names_of_files(pattern)
    people = [parse_name(each.path.name, names) or (None, None) for each in found]
    labels = torch.tensor([DISTRACTOR if who is None else who for who, _ in people])
    places = torch.tensor([NOWHERE if camera is None else camera for _, camera in people])
    paths, called = [each.path for each in found], [each.relative.as_posix() for each in found]
    reading = {"cameras": places, "names": called, "leave_damaged": True, "track": titled(track, title)}
    splits = {size: read_split(paths, labels, size, **reading) for size in sizes}
    damaged = splits[sizes[0]].damaged
    failures += damaged.values()
    kept = [place for place in range(len(found)) if place not in damaged]
    identities, cameras = [people[place][0] for place in kept], [people[place][1] for place in kept]
    return People(
        splits, identities, cameras, [called[place] for place in kept], [paths[place] for place in kept]
    )


def titled(track: Track, title: str) -> Track:
    """The same bar with a title of its own."""
    return lambda items, *, total, description: track(items, total=total, description=title)


def people_of_part(datasets: dict[Size, Dataset], part: str, failures: list[str]) -> People:
    """The people of a part of a data set that has been opened at each size.

    Args:
        datasets: the same at each size.
        part: of it.
        failures: a line is added for each picture that cannot be read.

    Raises:
        RgavizError: it cannot be read.
    """
    splits = {size: as_images(images.part(part)) for size, images in datasets.items()}
    first = next(iter(splits.values()))
    failures += first.damaged.values()
    cameras: list[int | None] = [None] * len(first)
    if first.cameras is not None:
        cameras = first.cameras.tolist()
    names = list(first.names) or [f"{part}/{number}" for number in range(len(first))]
    return People(splits, first.labels.tolist(), cameras, names)


def opened_gallery(
    subjects: Sequence[Subject],
    gallery: str | None,
    data_dir: Path | None,
    pattern: str | None,
    track: Track,
) -> dict[Size, Dataset] | Path:
    """The data set of the gallery at each size, or its folder.

    Args:
        subjects: the networks, of re-identification.
        gallery: a key of ``DATASETS`` or a folder; by default what the networks were trained on.
        data_dir: where the pictures of the data set are.
        pattern: of names, for a data set that takes one.
        track: wraps long loops, for a progress bar.

    Raises:
        RgavizError: neither of them, a data set of another task, or no data.
    """
    name = _trained_on(subjects) if gallery is None else gallery
    if name not in DATASETS:
        if Path(name).is_dir():
            return Path(name)
        if gallery is not None and ("/" in name or Path(name).exists()):
            raise RgavizError(
                f"--gallery {quoted(name)} is no folder: name a folder of crops, or a data set."
            )
        lookup(DATASETS, name, "data set")
    checkpoint = subjects[0].checkpoint
    datasets = {
        size: opened(checkpoint, name, size, data_dir=data_dir, pattern=pattern, track=track)
        for size in sizes_of(subjects)
    }
    task = next(iter(datasets.values())).task
    if task != checkpoint.task.name:
        raise RgavizError(
            f"--gallery {name} is a data set for {task}, not for {checkpoint.task.name}: name one of people, such as "
            "market1501, or a folder of crops."
        )
    return datasets


def takes_pattern(gallery: str | None, subjects: Sequence[Subject]) -> bool:
    """Whether the gallery is a data set whose names a pattern tells."""
    return (gallery or subjects[0].checkpoint.dataset) in NAMED_BY_PATTERN


def _trained_on(subjects: Sequence[Subject]) -> str:
    names = {subject.checkpoint.dataset for subject in subjects}
    if len(names) > 1 or None in names:
        what = " and ".join(clipped(name or "what they do not say", 40) for name in sorted(names, key=str))
        raise RgavizError(
            f"These networks were trained on {what}: name the one to look through with --gallery."
        )
    return str(names.pop())


def files_of_gallery(folder: Path, say: Say) -> list[PicturePath]:
    """The pictures of a folder of crops; what else is there is told.

    Raises:
        PictureError: there are none.
    """
    found = find_pictures([folder], say)
    others = [
        path.name
        for path in visible_below(folder)
        if path.is_file() and path.suffix.lower() not in PICTURE_SUFFIXES and path.name.lower() not in LITTER
    ]
    if others:
        say(
            f"Note: {clipped(folder)}: {len(others):,} files are no pictures and are left out, "
            f"{clipped(min(others), 60)} first."
        )
    return found


def places_in(queries: People, gallery: People, data_dir: Path | None) -> list[int]:
    """Where in the gallery the very picture of each query is, -1 where it is not there."""
    if not queries.paths:
        return [-1] * len(queries)
    if gallery.paths:
        where = {real(path): place for place, path in enumerate(gallery.paths)}
        return [where.get(real(path), -1) for path in queries.paths]
    if data_dir is None:
        return [-1] * len(queries)
    root = real(data_dir)
    named = {tuple(name.split("/")): place for place, name in enumerate(gallery.names)}
    places = []
    for path in map(real, queries.paths):
        inside = path.relative_to(root).parts if path.is_relative_to(root) else ()
        tails = (inside[start:] for start in range(len(inside)))
        places.append(next((named[tail] for tail in tails if tail in named), -1))
    return places

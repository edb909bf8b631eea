"""Pictures of a data set, or the user's own, of which a question asks a number drawn at random."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch

from rgaviz.analysis.images import opened
from rgaviz.analysis.inputs import pictures_to_explain
from rgaviz.analysis.loading import BATCH, Loaded, read_all
from rgaviz.analysis.subject import Subject
from rgaviz.data.find import PicturePath
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.sets import DATASETS
from rgaviz.data.sets.crops import names_of_files, parse_name
from rgaviz.data.splits import Split
from rgaviz.errors import RgavizError, clipped, unknown_name
from rgaviz.progress import Say, Track

SEED = 0  # of the pictures drawn


@dataclass(frozen=True)
class Sample:
    """Pictures that can be read, batch by batch.

    Attributes:
        names: what each is called.
        shows: what each shows, such as a class, None where that is not known.
        people: who each shows, where that is known of all; one below 1 is nobody's, and no two pictures'.
        source: where they come from, in words.
        read: places, networks, failures, and whether files are read at their full size, however large -> the pictures
            that can be read; a line in the failures for each other one.
        files: that are read, where there are any.
    """

    names: Sequence[str]
    shows: Sequence[str | None]
    people: Sequence[int]
    source: str
    read: Callable[[Sequence[int], Sequence[Subject], list[str], bool], Iterator[Loaded]]
    files: Sequence[Path] = ()

    def drawn(self, count: int, say: Say) -> list[int]:
        """The places of so many pictures, drawn with a fixed seed, ascending; of all where there are no more."""
        every = len(self.names)
        if not every:
            raise RgavizError("There are no pictures to measure on; name some, or a larger data set.")
        if count >= every:
            return list(range(every))
        say(f"Note: {count} of {every} pictures, drawn at random with seed {SEED}.")
        return sorted(np.random.default_rng(SEED).choice(every, count, replace=False).tolist())

    def who(self, places: Sequence[int]) -> np.ndarray | None:
        """Who the pictures at these places show, (n,), where that is known; one of nobody is of one of its own."""
        if not self.people:
            return None
        return np.array([who if (who := self.people[place]) > 0 else -place for place in places])


def sample(
    words: Sequence[str], data_dir: Path | None, first: Subject, folder: Path, track: Track, say: Say
) -> Sample:
    """The pictures that the words stand for: a data set's, by default what the first network was trained on, or files.

    Args:
        words: as typed.
        data_dir: where the data set lies.
        first: the first network; a data set is opened as a training of it would.
        folder: of the results, whose pictures are not meant.
        track: wraps long loops, for a progress bar.
        say: is told what is left out.

    Raises:
        RgavizError: no such data set or pictures, data of another task, or both.
    """
    name = words[0] if words else first.checkpoint.dataset
    if name is None:
        raise RgavizError(
            f"{first.checkpoint.path} does not say what it was trained on; name a data set, or pictures."
        )
    if name in DATASETS and len(words) < 2:
        return _of_dataset(name, data_dir, first, track, say)
    if data_dir is not None:
        raise RgavizError(f"--data-dir {data_dir} is for a data set; name that alone, such as cifar10.")
    known = next((word for word in words if word in DATASETS and not Path(word).exists()), None)
    if known is not None:
        raise RgavizError(f"{known} is a data set: name that alone, or pictures alone.")
    if not words or not (Path(name).exists() or glob.has_magic(name) or Path(name).suffix):
        raise unknown_name(name, DATASETS, "data set")
    return _of_files(pictures_to_explain(words, folder, say), str(words[0]) if len(words) == 1 else "files")


def _of_files(pictures: Sequence[PicturePath], source: str) -> Sample:
    def read(
        places: Sequence[int], subjects: Sequence[Subject], failures: list[str], full: bool
    ) -> Iterator[Loaded]:
        numbered = ((place, pictures[place]) for place in places)
        yield from read_all(numbered, subjects, failures, places if full else ())

    names = [picture.relative.as_posix() for picture in pictures]
    shows = [picture.label for picture in pictures]
    return Sample(names, shows, _people(names), source, read, [picture.path for picture in pictures])


def _people(names: Sequence[str]) -> list[int]:
    """Who pictures show by their names, where all of these are as Market-1501's."""
    pattern = names_of_files(None)
    told = [parse_name(PurePosixPath(name).name, pattern) for name in names]
    people = [who for who, _ in filter(None, told)]
    return people if len(people) == len(names) else []


def _of_dataset(name: str, data_dir: Path | None, first: Subject, track: Track, say: Say) -> Sample:
    checkpoint = first.checkpoint
    task = checkpoint.task
    images = opened(checkpoint, name, data_dir=data_dir, pattern=None, track=track)
    if images.task != task.name:
        raise RgavizError(
            f"{name} is a data set for {images.task}, but {clipped(checkpoint.path)} a network for {task.name}; name "
            "one of its task, or pictures."
        )
    parts = [images.part(part) for part in task.tested]
    for note in images.notes:
        say(f"Note: {note}")
    damaged = [line for split in parts for line in split.damaged.values()]
    if damaged:
        say(f"Note: {len(damaged)} pictures of {name} cannot be read, and are left out: {damaged[0]}")
    names = [str(each) for split in parts for each in (split.names or range(len(split)))]
    labels = [
        each for split in parts for each in ([] if isinstance(split, SceneSplit) else split.labels.tolist())
    ]
    shows: list[str | None] = [None] * len(names)
    if task.name == "classification":
        shows = [str(images.classes[label]) for label in labels]

    def read(
        places: Sequence[int], subjects: Sequence[Subject], failures: list[str], full: bool
    ) -> Iterator[Loaded]:
        for place, picture in _pictures(parts, places):
            inputs = {each.id: each.checkpoint.inputs([picture])[0] for each in subjects}
            entry = PicturePath(Path(names[place]), PurePosixPath(names[place]), shows[place])
            yield Loaded(place, entry, (picture.shape[0], picture.shape[1]), picture, inputs)

    source = f"{name}, {images.source}"
    return Sample(names, shows, labels if task.name == "reid" else [], source, read)


def _pictures(parts: Sequence[Split], places: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The pictures (h, w, 3) uint8 at these places, ascending, of parts one behind the other."""
    start = 0
    for split in parts:
        own = [place - start for place in places if start <= place < start + len(split)]
        if isinstance(split, SceneSplit):
            found = (scene.picture for scene in split.whole(own))
        else:
            batches = torch.tensor(own, dtype=torch.int64).split(BATCH) if own else ()
            found = (image.cpu().numpy() for batch in split.select(batches) for image in batch)
        yield from zip((start + place for place in own), found, strict=True)
        start += len(split)

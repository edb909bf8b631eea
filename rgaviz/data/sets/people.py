"""The embedded data set ``people``: generated pedestrians seen by six cameras, named and laid out as Market-1501.

People differ in clothes, build, hair and bags, but share a few colours; cameras differ in light, background, what
people pass behind, and from where they see them. So histograms of colours fail, and what is worn how does not. Of
every picture the parts of the person are known: head, torso and legs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import torch

from rgaviz.data.pictures import resize_picture
from rgaviz.data.sets.bodies import PARTS
from rgaviz.data.sets.cameras import CAMERAS, SIZE
from rgaviz.data.sets.generated import check, check_memory, stream
from rgaviz.data.sets.market import FOLDERS
from rgaviz.data.sets.shots import DISTRACTOR, Shot, resized_parts
from rgaviz.data.splits import Dataset, MemorySplit
from rgaviz.data.truth import Truth
from rgaviz.errors import RgavizError, quoted
from rgaviz.progress import Track, silent
from rgaviz.writing import atomic_write

NAME = re.compile(r"(?P<stem>(?P<id>\d{4,9})_c(?P<camera>[1-6])s\d_\d{6}_\d{2})(\.\w+)?", re.ASCII)
TRAIN_IDENTITIES, TEST_IDENTITIES = 100, 60
PART_NAMES = ("head", "torso", "legs")
FEWEST = 2  # identities; with one there is nothing to tell apart


# Who is seen where, and what the pictures are called.


def train_identities() -> Iterator[int]:
    """The numbers of those to learn from, of every eight five; there is no end of them."""
    return (number for number in count(1) if number % 8 in (0, 2, 3, 5, 6))


def test_identities() -> Iterator[int]:
    """The numbers of the others."""
    return (number for number in count(1) if number % 8 in (1, 4, 7))


def names_of(number: int, seed: int = 0) -> list[list[str]]:
    """What the pictures of a person are called, for each of the three to six cameras that saw them two or three.

    Args:
        number: from 1.
        seed: of the whole data set.
    """
    rng = stream("people", seed, "seen", number)
    cameras = rng.permutation(len(CAMERAS))[: rng.integers(3, len(CAMERAS) + 1)] + 1
    seen = []
    for camera in sorted(cameras):
        sequence, frame, shots = rng.integers((1, 0, 2), (7, 90_000, 4))
        track = f"{number:04d}_c{camera}s{sequence}"
        seen.append([f"{track}_{frame + 25 * index:06d}_{index:02d}.jpg" for index in range(shots)])
    return seen


def _distractor(number: int, seed: int) -> str:
    """What one of the pictures of nobody is called; there is one for each person to test on."""
    camera, sequence = stream("people", seed, "distractor", number).integers(1, 7, 2)
    return f"{DISTRACTOR:04d}_c{camera}s{sequence}_{25 * number:06d}_00.jpg"


def names(train_size: int | None = None, test_size: int | None = None, seed: int = 0) -> dict[str, list[str]]:
    """What the pictures of each part are called, sorted: ``train``, ``query`` and ``gallery``.

    Of each person to test on and each camera that saw them one picture is a query, and the others are in the
    gallery, with as many distractors as there are persons.

    Args:
        train_size: whole identities, at least two, until there are so many pictures; by default 100 identities.
        test_size: likewise, until so many are in query and gallery, distractors not counted; by default 60 identities.
        seed: of the whole data set.
    """
    learned = _chosen(train_identities(), TRAIN_IDENTITIES, train_size, seed)
    tested = _chosen(test_identities(), TEST_IDENTITIES, test_size, seed)
    return {
        "train": sorted(chain.from_iterable(chain.from_iterable(learned.values()))),
        "query": sorted(seen[0] for cameras in tested.values() for seen in cameras),
        "gallery": sorted(
            [name for cameras in tested.values() for seen in cameras for name in seen[1:]]
            + [_distractor(number, seed) for number in tested]
        ),
    }


def _chosen(numbers: Iterator[int], usual: int, size: int | None, seed: int) -> dict[int, list[list[str]]]:
    """The pictures of the first so many persons, or of as many as it takes for so many pictures."""
    chosen: dict[int, list[list[str]]] = {}
    total = 0
    for number in numbers:
        if len(chosen) >= FEWEST and (len(chosen) >= usual if size is None else total >= size):
            break
        chosen[number] = names_of(number, seed)
        total += sum(map(len, chosen[number]))
    return chosen


# Pictures.


def _shot(name: str, seed: int) -> Shot:
    stem = PurePosixPath(name).name
    found = NAME.fullmatch(stem)
    if not found:
        raise RgavizError(
            f"{quoted(name)} is no picture of people: name one as 0002_c1s1_000451_00.jpg, of a camera from 1 to 6."
        )
    return Shot(int(found["id"]), int(found["camera"]), found["stem"], seed)


def picture(name: str, image_size: tuple[int, int] = SIZE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A picture, and the parts of the person in it: the same for the same name at any time.

    Pictures are 128x64 pixels, as Market-1501's; at another size this is the same one, resized.

    Args:
        name: as ``0002_c1s1_000451_00.jpg``; any identity, camera from 1 to 6, sequence, frame and number will do.
            A folder before it and the ending mean nothing.
        image_size: (H, W) in pixels.
        seed: of the whole data set.

    Returns:
        (H, W, 3) uint8 RGB; and the mask as of :func:`parts_of`.

    Raises:
        RgavizError: not such a name, or the size is below 16 pixels.
    """
    check("people", 1, image_size)
    return _read(_shot(name, seed), image_size), parts_of(name, image_size, seed)


def _read(shot: Shot, image_size: tuple[int, int]) -> np.ndarray:
    """The picture as whoever reads the file would have it, (H, W, 3) uint8 RGB."""
    blue_first = np.asarray(cv2.imdecode(np.frombuffer(shot.file(), np.uint8), cv2.IMREAD_COLOR))
    return resize_picture(np.ascontiguousarray(blue_first[..., ::-1]), image_size)


def jpeg(name: str, seed: int = 0) -> bytes:
    """The file of a picture, of 128x64 pixels; arguments and errors as of :func:`picture`."""
    return _shot(name, seed).file()


def parts_of(name: str, image_size: tuple[int, int] = SIZE, seed: int = 0) -> np.ndarray:
    """The parts of the person in a picture; arguments and errors as of :func:`picture`.

    Returns:
        (H, W) uint8: 0 where the person is not seen; 1 head, with hair, cap and neck; 2 torso, with arms and what is
        carried; 3 legs, with skirt and shoes.
    """
    check("people", 1, image_size)
    parts = _shot(name, seed).parts()  # (128, 64)
    planes = (parts[..., None] == PARTS) * np.uint8(255)  # (128, 64, 3)
    return resized_parts(planes, image_size)


# The data set.


def load_people(
    *,
    image_size: tuple[int, int],
    train_size: int | None,
    test_size: int | None,
    track: Track = silent,
    **_: Any,
) -> Dataset:
    """Generated pedestrians for re-identification; needs nothing.

    By default of 100 identities to train on, and 60 others to test on, each seen by three to six of six cameras.

    Args:
        image_size: (H, W) in pixels.
        train_size: whole identities, at least two, until there are so many images to train on.
        test_size: likewise to test on, query and gallery together, distractors not counted.
        track: wraps the long loop, for a progress bar.

    Raises:
        RgavizError: the pictures are too small, or too many for the memory.
    """
    for size in (train_size or 0, test_size or 0):
        check("people", size, image_size)
        check_memory(size, image_size)
    listed = names(train_size, test_size)
    train = sorted({int(name.partition("_")[0]) for name in listed["train"]})
    labels = {"train": {number: label for label, number in enumerate(train)}}  # the others keep their numbers
    parts = {
        part: partial(
            _split, [f"{FOLDERS[part]}/{name}" for name in listed[part]], labels.get(part), image_size, track
        )
        for part in FOLDERS
    }
    mean, std = (0.48, 0.46, 0.43), (0.21, 0.20, 0.20)
    return Dataset("people", "reid", tuple(map(str, train)), parts, mean, std, source="generated")


def _split(
    named: list[str], labels: dict[int, int] | None, image_size: tuple[int, int], track: Track
) -> MemorySplit:
    images = torch.empty((len(named), *image_size, 3), dtype=torch.uint8)
    shots = [_shot(name, 0) for name in named]
    for index, shot in enumerate(track(shots, total=len(shots), description="drawing images")):
        images[index] = torch.from_numpy(_read(shot, image_size))  # (H, W, 3)
    numbers = torch.tensor([shot.number if labels is None else labels[shot.number] for shot in shots])
    cameras = torch.tensor([shot.camera for shot in shots])
    return MemorySplit(images, numbers, cameras, named)


def people_truth(*, test_size: int | None = None, **_: Any) -> Truth:
    """The pictures to test on with the parts of the person in them, at their own size; each is drawn when asked for.

    Args:
        test_size: as :func:`load_people` takes it.
    """
    check("people", test_size or 0, SIZE)
    listed = names(test_size=test_size)
    named = [f"{FOLDERS[part]}/{name}" for part in ("query", "gallery") for name in listed[part]]
    shows = [None] * len(named)
    people = [_shot(PurePosixPath(name).name, 0).number for name in named]

    def read(place: int) -> tuple[np.ndarray, np.ndarray]:
        return picture(named[place])

    return Truth(named, PART_NAMES, "person", read, shows, "generated", people=people)


def write_people(
    folder: Path,
    *,
    train_size: int | None = None,
    test_size: int | None = None,
    seed: int = 0,
    track: Track = silent,
) -> None:
    """Write the data set as files, laid out as Market-1501.

    The folder gets ``bounding_box_train``, ``query`` and ``bounding_box_test`` with JPEG files, and ``masks`` with a
    PNG of the same name for each, whose values are those of :func:`parts_of`.

    Args:
        folder: a new one, or an empty one.
        train_size: as :func:`names` takes it.
        test_size: likewise.
        seed: of the whole data set.
        track: wraps the loop over the pictures, for a progress bar.

    Raises:
        RgavizError: there is something in the folder, or a size is negative.
        OutputError: the system refuses.
    """
    for size in (train_size or 0, test_size or 0):
        check("people", size, SIZE)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RgavizError(f"{folder} exists and is not an empty folder: name a new one.")
    listed = names(train_size, test_size, seed)
    files = [(part, name) for part in FOLDERS for name in listed[part]]
    for part, name in track(files, total=len(files), description="writing images"):
        shot = _shot(name, seed)
        atomic_write(folder / FOLDERS[part] / name, shot.file())
        mask = cv2.imencode(".png", shot.parts())[1].tobytes()
        atomic_write(folder / "masks" / f"{shot.name}.png", mask)

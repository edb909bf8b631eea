"""The embedded data set ``streets``: generated street scenes with a class for every pixel, laid out as Cityscapes.

Cities differ in the colours and heights of their houses, their trees, gardens and fences; streets in lanes, sidewalks
and what stands and moves there; pictures in camera, weather, light and noise. Roads, sidewalks, houses, cars and sky
share their greys, so that colours alone do not tell what a pixel shows.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from rgaviz.data.augment import OF_SCENES
from rgaviz.data.scenes import Scene, SceneSplit, read_scenes
from rgaviz.data.sets.cityscapes import CLASSES as OF_CITYSCAPES
from rgaviz.data.sets.cityscapes import LABELS, PICTURES
from rgaviz.data.sets.generated import check
from rgaviz.data.sets.pairs import TEST, TRAIN, VAL
from rgaviz.data.sets.town.ids import LABELLED
from rgaviz.data.sets.town.scene import drawn
from rgaviz.data.splits import Dataset
from rgaviz.data.truth import Truth
from rgaviz.data.windows import IGNORED
from rgaviz.errors import RgavizError, quoted
from rgaviz.progress import Track, silent
from rgaviz.writing import atomic_write

NAME = re.compile(r"(?P<stem>(?P<city>[a-z]{1,40})_\d{6}_\d{6})(_leftImg8bit)?(\.\w+)?", re.ASCII)
CITIES = {
    TRAIN: ("alder", "ash", "beech", "birch", "elm", "hazel", "linden", "maple", "oak", "willow"),
    VAL: ("aspen", "larch", "rowan"),
    TEST: ("cedar", "juniper", "yew"),
}
SIZES = {TRAIN: 500, VAL: 100, TEST: 100}
FRAME = 19  # of each sequence, as of Cityscapes' labelled pictures
SIZE = (128, 256)  # (h, w) of a picture
SMALLEST, LARGEST = 32, 8192  # pixels of its sides
MOST = 1_000_000  # pictures of a part
LARGER = 1.5  # how much higher a picture is than the windows that are cut out of it to train on

CLASSES = tuple(
    row for row in OF_CITYSCAPES if row[1] in LABELLED
)  # name, id and colour, in Cityscapes' order
IDS = tuple(number for _, number, _ in CLASSES)
INDICES = np.full(256, IGNORED, np.uint8)  # the class of each id
INDICES[list(IDS)] = np.arange(len(IDS))
MEAN, STD = (0.39, 0.37, 0.36), (0.17, 0.17, 0.18)
FILL = (99, 94, 92)  # MEAN, of 255


def names(train_size: int | None = None, test_size: int | None = None) -> dict[str, list[str]]:
    """What the pictures of each part are called: ``train``, ``val`` and ``test``, of other cities each.

    A longer list begins with the shorter one.

    Args:
        train_size: number of pictures, by default 500.
        test_size: of ``val`` and of ``test`` each, by default 100.
    """
    sizes = {part: train_size if part == TRAIN else test_size for part in SIZES}
    listed: dict[str, list[str]] = {}
    for part, size in sizes.items():
        cities = CITIES[part]
        places = (divmod(index, len(cities)) for index in range(SIZES[part] if size is None else size))
        listed[part] = [
            f"{part}/{cities[which]}/{cities[which]}_{number:06d}_{FRAME:06d}" for number, which in places
        ]
    return listed


def scene(name: str, size: tuple[int, int] = SIZE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A picture and its labels: the same for the same name at any time; at any size it shows the same street.

    Versions of OpenCV differ in a few pixels of the edges.

    Args:
        name: as ``train/alder/alder_000000_000019``; any city, sequence and frame will do. Folders before it, and what
            Cityscapes' files have behind it, mean nothing.
        size: (h, w) in pixels, from 32x32 on. The width may be any, the usual one is twice the height.
        seed: of the whole data set.

    Returns:
        (h, w, 3) uint8 RGB; and (h, w) uint8, the ids of Cityscapes: those of ``CLASSES``, and 1, 4 and 5 for the own
        car's bonnet and things of no class, which are ignored.

    Raises:
        RgavizError: not such a name, or such a picture cannot be drawn.
    """
    found = NAME.fullmatch(PurePosixPath(name).name)
    if not found:
        raise RgavizError(f"{quoted(name)} is no picture of streets: name one as alder_000000_000019.")
    if not (min(size) >= SMALLEST and max(size) <= LARGEST):
        raise RgavizError(
            f"streets draws pictures from {SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST} pixels, not {size[0]}x{size[1]}."
        )
    return drawn(found["city"], found["stem"], size, seed)


def picture_size(image_size: tuple[int, int]) -> tuple[int, int]:
    """How large the pictures are (h, w) for windows (H, W): 1.5 times as high, and twice as wide as high, or wider."""
    height = max(SMALLEST, round(LARGER * image_size[0]))
    return height, max(2 * height, round(LARGER * image_size[1]))


def _labelled(name: str, size: tuple[int, int]) -> Scene:
    picture, ids = scene(name, size)
    return Scene(name, picture, cv2.LUT(ids, INDICES))


def load_streets(
    *,
    image_size: tuple[int, int],
    train_size: int | None,
    test_size: int | None,
    workers: int = 2,
    memory: float | None = None,
    track: Track = silent,
    **_: Any,
) -> Dataset:
    """Generated street scenes with a class for every pixel; needs nothing.

    By default 500 to train on, and 100 each to validate and to test on, of other cities. ``image_size`` is that of the
    windows that networks are trained on; pictures are 1.5 times as high, and twice as wide as high, or wider where the
    windows are: 144x288 for windows of 96x192. What does not fit into memory is drawn each time it is due.

    Args:
        image_size: (H, W) in pixels, of the windows.
        train_size: number of pictures to train on.
        test_size: of ``val`` and of ``test`` each.
        workers: threads that draw ahead.
        memory: bytes that the pictures of a part may take.
        track: wraps the long loop, for a progress bar.

    Raises:
        RgavizError: such pictures cannot be drawn, or not so many.
    """
    size = picture_size(image_size)
    for count in (train_size or 0, test_size or 0):
        _check(count, image_size, size)
    listed = names(train_size, test_size)

    def split(part: str) -> SceneSplit:
        draw = partial(_labelled, size=size)
        kept = {"fill": FILL, "workers": workers, "memory": memory, "track": track}
        return read_scenes(listed[part], draw, image_size, listed[part], **kept)

    return Dataset(
        "streets",
        "segmentation",
        tuple(name for name, _, _ in CLASSES),
        {part: partial(split, part) for part in SIZES},
        MEAN,
        STD,
        source="generated",
        augmentations=OF_SCENES,
        colours=tuple(colour for _, _, colour in CLASSES),
        ids=IDS,
    )


def _check(count: int, image_size: tuple[int, int], size: tuple[int, int]) -> None:
    check("streets", count, image_size)
    if count > MOST or max(size) > LARGEST:
        raise RgavizError(
            f"streets makes up to {MOST:,} pictures of up to {LARGEST}x{LARGEST} pixels, not {count:,} of "
            f"{size[0]}x{size[1]} for windows of {image_size[0]}x{image_size[1]}; ask for fewer or smaller ones."
        )


def streets_truth(*, image_size: tuple[int, int], test_size: int | None = None) -> Truth:
    """The pictures to test on with the classes as their parts; each is drawn when asked for.

    Arguments and errors as of :func:`load_streets`.
    """
    size = picture_size(image_size)
    _check(test_size or 0, image_size, size)
    named = names(test_size=test_size)[TEST]

    def read(place: int) -> tuple[np.ndarray, np.ndarray]:
        picture, ids = scene(named[place], size)
        return picture, cv2.LUT(ids, INDICES) + np.uint8(1)  # 0 is what is ignored

    classes = tuple(name for name, _, _ in CLASSES)
    return Truth(named, classes, "labelled", read, [None] * len(named), "generated")


def write_streets(
    folder: Path,
    *,
    size: tuple[int, int] = SIZE,
    train_size: int | None = None,
    test_size: int | None = None,
    seed: int = 0,
    track: Track = silent,
) -> None:
    """Write the data set as files, laid out as Cityscapes: ``leftImg8bit`` and, with the ids, ``gtFine``.

    Args:
        folder: a new one, or an empty one.
        size: (h, w) of the pictures.
        train_size: as :func:`names` takes it.
        test_size: likewise.
        seed: of the whole data set.
        track: wraps the loop over the pictures, for a progress bar.

    Raises:
        RgavizError: there is something in the folder, or such pictures cannot be drawn.
        OutputError: the system refuses.
    """
    for count in (train_size or 0, test_size or 0):
        _check(count, size, size)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RgavizError(f"{folder} exists and is not an empty folder: name a new one.")
    listed = [name for part in names(train_size, test_size).values() for name in part]
    for name in track(listed, total=len(listed), description="writing images"):
        picture, ids = scene(name, size, seed)
        for kind, ending, pixels in (
            (PICTURES, PICTURES, np.ascontiguousarray(picture[..., ::-1])),  # OpenCV has blue first
            (LABELS, f"{LABELS}_labelIds", ids),
        ):
            file = cv2.imencode(".png", pixels)[1].tobytes()
            atomic_write(folder / kind / f"{name}_{ending}.png", file)

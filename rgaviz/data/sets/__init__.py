"""Data sets by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rgaviz.data.sets.camvid import load_camvid
from rgaviz.data.sets.cifar import load_cifar10, load_cifar100
from rgaviz.data.sets.cityscapes import load_cityscapes
from rgaviz.data.sets.cuhk03 import load_cuhk03_detected, load_cuhk03_labeled
from rgaviz.data.sets.folder import load_folder
from rgaviz.data.sets.market import load_dukemtmc, load_market1501
from rgaviz.data.sets.msmt17 import load_msmt17
from rgaviz.data.sets.people import load_people, people_truth
from rgaviz.data.sets.reid_folder import load_reid_folder
from rgaviz.data.sets.scene_truth import camvid_truth, cityscapes_truth, scenes_truth
from rgaviz.data.sets.scenes import load_scenes
from rgaviz.data.sets.shapes import load_shapes, shapes_truth
from rgaviz.data.sets.streets import load_streets, streets_truth
from rgaviz.data.splits import Dataset
from rgaviz.data.truth import Truth
from rgaviz.errors import RgavizError, lookup
from rgaviz.progress import Track, silent

DATASETS: dict[str, Callable[..., Dataset]] = {
    "camvid": load_camvid,
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
    "cityscapes": load_cityscapes,
    "cuhk03-detected": load_cuhk03_detected,
    "cuhk03-labeled": load_cuhk03_labeled,
    "dukemtmc": load_dukemtmc,
    "folder": load_folder,
    "market1501": load_market1501,
    "msmt17": load_msmt17,
    "people": load_people,
    "reid-folder": load_reid_folder,
    "scenes": load_scenes,
    "shapes": load_shapes,
    "streets": load_streets,
}
TRUTHS: dict[str, Callable[..., Truth]] = {
    "camvid": camvid_truth,
    "cityscapes": cityscapes_truth,
    "people": people_truth,
    "scenes": scenes_truth,
    "shapes": shapes_truth,
    "streets": streets_truth,
}
DOWNLOADED = ("cifar10", "cifar100")  # those that are, without a folder
GENERATED = ("people", "shapes", "streets")  # those that have no folder of images
NAMED_BY_USER = ("scenes",)  # those whose classes the user may name
NAMED_BY_PATTERN = ("reid-folder",)  # those that take a pattern of names


def load_dataset(
    name: str,
    *,
    data_dir: Path | None = None,
    image_size: tuple[int, int] = (32, 32),
    train_size: int | None = None,
    test_size: int | None = None,
    held_out: float = 0.2,
    pattern: str | None = None,
    classes: Sequence[str] | None = None,
    workers: int = 2,
    memory: float | None = None,
    leave_damaged: bool = False,
    track: Track = silent,
) -> Dataset:
    """Open a data set; its parts are read or generated when they are first asked for.

    What is cheap to find out is refused here, and what has to be downloaded is.

    Args:
        name: a key of ``DATASETS``.
        data_dir: where the images are, for those that are not generated.
        image_size: (H, W) in pixels.
        train_size: number of training images, or None for all (``people``, ``shapes``, ``streets``: their default); for
            re-identification of whole people, so many that there are at least as many images.
        test_size: number of test images, likewise.
        held_out: fraction held out for testing, where there is no test folder.
        pattern: for ``reid-folder``, a regular expression with groups ``id`` and ``camera`` for the names of files.
        classes: for ``scenes``, the names of the numbers in its labels, from 0 on; by default ``classes.txt`` has them.
        workers: processes that read ahead the pictures that do not fit into memory.
        memory: bytes that the decoded pictures of a part may take; by default half of what is available.
        leave_damaged: whether pictures in files that cannot be read are left out, for measuring; each part says which.
        track: wraps long loops, for a progress bar.

    Raises:
        UnknownNameError: no such data set.
        RgavizError: no images there, a folder for a data set that is generated, or a pattern or classes for one that
            has its own.
    """
    load = lookup(DATASETS, name, "data set")
    if pattern is not None and name not in NAMED_BY_PATTERN:
        raise RgavizError(f"--pattern is for {', '.join(NAMED_BY_PATTERN)}, not for {name}; drop it.")
    if classes is not None and name not in NAMED_BY_USER:
        raise RgavizError(f"classes is for {', '.join(NAMED_BY_USER)}, not for {name}; drop it.")
    named: dict[str, Any] = {
        key: value for key, value in (("pattern", pattern), ("classes", classes)) if value is not None
    }
    if leave_damaged:
        named["leave_damaged"] = True
    _refuse_folder(name, data_dir)
    return load(
        data_dir=data_dir,
        image_size=image_size,
        train_size=train_size,
        test_size=test_size,
        held_out=held_out,
        workers=workers,
        memory=memory,
        track=track,
        **named,
    )


def _refuse_folder(name: str, data_dir: Path | None) -> None:
    if data_dir is not None and name in GENERATED:
        raise RgavizError(
            f"{name} is generated and reads no folder; leave out --data-dir, or name another data set."
        )


def load_truth(
    name: str,
    *,
    image_size: tuple[int, int],
    test_size: int | None = None,
    data_dir: Path | None = None,
    held_out: float = 0.2,
) -> Truth:
    """The pictures of a data set to test on, with what is where in them.

    Args:
        name: a key of ``TRUTHS``.
        image_size: (H, W) in pixels, of pictures that are drawn at any size.
        test_size: number of them, or None for the default; of ``people`` whole identities.
        data_dir: where the pictures are, for those that are not generated.
        held_out: fraction held out for testing, where there is no test folder.

    Raises:
        UnknownNameError: no such data set, or it does not say where what is.
        RgavizError: an impossible size, no pictures there, or a folder for a data set that is generated.
    """
    load = lookup(TRUTHS, name, "data set with parts")
    _refuse_folder(name, data_dir)
    kept: dict[str, Any] = {} if name in GENERATED else {"data_dir": data_dir, "held_out": held_out}
    return load(image_size=image_size, test_size=test_size, **kept)

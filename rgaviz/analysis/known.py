"""Pictures of which it is known where what is: those of a data set, or the user's own with labels or boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from rgaviz.analysis.images import measured_on
from rgaviz.analysis.inputs import pictures_to_explain
from rgaviz.analysis.settings import Chosen
from rgaviz.analysis.subject import Subject
from rgaviz.data.coco import coco_truth
from rgaviz.data.find import PicturePath
from rgaviz.data.sets import DATASETS, TRUTHS, load_truth
from rgaviz.data.sets.crops import names_of_files, parse_name
from rgaviz.data.truth import Truth, folder_truth
from rgaviz.data.voc import voc_file, voc_truth
from rgaviz.errors import RgavizError, clipped, unknown_name
from rgaviz.progress import Say


def known_pictures(
    words: Sequence[str],
    truth: Path | None,
    data_dir: Path | None,
    first: Subject,
    folder: Path,
    said: Chosen,
) -> Truth:
    """The pictures and their parts, as the words ask for them.

    Args:
        words: of pictures or a data set; none is the first network's.
        truth: where labels or boxes of pictures are.
        data_dir: where those of the data set are.
        first: the network.
        folder: of the results, which are no pictures.
        said: how to tell.

    Raises:
        RgavizError: no pictures, or nothing is known of them.
    """
    if truth is not None:
        if not words:
            raise RgavizError(f"--truth {truth} has labels, but there are no pictures; name them, too.")
        if data_dir is not None:
            raise RgavizError(f"--data-dir {data_dir} is for data sets, --truth for pictures: leave one out.")
        found = _told_by(truth, pictures_to_explain(words, folder, said.say), said)
        return replace(found, people=_people_by_name(found.names))
    checkpoint = first.checkpoint
    known = ", ".join(TRUTHS)
    if len(words) > 1 or (words and words[0] not in DATASETS and Path(words[0]).exists()):
        raise RgavizError(
            f"Pictures need their labels or boxes with --truth; or name one data set of {known}."
        )
    name = words[0] if words else checkpoint.dataset
    if (name in DATASETS and name not in TRUTHS) or name is None:
        raise RgavizError(
            f"{clipped(name or checkpoint.path)} does not say where what is in a picture; name a data set that does "
            f"({known}), or pictures with --truth."
        )
    if name not in TRUTHS:
        raise unknown_name(name, TRUTHS, "data set with parts")
    kept: dict[str, Any] = {}
    if name == checkpoint.dataset:
        settings = measured_on(checkpoint)
        kept = {"test_size": settings.test_size, "held_out": settings.held_out}
    return load_truth(name, image_size=checkpoint.image_size, data_dir=data_dir, **kept)


def _told_by(truth: Path, pictures: Sequence[PicturePath], said: Chosen) -> Truth:
    """Pictures with the boxes of COCO's file, or of XML files where there are some for them, else with labels."""
    if not truth.is_dir() and (truth.is_file() or truth.suffix == ".json"):
        return coco_truth(pictures, truth, said.say)
    if any(voc_file(picture, truth) for picture in pictures):
        return voc_truth(pictures, truth, track=said.track, say=said.say)
    return folder_truth(pictures, truth, track=said.track, say=said.say)


def _people_by_name(names: Sequence[str]) -> list[int]:
    """Who pictures show by their names, where all of these are as Market-1501's."""
    pattern = names_of_files(None)
    told = [parse_name(PurePosixPath(name).name, pattern) for name in names]
    people = [who for who, _ in filter(None, told)]
    return people if len(people) == len(names) else []


def drawn(truth: Truth, count: int | None, seed: int, say: Say) -> list[int]:
    """The pictures to look at, by their places: all, or so many drawn with a seed.

    Raises:
        RgavizError: there are none.
    """
    every = len(truth.names)
    if not every:
        raise RgavizError("There are no pictures to look at; name some, or a larger data set.")
    if count is None or count >= every:
        return list(range(every))
    say(f"Note: {count} of {every} pictures, drawn at random with seed {seed}.")
    return sorted(np.random.default_rng(seed).choice(every, count, replace=False).tolist())

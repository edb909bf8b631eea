"""Pictures of a data set, chosen by what networks say of them, as files for the figure."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rgaviz.analysis.images import measured_images
from rgaviz.analysis.subject import Subject, one_task
from rgaviz.data.find import usable
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.codings import CODINGS, SCENES
from rgaviz.data.splits import Dataset, as_images
from rgaviz.data.windows import IGNORED
from rgaviz.errors import RgavizError, lookup
from rgaviz.progress import Say, Track
from rgaviz.tasks import How, Task
from rgaviz.tasks.said import probabilities
from rgaviz.tasks.task import measured_part

SEED = 0
COUNT = 4


@dataclass(frozen=True)
class Choice:
    """Which pictures of a data set are wanted.

    Attributes:
        pick: a key of :data:`PICKS`.
        count: how many at most.
        dataset: by default what the first network was trained on.
        data_dir: where it lies.
        part: of scenes: ``train``, ``val`` or ``test``; by default the one that is measured.
    """

    pick: str = "random"
    count: int = COUNT
    dataset: str | None = None
    data_dir: Path | None = None
    part: str | None = None

    def __post_init__(self) -> None:
        lookup(PICKS, self.pick, "pick")
        if self.count < 1:
            raise RgavizError(f"--count {self.count} is out of range: choose 1 or more.")


class Judged(NamedTuple):
    """What networks say of the n pictures of a data set, (networks, n) each.

    Attributes:
        score: the probability of the true class, or the accuracy over a picture's pixels.
        right: whether the class is right; None of networks that label pixels.
        says: which class; None likewise.
    """

    score: np.ndarray
    right: np.ndarray | None = None
    says: np.ndarray | None = None


class Picked(NamedTuple):
    """Places of pictures, best fitting first, and in words how they were chosen."""

    places: list[int]
    words: str


def _fixed(judged: Judged, first: int, second: int) -> np.ndarray:
    right = _right(judged)
    return _ranked(judged.score[second] - judged.score[first], ~right[first] & right[second])


def fixed(judged: Judged) -> Picked:
    """Those that the first network has wrong and the second right, greatest gain first."""
    return Picked(_fixed(judged, 0, 1).tolist(), "wrong by the first network, right by the second")


def broken(judged: Judged) -> Picked:
    """Those that the first network has right and the second wrong, greatest loss first."""
    return Picked(_fixed(judged, 1, 0).tolist(), "right by the first network, wrong by the second")


def both_right(judged: Judged) -> Picked:
    """Those that all networks have right, the surest first."""
    return Picked(
        _ranked(judged.score.min(0), np.all(_right(judged), axis=0)).tolist(), "right by all networks"
    )


def both_wrong(judged: Judged) -> Picked:
    """Those that all networks have wrong, the least probable true class first."""
    return Picked(
        _ranked(-judged.score.max(0), np.logical_not(np.any(_right(judged), axis=0))).tolist(),
        "wrong by all networks",
    )


def disagree(judged: Judged) -> Picked:
    """Those of which networks say other classes, the greatest difference in the true class's probability first."""
    _right(judged)
    assert judged.says is not None
    other = (judged.says != judged.says[:1]).any(0)
    spread = judged.score.max(0) - judged.score.min(0)
    return Picked(_ranked(spread, other).tolist(), "of which the networks say other classes")


def hardest(judged: Judged) -> Picked:
    """Those of least score by the first network."""
    return Picked(_ranked(-judged.score[0]).tolist(), "of least score by the first network")


def best(judged: Judged) -> Picked:
    """Those of greatest score by the first network."""
    return Picked(_ranked(judged.score[0]).tolist(), "of greatest score by the first network")


def improved(judged: Judged) -> Picked:
    """Those where the second network's score is greater, greatest gain first."""
    gain = judged.score[1] - judged.score[0]
    return Picked(_ranked(gain, gain > 0).tolist(), "of greatest gain by the second network")


def drawn(judged: Judged) -> Picked:
    """Any, drawn with a fixed seed."""
    places = list(range(judged.score.shape[1]))
    random.Random(SEED).shuffle(places)
    return Picked(places, f"drawn at random with seed {SEED}")


PICKS: dict[str, Callable[[Judged], Picked]] = {
    "random": drawn,
    "fixed": fixed,
    "broken": broken,
    "both-right": both_right,
    "both-wrong": both_wrong,
    "disagree": disagree,
    "hardest": hardest,
    "worst": hardest,
    "best": best,
    "improved": improved,
}
OF_TWO = ("fixed", "broken", "disagree", "improved")


def _right(judged: Judged) -> np.ndarray:
    if judged.right is None:
        raise RgavizError(
            "A picture whose pixels are labelled is not right or wrong as a whole: --pick worst, best, improved or "
            "random."
        )
    return judged.right


def _ranked(score: np.ndarray, among: Any = None) -> np.ndarray:
    """Places in the order of falling scores, at equal ones in that of the data set; only some of them."""
    order = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")
    return order if among is None else order[among[order]]


def choose(
    choice: Choice, subjects: Sequence[Subject], folder: Path, track: Track, say: Say
) -> tuple[list[Path], str]:
    """The pictures that are wanted as files below ``folder``, and in words how they were chosen.

    Those of classes lie in folders of their classes' names; beside scenes lie their labels.

    Raises:
        RgavizError: no data, no such pictures, or networks of which the question makes no sense.
    """
    task = one_task(subjects, "whose pictures are chosen by other things; choose networks of one task.")
    if task.name not in ("classification", "segmentation"):
        raise RgavizError(f"--pick of networks for {task.name}: rgaviz rank has its own; name pictures here.")
    if choice.pick in OF_TWO and len(subjects) < 2:
        raise RgavizError(f"--pick {choice.pick} compares two networks, and there is one: name another.")
    if choice.part is not None:
        if not task.dense:
            raise RgavizError(f"--part is for networks that label pixels, not for {task.name}: leave it out.")
        task = task.measuring(part=choice.part)
    load = lru_cache(maxsize=1)(load_dataset)
    opened = [measured_images(each, choice.dataset, choice.data_dir, None, load, track) for each in subjects]
    if choice.pick == "random":  # whatever is said of them, if they have labels at all
        judged = Judged(np.zeros((1, len(opened[0].part(measured_part(task))))))
    elif task.dense:
        judged = _judged_scenes(subjects, opened, task, track)
    else:
        judged = _judged_images(subjects, opened, track)
    found = PICKS[choice.pick](judged)
    places = found.places[: choice.count]
    if not places:
        raise RgavizError(
            f"--pick {choice.pick}: no picture of {opened[0].name} is {found.words}; pick others."
        )
    every = f"of the {judged.score.shape[1]} pictures of {opened[0].name}, {measured_part(task)}"
    words = f"{len(places)} {every}, {found.words}"
    if len(found.places) > len(places) and len(found.places) < judged.score.shape[1]:
        words += f" (there are {len(found.places)})"
    say(f"Note: {words}.")
    split = opened[0].part(measured_part(task))
    if isinstance(split, SceneSplit):
        return _write_scenes(split, places, subjects[0], folder), words
    return _write_images(opened[0], places, folder), words


def _judged_images(subjects: Sequence[Subject], opened: Sequence[Dataset], track: Track) -> Judged:
    scores, rights, says = [], [], []
    for subject, images in zip(subjects, opened, strict=True):
        checkpoint = subject.checkpoint
        device = next(checkpoint.model.parameters()).device
        how = How(checkpoint.classes, checkpoint.mean, checkpoint.std, device, track=track, title=subject.id)
        split = images.part("test").to(device)
        model = checkpoint.scored()
        own: list[list[Tensor]] = [[], []]
        with torch.inference_mode():
            for batch, labels in how.batches(split):
                shares, _ = probabilities(model(batch).float())
                own[0].append(shares.gather(1, labels[:, None])[:, 0].cpu())
                own[1].append(shares.argmax(1).cpu())
        score, said = (torch.cat(each).numpy() for each in own)
        scores.append(score)
        says.append(said)
        rights.append(np.equal(said, as_images(split).labels.cpu().numpy()))
    return Judged(np.stack(scores), np.stack(rights), np.stack(says))


def _judged_scenes(
    subjects: Sequence[Subject], opened: Sequence[Dataset], task: Task, track: Track
) -> Judged:
    scores = []
    for subject, images in zip(subjects, opened, strict=True):
        checkpoint = subject.checkpoint
        device = next(checkpoint.model.parameters()).device
        how = How(checkpoint.classes, checkpoint.mean, checkpoint.std, device, track=track, title=subject.id)

        def part(name: str, images: Dataset = images, device: torch.device = device) -> Any:
            return images.part(name).to(device)

        found = task.evaluate(checkpoint.model, part, how)
        rows = found.tables["pictures"].values
        scores.append([np.nan if row[1] is None else row[1] / 100 for row in rows])
    return Judged(np.array(scores, np.float64))


def _write_images(images: Dataset, places: Sequence[int], folder: Path) -> list[Path]:
    split = as_images(images.part("test"))
    (pictures,) = split.select([torch.tensor(places)])
    written = []
    for place, pixels in zip(places, pictures.cpu().numpy(), strict=True):
        path = folder / usable(str(images.classes[int(split.labels[place])])) / f"{place:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        written.append(path)
    return written


def _write_scenes(split: SceneSplit, places: Sequence[int], first: Subject, folder: Path) -> list[Path]:
    """Pictures in ``images``, and in ``labels`` the number of each pixel's class, as the first network has them."""
    checkpoint = first.checkpoint
    table = np.arange(256, dtype=np.uint8)
    if checkpoint.dataset in CODINGS:  # whose files have a number more for what is none
        table[IGNORED] = len(checkpoint.classes)
    elif checkpoint.dataset == SCENES and checkpoint.ids is not None:  # whose files leave numbers out
        table[: len(checkpoint.ids)] = checkpoint.ids
    written = []
    for place, scene in zip(places, split.whole(places), strict=True):
        name = f"{usable(Path(scene.name).stem)}-{place}.png"
        parts: Mapping[str, np.ndarray | None] = {"images": scene.picture, "labels": scene.labels}
        for kind, values in parts.items():
            if values is None:
                continue
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values if kind == "images" else table[values]).save(folder / kind / name)
        written.append(folder / "images" / name)
    return written

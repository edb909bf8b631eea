"""What every pixel of pictures is, as files of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import cv2
import numpy as np
from PIL import Image

from rgaviz.analysis.answer import Names
from rgaviz.analysis.inputs import pictures_to_explain
from rgaviz.analysis.loading import read_shown
from rgaviz.analysis.settings import Settings, chosen
from rgaviz.analysis.subject import Subject, load_subjects, tell_notes
from rgaviz.checkpoint import Checkpoint
from rgaviz.data.colours import default_colours
from rgaviz.data.deep import window_of
from rgaviz.data.find import PicturePath
from rgaviz.data.intensities import AUTO, Window, parse_window, window_note
from rgaviz.devices import choose_device, memory_told
from rgaviz.errors import OutputError, PictureError, RgavizError, words
from rgaviz.locks import alone
from rgaviz.marked import claim_marked, save_marked
from rgaviz.outputs import names_figure, output_place
from rgaviz.regular import real
from rgaviz.tasks import Task
from rgaviz.tasks.pixels import IGNORED

INTENSITIES = "--intensities"  # elsewhere --window, which here is what pictures are seen by


@dataclass(frozen=True)
class Predicted:
    """What came of a prediction.

    Attributes:
        folder: of the files.
        files: picture -> its labels.
        shares: picture -> class -> the share of its pixels, from 0 to 1.
        failures: one line for each picture that was left out.
    """

    folder: Path
    files: dict[str, Path]
    shares: dict[str, dict[str, Any]]
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        pictures = {
            name: {"file": str(path), "shares": self.shares[name]} for name, path in self.files.items()
        }
        return {"folder": str(self.folder), "pictures": pictures, "failures": self.failures}


def predict(
    checkpoint: Path | str,
    pictures: Names,
    out: Path | str | None = None,
    *,
    choices: Mapping[str, Any] | None = None,
    intensities: str = AUTO,
    **settings: Unpack[Settings],
) -> Predicted:
    """Write what a network says of every pixel, as ``rgaviz predict`` does.

    A file for each picture, a PNG of its size whose values are the numbers that the data set of the network's training
    has for its classes, with their colours as its palette; without such numbers the places of the classes, from 0 on.

    Args:
        checkpoint: of a network that labels pixels.
        pictures: files, folders or patterns.
        out: the folder; by default ``./rgaviz-predict/``.
        choices: how pictures are covered: fields of :class:`rgaviz.tasks.whole.Covering`.
        intensities: of grey pictures of more than 8 bits those shown as black and white, as the ``window`` of
            :func:`rgaviz.analysis.cam.cam`, which here is something else.
        settings: of :class:`rgaviz.analysis.settings.Settings`; there is no figure.

    Raises:
        RgavizError: another network, no picture that can be read, or a place that cannot be written.
    """
    said = chosen(settings)
    asked_window = parse_window(intensities, INTENSITIES)
    asked = words(pictures, "Pictures", "img.jpg")
    if not asked:
        raise RgavizError("There is no picture to predict; name files or folders, such as img.jpg.")
    if names_figure(out):
        raise OutputError(f"{out} is one file, but each picture gets one; name a folder with -o.")
    folder = output_place(out, "predict").folder
    with alone(folder):
        (subject,) = load_subjects([checkpoint], choose_device(said.device), said.given)
        tell_notes([subject], said.say)
        task = subject.checkpoint.task
        if not task.dense:
            raise RgavizError(
                f"{subject.checkpoint.path} is a network for {task.name}, which labels no pixels; what it says of "
                "pictures is in: rgaviz cam ... --json"
            )
        task = task.measuring(**(choices or {}))
        found = pictures_to_explain(asked, folder, said.say)
        window, deep = window_of((picture.path for picture in found), asked_window)
        if window is not None:
            said.say(f"Note: {window_note(window, deep, INTENSITIES)}")
        places = {picture: folder / picture.relative.with_suffix(".png") for picture in found}
        claim_marked(places.values())
        taken = {real(picture.path) for picture in found} | {real(Path(checkpoint))}
        for place in places.values():
            if real(place) in taken:
                raise OutputError(f"{place} is an input; choose another folder with -o.")
        answer = Predicted(folder, {}, {}, [])
        for picture in said.track(found, total=len(found), description="predicting"):
            _write(subject, task, picture, window, places[picture], answer)
    if not answer.files:
        raise PictureError(answer.failures[0])
    return answer


def _write(
    subject: Subject,
    task: Task,
    picture: PicturePath,
    window: Window | None,
    place: Path,
    answer: Predicted,
) -> None:
    checkpoint, name = subject.checkpoint, picture.relative.as_posix()
    try:
        array = read_shown(picture.path, window, full=True)
    except PictureError as error:
        answer.failures.append(str(error))
        return
    with memory_told(f"{picture.path}", "see it by parts with --window, such as --window 769."):
        (told,) = checkpoint.told([array], task)
    labels = np.asarray(told.labels, np.uint8)
    if labels.shape != array.shape[:2]:  # larger than networks see pictures
        labels = cv2.resize(labels, array.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    save_marked(place, numbered(checkpoint, np.asarray(labels, np.uint8)))
    answer.files[name] = place
    answer.shares[name] = told.values


def numbered(checkpoint: Checkpoint, labels: np.ndarray) -> Image.Image:
    """Places of classes (H, W) as a picture with a palette, whose values are the numbers of the classes' data set."""
    count = len(checkpoint.classes)
    ids = checkpoint.ids or list(range(count))
    table, colours = np.full(256, IGNORED, np.uint8), np.zeros((256, 3), np.uint8)
    table[:count] = ids
    colours[ids] = checkpoint.colours or default_colours(count)
    image = Image.fromarray(cv2.LUT(labels, table))
    image.putpalette(colours.tobytes())
    return image

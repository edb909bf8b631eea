"""The true labels of pictures' pixels: where they lie, and as places among the classes of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from rgaviz.analysis.pixels import ERRORS, Palette, dense_ones, truth_id
from rgaviz.analysis.request import Request
from rgaviz.checkpoint import Checkpoint
from rgaviz.data.beside import label_file
from rgaviz.data.find import PicturePath
from rgaviz.data.labels import read_classes
from rgaviz.data.sets.codings import coding_of
from rgaviz.errors import PictureError, RgavizError

TOLD = 3  # faults of labels that are told one by one


@dataclass
class Truths:
    """The true labels of some pictures.

    Attributes:
        name: what they are called where networks have names; "" where no picture has any.
        files: number of a picture -> the file of its labels.
        checkpoint: the network whose classes are those of the files.
        table: (256,) uint8, from its classes to those of the figure.
        faults: what was wrong with files that were read.
        others: what is told of networks with other classes than the truth's.
    """

    name: str = ""
    files: dict[int, Path] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None
    table: np.ndarray = field(default_factory=lambda: np.arange(256, dtype=np.uint8))
    faults: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def read(self, number: int, size: tuple[int, int]) -> np.ndarray | None:
        """The labels (h, w) of a picture of that size as places among the figure's classes; None where there are none.

        A fault is noted, and the picture has none.
        """
        path = self.files.get(number)
        if path is None or self.checkpoint is None:
            return None
        try:
            coding = coding_of(path, self.checkpoint.classes, self.checkpoint.dataset, self.checkpoint.ids)
            labels = read_classes(path, coding)
            if labels.shape != size:
                raise PictureError(
                    f"{str(path)!r} has {_text(labels.shape)} pixels, and its picture {_text(size)}: give labels of "
                    "the picture's own size."
                )
        except PictureError as error:
            self.faults.append(str(error))
            return None
        return cv2.LUT(labels, self.table)

    def notes(self) -> list[str]:
        """What was wrong, a line each of the first few."""
        more = len(self.faults) - TOLD
        last = [f"{more} more pictures have labels that cannot be taken."] if more > 0 else []
        return [*self.others, *(f"No truth: {fault}" for fault in self.faults[:TOLD]), *last]


def truths_of(request: Request, pictures: Sequence[PicturePath], palette: Palette) -> Truths:
    """The true labels of pictures, where the request shows them.

    Raises:
        RgavizError: labels were asked for that no network gives, or the folder named for them holds none.
    """
    dense = dense_ones(request.subjects)
    if request.truth is not None and not dense:
        raise RgavizError("--truth is for networks that label every pixel, and these do not: leave it out.")
    if request.truth is not None and not request.truth.is_dir():
        raise RgavizError(f"--truth {request.truth} is no folder: name the one with the labels.")
    if not dense or not any(column.kind == ERRORS for column in request.columns):
        return Truths()
    found = {
        number: path for number, each in enumerate(pictures) if (path := label_file(each, request.truth))
    }
    if request.truth is not None and not found:
        expected = request.truth / pictures[0].relative.with_suffix(".png")
        raise RgavizError(
            f"--truth {request.truth} has no labels of these pictures: {expected} is not there."
        )
    if not found:
        return Truths()
    first = dense[0]
    missing = [each.path for number, each in enumerate(pictures) if number not in found]
    faults = [f"{path} has no labels in {request.truth}." for path in missing if request.truth is not None]
    others = [
        f"{each.id} has no errors panel: the truth is read by the classes of {first.id}, and it has others."
        for each in dense
        if each.id not in palette.judged
    ]
    return Truths(
        truth_id(request.subjects), found, first.checkpoint, palette.tables[first.id], faults, others
    )


def shown_columns(request: Request, truths: Truths) -> Request:
    """The request without the columns that need the truth, where no picture has one."""
    if truths.name:
        return request
    own = {subject.id for subject in request.subjects}
    kept = [
        column
        for column in request.columns
        if column.kind != ERRORS
        and (column.map is None or column.map.group != "labels" or column.map.checkpoint in own)
    ]
    return replace(request, columns=kept)


def _text(size: Sequence[int]) -> str:
    return "x".join(map(str, size))

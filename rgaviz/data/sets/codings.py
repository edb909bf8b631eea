"""How a single file of labels is to be read: by the data set whose classes it has, and by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rgaviz.data.labels import Coding, by_ids, by_number, by_places
from rgaviz.data.sets import camvid
from rgaviz.data.windows import IGNORED

SCENES = "scenes"  # anyone's own, whose classes have the numbers of their lines
BY_ID = "_labelIds.png"  # how the names of files end that have Cityscapes' ids

# Of data sets whose files number the classes and have a number more, for what is none.
CODINGS: dict[str, Callable[[], Coding]] = {"camvid": camvid.coding}


def coding_of(
    path: Path, classes: Sequence[str], dataset: str | None = None, ids: Sequence[int] | None = None
) -> Coding:
    """How a file of labels says which class a pixel is of.

    Args:
        path: the file.
        classes: of the network that it is compared with.
        dataset: that this was trained on, where that is known.
        ids: the numbers of the classes in the files of that data set, likewise.
    """
    if path.name.endswith(BY_ID) and ids is not None:
        return by_ids(ids, hint="give labels of the network's own data set.")
    known = CODINGS[dataset]() if dataset in CODINGS else None
    if known is not None and known.classes == len(classes):
        return known
    hint = "save the number of its class for each pixel, as the network has them, 255 where there is none."
    if dataset == SCENES and ids is not None and IGNORED not in ids:
        return by_places(ids, sorted(set(range(max(ids))) - set(ids)), hint=hint)
    return by_number(len(classes), hint=hint)

"""Where the labels of a picture lie: beside it, as data sets of scenes have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from rgaviz.data.find import PicturePath

BESIDE = {"images": "labels", "leftImg8bit": "gtFine"}  # folder of pictures -> that of their labels
# How the name of a picture ends, and that of its labels.
ENDINGS = (
    ("", ""),
    ("_leftImg8bit", "_gtFine_labelIds"),
    ("_leftImg8bit", "_gtFine_labelTrainIds"),
)


def label_file(picture: PicturePath, folder: Path | None) -> Path | None:
    """The file of a picture's labels: in a folder under its name, or where data sets have it beside pictures."""
    places = _beside(picture.path) if folder is None else [folder / picture.relative]
    for place in places:
        for ending, other in ENDINGS:
            if not place.stem.endswith(ending):
                continue
            path = place.with_name(f"{place.stem.removesuffix(ending)}{other}.png")
            if path != picture.path and path.is_file():
                return path
    return None


def _beside(path: Path) -> Iterator[Path]:
    """Where the labels of a picture may lie: the layouts of the data sets."""
    parts = path.absolute().parts
    for place in reversed(range(len(parts) - 1)):
        if parts[place] in BESIDE:
            yield Path(PurePath(*parts[:place], BESIDE[parts[place]], *parts[place + 1 :]))
            break
    yield path.absolute().parent.with_name(f"{path.absolute().parent.name}annot") / path.name


def without_labels(pictures: Sequence[PicturePath]) -> tuple[list[PicturePath], list[Path]]:
    """Pictures without those that are the labels of others of them; and these labels."""
    found = (label_file(each, None) for each in pictures)
    labels = {path.absolute() for path in found if path is not None}
    kept = [each for each in pictures if each.path.absolute() not in labels]
    return kept, [each.path for each in pictures if each.path.absolute() in labels]
